"""MEAN."""

from __future__ import annotations

import math
from dataclasses import dataclass

from midge.runtime.fixed_point import quantize_multiplier
from midge.runtime.graph import DType, Node, Tensor
from midge.runtime.operators.pool import MAX_ELEMENTS
from midge.runtime.operators.row import (
    OperatorRow,
    constant,
    expect,
    expect_counts,
    expect_shape,
    option,
    require,
    require_dtype,
)
from midge.runtime.operators.weighted import activation_quantization
from midge.runtime.program import KernelCall, ParamValue, Target

MAX_AXES = 3
"""Kept and reduced axes that a kernel walks, each, after merging neighbours."""


@dataclass(frozen=True)
class Reducer:
    """Options of the reductions."""

    keep_dims: bool = option(0, "bool", False)


def reduced_axes(source: Tensor, axes: Tensor) -> tuple[int, ...]:
    """Return the axes to reduce, ascending, without repetitions.

    Raises:
        UnsupportedError: they are computed at run time.
        ModelError: they are not int32 or not axes of the input.
    """
    values = constant(axes, "axis tensor")
    expect(axes.dtype == DType.INT32, f"expected an int32 axis tensor, found {axes.dtype.value}")
    rank = len(source.shape)
    found = [int(axis) for axis in values.ravel()]
    expect(all(-rank <= axis < rank for axis in found), f"axes {found} are not all axes of shape {list(source.shape)}")
    return tuple(sorted({axis % rank for axis in found}))


def merged_axes(shape: tuple[int, ...], reduced: tuple[int, ...]) -> tuple[list[list[int]], list[list[int]]]:
    """Return [extent, stride] of the kept and of the reduced axes, outermost first, neighbours of a kind merged."""
    kept_axes: list[list[int]] = []
    reduced_axes_: list[list[int]] = []
    stride, last = 1, None
    for axis in reversed(range(len(shape))):
        if shape[axis] == 1:
            continue
        kind = reduced_axes_ if axis in reduced else kept_axes
        if kind is last:
            kind[0][0] *= shape[axis]
        else:
            kind.insert(0, [shape[axis], stride])
        stride, last = stride * shape[axis], kind
    return kept_axes, reduced_axes_


def _count(node: Node) -> int:
    source = node.input(0)
    return math.prod(source.shape[axis] for axis in reduced_axes(source, node.input(1)))


def _check(node: Node) -> None:
    expect_counts(node, (2, 2))
    source, output = node.input(0), node.output()
    require_dtype(source, DType.INT8, DType.FLOAT32)
    expect(output.dtype == source.dtype, f"input is {source.dtype.value} but output is {output.dtype.value}")
    expect(all(n >= 1 for n in source.shape), f"input shape {list(source.shape)} has an empty dimension")
    axes = reduced_axes(source, node.input(1))
    kept, reduced = merged_axes(source.shape, axes)
    require(
        max(len(kept), len(reduced)) <= MAX_AXES,
        f"a mean of {list(source.shape)} over axes {list(axes)} is not supported; reduce neighbouring axes",
    )
    require(_count(node) <= MAX_ELEMENTS, f"a mean of {_count(node)} elements is not supported; at most {MAX_ELEMENTS}")
    if node.attributes.keep_dims:
        shape = tuple(1 if axis in axes else n for axis, n in enumerate(source.shape))
    else:
        shape = tuple(n for axis, n in enumerate(source.shape) if axis not in axes)
    expect_shape(output, shape)
    if source.dtype == DType.INT8:
        activation_quantization(source, "input")
        activation_quantization(output, "output")
        _factor(node)


def _factor(node: Node) -> tuple[int, int]:
    """Return multiplier and shift of input scale / output scale / count.

    TFLite's integer division of a multiplier, after a left shift by as many bits as the count has beyond its first.
    """
    scale, _ = activation_quantization(node.input(0), "input")
    output_scale, _ = activation_quantization(node.output(), "output")
    multiplier, shift = quantize_multiplier(scale / output_scale)
    count = _count(node)
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << bits) // count, shift - bits


def _lower(node: Node, _: Target) -> tuple[KernelCall, ...]:
    source = node.input(0)
    kept, reduced = merged_axes(source.shape, reduced_axes(source, node.input(1)))
    walk: dict[str, ParamValue] = {}
    for name, axes in (("kept", kept), ("reduced", reduced)):
        padded = [[1, 0]] * (MAX_AXES - len(axes)) + axes
        walk[f"{name}_shape"] = tuple(extent for extent, _ in padded)
        walk[f"{name}_stride"] = tuple(stride for _, stride in padded)
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    if source.dtype == DType.FLOAT32:
        return (KernelCall("midge_mean_f32", {**walk, "count": float(_count(node))}, inputs, outputs),)
    multiplier, shift = _factor(node)
    params: dict[str, ParamValue] = {
        **walk,
        "offset": -activation_quantization(source, "input")[1] * _count(node),
        "multiplier": multiplier,
        "shift": shift,
        "output_zero_point": activation_quantization(node.output(), "output")[1],
    }
    return (KernelCall("midge_mean_s8", params, inputs, outputs),)


MEAN = OperatorRow("MEAN", 40, check=_check, lower=_lower, options=Reducer, options_type=27)
