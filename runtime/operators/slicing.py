"""SLICE and STRIDED_SLICE: one box out of a tensor."""

from __future__ import annotations

from dataclasses import dataclass

from midge.runtime.graph import Node
from midge.runtime.operators.boxes import (
    Axis,
    copy_call,
    dense_strides,
    expect_same_type,
    integers,
    require_movable,
)
from midge.runtime.operators.builder import built_row
from midge.runtime.operators.row import expect, expect_counts, expect_shape, option, require
from midge.runtime.program import KernelCall


@dataclass(frozen=True)
class _Cut:
    """What is taken along one axis of the input."""

    start: int
    stride: int
    count: int


def _cut_call(node: Node, cuts: list[_Cut]) -> tuple[KernelCall, ...]:
    """Return the call that copies the cuts, one for each axis of the input, into the dense output."""
    source = node.input(0)
    strides = dense_strides(source.shape)
    counts = [cut.count for cut in cuts]
    box = [
        Axis(cut.count, cut.stride * stride, output_stride)
        for cut, stride, output_stride in zip(cuts, strides, dense_strides(counts), strict=True)
    ]
    offset = sum(cut.start * stride for cut, stride in zip(cuts, strides, strict=True))
    return (copy_call(node.input_index(0), node.operator.outputs[0], source.dtype, box, input_offset=offset),)


def _slice(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (3, 3))
    source, output = node.input(0), node.output()
    require_movable(source)
    expect_same_type(output, source)
    starts, sizes = integers(node.input(1), "begin"), integers(node.input(2), "size")
    rank = len(source.shape)
    expect(len(starts) == rank and len(sizes) == rank, f"begin and size must have one value for each of {rank} axes")
    cuts = []
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        extent = source.shape[axis]
        count = extent - start if size == -1 else size
        expect(
            start >= 0 and start + count <= extent and count >= 0,
            f"entries {start} to {start + count - 1} of axis {axis} are asked for; it has {extent}",
        )
        cuts.append(_Cut(start, 1, count))
    expect_shape(output, tuple(cut.count for cut in cuts))
    require_movable(output)
    return _cut_call(node, cuts)


@dataclass(frozen=True)
class StridedSliceOptions:
    """Options of STRIDED_SLICE; bit i of a mask stands for entry i of `begin`, `end` and `strides`."""

    begin_mask: int = option(0, "int32", 0)
    end_mask: int = option(1, "int32", 0)
    ellipsis_mask: int = option(2, "int32", 0)
    new_axis_mask: int = option(3, "int32", 0)
    shrink_axis_mask: int = option(4, "int32", 0)
    offset: bool = option(5, "bool", False)


def _cut(start: int, stop: int, stride: int, extent: int, *, from_edge: bool, to_edge: bool, shrink: bool) -> _Cut:
    """Return what Python's start:stop:stride takes of an axis; `shrink` takes the one entry at `start`.

    `from_edge` and `to_edge` stand for an absent start and stop.
    """
    expect(stride != 0, "a stride is 0")
    if shrink:
        index = (0 if stride > 0 else extent - 1) if from_edge else start + extent if start < 0 else start
        expect(0 <= index < extent, f"entry {start} is asked for; the axis has {extent}")
        return _Cut(index, 1, 1)
    window = slice(None if from_edge else start, None if to_edge else stop, stride)
    taken = range(*window.indices(extent))
    # With one entry the stride is never applied: 1 keeps it from overflowing 32 bits.
    return _Cut(taken.start, stride if len(taken) > 1 else 1, len(taken))


def _strided_slice(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (4, 4))
    options: StridedSliceOptions = node.attributes
    require(not options.offset, "an end relative to the begin (offset) is not supported")
    # TensorFlow's converter rewrites both, and the reference kernels do not agree on what they mean.
    require(
        options.ellipsis_mask == 0 and options.new_axis_mask == 0,
        "an ellipsis or a new axis is not supported; use slices of whole axes and a reshape",
    )
    source, output = node.input(0), node.output()
    require_movable(source)
    expect_same_type(output, source)
    starts = integers(node.input(1), "begin")
    stops = integers(node.input(2), "end")
    strides = integers(node.input(3), "strides")
    count, rank = len(starts), len(source.shape)
    expect(len(stops) == count and len(strides) == count, "begin, end and strides must have equally many values")
    expect(count <= rank, f"begin has {count} values, but the input {rank} axes")
    cuts = [
        _cut(
            starts[i],
            stops[i],
            strides[i],
            source.shape[i],
            from_edge=bool(options.begin_mask >> i & 1),
            to_edge=bool(options.end_mask >> i & 1),
            shrink=bool(options.shrink_axis_mask >> i & 1),
        )
        for i in range(count)
    ]
    shape = [cut.count for i, cut in enumerate(cuts) if not options.shrink_axis_mask >> i & 1]
    cuts += [_Cut(0, 1, extent) for extent in source.shape[count:]]
    expect_shape(output, (*shape, *source.shape[count:]))
    require_movable(output)
    return _cut_call(node, cuts)


SLICE = built_row("SLICE", 65, _slice)
STRIDED_SLICE = built_row("STRIDED_SLICE", 45, _strided_slice, StridedSliceOptions, 32)
