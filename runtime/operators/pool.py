"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from dataclasses import dataclass

from midge.runtime.fixed_point import activation
from midge.runtime.graph import DType, Node
from midge.runtime.operators.lead import pixel_lead
from midge.runtime.operators.row import OperatorRow, expect, expect_counts, expect_shape, option, require, require_dtype
from midge.runtime.operators.weighted import activation_quantization, clamp_params
from midge.runtime.operators.window import MAX_EXTENT, Window, make_window
from midge.runtime.program import KernelCall, Target

MAX_ELEMENTS = 2**23
"""Most elements in one mean: their int8 sum and half their number fit 32 bits."""


@dataclass(frozen=True)
class Pool2D:
    """Options of the pools."""

    padding: int = option(0, "int8", 0)
    stride_width: int = option(1, "int32", 0)
    stride_height: int = option(2, "int32", 0)
    filter_width: int = option(3, "int32", 0)
    filter_height: int = option(4, "int32", 0)
    fused_activation: int = option(5, "int8", 0)


def _window(node: Node) -> Window:
    options: Pool2D = node.attributes
    return make_window(
        node.input(0),
        node.input(0).shape[3],
        (options.filter_height, options.filter_width),
        (options.stride_height, options.stride_width),
        (1, 1),
        options.padding,
        direct=False,
    )


def _check(node: Node) -> None:
    expect_counts(node, (1, 1))
    source, output = node.input(0), node.output()
    require_dtype(source, DType.INT8, DType.FLOAT32)
    expect(output.dtype == source.dtype, f"input is {source.dtype.value} but output is {output.dtype.value}")
    expect(len(source.shape) == 4, f"expected an input of rank 4, found shape {list(source.shape)}")
    window = _window(node)
    require(max(window.filter_height, window.filter_width) <= MAX_EXTENT, "a window this large is not supported")
    inside = min(window.filter_height, window.input_height) * min(window.filter_width, window.input_width)
    require(inside <= MAX_ELEMENTS, f"a window of {inside} elements is not supported; at most {MAX_ELEMENTS}")
    expect_shape(output, (source.shape[0], window.output_height, window.output_width, source.shape[3]))
    fused = activation(node.attributes.fused_activation)
    if source.dtype == DType.INT8:
        scale, zero_point = activation_quantization(source, "input")
        output_scale, output_zero_point = activation_quantization(output, "output")
        # TFLite Micro's own condition: a pool does not rescale.
        require(
            abs(scale - output_scale) <= 1e-6 and zero_point == output_zero_point,
            f"input scale {scale} and zero point {zero_point} differ from the output's, {output_scale} and"
            f" {output_zero_point}; a pool cannot rescale",
        )
        clamp_params(node, fused)


def _lower_with(name: str, node: Node) -> tuple[KernelCall, ...]:
    suffix = "f32" if node.input(0).dtype == DType.FLOAT32 else "s8"
    window = _window(node)
    params = {"window": window.as_param(), **clamp_params(node, activation(node.attributes.fused_activation))}
    lead = pixel_lead(window, node.input(0).dtype.itemsize)
    return (KernelCall(f"midge_{name}_{suffix}", params, (node.input_index(0),), node.operator.outputs, lead=lead),)


def _lower_average(node: Node, _: Target) -> tuple[KernelCall, ...]:
    return _lower_with("average_pool_2d", node)


def _lower_max(node: Node, _: Target) -> tuple[KernelCall, ...]:
    return _lower_with("max_pool_2d", node)


AVERAGE_POOL_2D = OperatorRow("AVERAGE_POOL_2D", 1, check=_check, lower=_lower_average, options=Pool2D, options_type=5)
MAX_POOL_2D = OperatorRow("MAX_POOL_2D", 17, check=_check, lower=_lower_max, options=Pool2D, options_type=5)
