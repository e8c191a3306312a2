"""ADD, SUB and MUL, with broadcasting and a fused activation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from midge.runtime.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    Activation,
    activation,
    activation_range,
    float_activation_range,
    quantize_multiplier,
)
from midge.runtime.graph import DType, Node
from midge.runtime.operators import variants
from midge.runtime.operators.boxes import MAX_RANK, Axis, collapse, dense_strides, pad_rank
from midge.runtime.operators.builder import Builder, built_row
from midge.runtime.operators.quantized import byte_quantization, require_elements
from midge.runtime.operators.row import expect, expect_counts, expect_shape, option, require, require_dtype
from midge.runtime.operators.sums import sum_params
from midge.runtime.program import KernelCall, ParamValue

Params = Mapping[str, ParamValue]


@dataclass(frozen=True)
class ArithmeticOptions:
    """Options of ADD, SUB and MUL."""

    fused_activation_function: int = option(0, "int8", 0)


def _broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    shape = []
    for x, y in zip_longest(reversed(a), reversed(b), fillvalue=1):
        expect(x == y or 1 in (x, y), f"inputs of shapes {list(a)} and {list(b)} do not broadcast")
        shape.append(y if x == 1 else x)
    return tuple(reversed(shape))


def _strides(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    strides = tuple(0 if n == 1 else stride for n, stride in zip(shape, dense_strides(shape), strict=True))
    return (0,) * (rank - len(shape)) + strides


def _broadcast(node: Node) -> dict[str, ParamValue]:
    """Return the walk over both inputs, adjacent axes merged."""
    shape = node.output().shape
    strides = (_strides(node.input(position).shape, len(shape)) for position in (0, 1))
    axes = collapse([Axis(*axis) for axis in zip(shape, *strides, strict=True)])
    require(len(axes) <= MAX_RANK, f"broadcasting over {len(axes)} separate axes; at most {MAX_RANK} are supported")
    # The last axis is never the merged result of nothing: a single element walks with stride 0.
    return {
        "shape": pad_rank([axis.extent for axis in axes], 1),
        "input1_stride": pad_rank([axis.input_stride for axis in axes], 0),
        "input2_stride": pad_rank([axis.output_stride for axis in axes], 0),
    }


def _product_params(node: Node, fused: Activation) -> Params:
    first, second = (byte_quantization(node.input(position), "input") for position in (0, 1))
    output = byte_quantization(node.output(), "output")
    multiplier, shift = quantize_multiplier(first.scale * second.scale / output.scale)
    low, high = activation_range(fused, output.scale, output.zero_point, DType.INT8)
    return {
        "input1_zero_point": first.zero_point,
        "input2_zero_point": second.zero_point,
        "output_zero_point": output.zero_point,
        "output_multiplier": multiplier,
        "output_shift": shift,
        "activation_min": low,
        "activation_max": high,
    }


def _float_params(_: Node, fused: Activation) -> Params:
    low, high = float_activation_range(fused)
    return {"activation_min": low, "activation_max": high}


def _int32_params(_: Node, fused: Activation) -> Params:
    # The reference kernels do not agree on what a fused activation does to int32.
    require(fused == Activation.NONE, "an activation fused into int32 arithmetic is not supported")
    return {"activation_min": INT32_MIN, "activation_max": INT32_MAX}


def _builder(name: str, int8_params: Callable[[Node, Activation], Params]) -> Builder:
    kernels: dict[DType, tuple[str, Callable[[Node, Activation], Params]]] = {
        DType.INT8: (f"midge_{name}_s8", int8_params),
        DType.FLOAT32: (f"midge_{name}_f32", _float_params),
        DType.INT32: (f"midge_{name}_s32", _int32_params),
    }

    def build(node: Node) -> tuple[KernelCall, ...]:
        expect_counts(node, (2, 2))
        first, second, output = node.input(0), node.input(1), node.output()
        require_dtype(first, *kernels)
        for tensor in (second, output):
            expect(tensor.dtype == first.dtype, f"{tensor.name!r} is {tensor.dtype.value}, not {first.dtype.value}")
        expect_shape(output, _broadcast_shape(first.shape, second.shape))
        require_elements(output)
        kernel, make_params = kernels[first.dtype]
        params = make_params(node, activation(node.attributes.fused_activation_function))
        return (
            KernelCall(
                kernel,
                {"broadcast": _broadcast(node), **params},
                (node.input_index(0), node.input_index(1)),
                (node.operator.outputs[0],),
            ),
        )

    return build


def _in_place(node: Node) -> tuple[tuple[int, int], ...]:
    """The output may replace an input that is not repeated."""
    elements = node.output().elements
    return tuple((position, 0) for position in (0, 1) if node.input(position).elements == elements)


ADD = built_row("ADD", 0, _builder("add", sum_params), ArithmeticOptions, 11, in_place=_in_place, variants=variants.ADD)
MUL = built_row("MUL", 18, _builder("mul", _product_params), ArithmeticOptions, 21, in_place=_in_place)
SUB = built_row(
    "SUB", 41, _builder("sub", sum_params), ArithmeticOptions, 28, in_place=_in_place, variants=variants.SUB
)
