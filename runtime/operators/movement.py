"""Joining, splitting and transposing: every piece is one box of the copy kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from midge.runtime.graph import Node, Tensor
from midge.runtime.operators.boxes import (
    Axis,
    copy_call,
    dense_strides,
    expect_same_type,
    integer,
    integers,
    normalize_axis,
    require_movable,
)
from midge.runtime.operators.builder import built_row
from midge.runtime.operators.row import expect, expect_counts, expect_shape, option, require
from midge.runtime.program import KernelCall


def _box(shape: tuple[int, ...], input_strides: tuple[int, ...], output_strides: tuple[int, ...]) -> list[Axis]:
    return [Axis(*axis) for axis in zip(shape, input_strides, output_strides, strict=True)]


def _pieces_in(node: Node, axis: int, pieces: list[tuple[int, tuple[int, ...]]]) -> tuple[KernelCall, ...]:
    """Return the calls that put each piece (input position, shape) behind the last along `axis` of output 0."""
    output = node.output()
    strides = dense_strides(output.shape)
    calls, start = [], 0
    for position, shape in pieces:
        box = _box(shape, dense_strides(shape), strides)
        offset = start * strides[axis]
        calls.append(
            copy_call(node.input_index(position), node.operator.outputs[0], output.dtype, box, output_offset=offset)
        )
        start += shape[axis]
    return tuple(calls)


def _pieces_out(node: Node, position: int, axis: int, shapes: list[tuple[int, ...]]) -> tuple[KernelCall, ...]:
    """Return the calls that cut input `position` along `axis` into outputs of these shapes, in order."""
    source = node.input(position)
    strides = dense_strides(source.shape)
    calls, start = [], 0
    for output, shape in zip(node.operator.outputs, shapes, strict=True):
        box = _box(shape, strides, dense_strides(shape))
        calls.append(
            copy_call(node.input_index(position), output, source.dtype, box, input_offset=start * strides[axis])
        )
        start += shape[axis]
    return tuple(calls)


def _same_quantization(tensor: Tensor, output: Tensor) -> bool:
    a, b = tensor.quantization, output.quantization
    if a is None or b is None:
        return True
    return bool(np.array_equal(a.scales, b.scales) and np.array_equal(a.zero_points, b.zero_points))


# ---- Joining -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ConcatenationOptions:
    """Options of CONCATENATION."""

    axis: int = option(0, "int32", 0)
    fused_activation_function: int = option(1, "int8", 0)


def _concatenation(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (1, len(node.operator.inputs)))
    require(
        node.attributes.fused_activation_function == 0,
        "an activation fused into a concatenation is not supported; make it a layer of its own",
    )
    output = node.output()
    rank = len(output.shape)
    axis = normalize_axis(node.attributes.axis, rank)
    pieces = []
    total = 0
    for position in range(len(node.operator.inputs)):
        tensor = node.input(position)
        require_movable(tensor)
        expect_same_type(tensor, output)
        expect(len(tensor.shape) == rank, f"{tensor.name!r} has {len(tensor.shape)} axes but the output has {rank}")
        require(
            _same_quantization(tensor, output),
            f"{tensor.name!r} has another scale or zero point than the output; give the inputs and the output of the "
            "concatenation one quantization (full-integer conversion does)",
        )
        pieces.append((position, tensor.shape))
        total += tensor.shape[axis]
    first = pieces[0][1]
    for position, shape in pieces:
        expect_shape(node.input(position), (*first[:axis], shape[axis], *first[axis + 1 :]), "input")
    expect_shape(output, (*first[:axis], total, *first[axis + 1 :]))
    require_movable(output)
    return _pieces_in(node, axis, pieces)


@dataclass(frozen=True)
class PackOptions:
    """Options of PACK."""

    values_count: int = option(0, "int32", 0)
    axis: int = option(1, "int32", 0)


def _pack(node: Node) -> tuple[KernelCall, ...]:
    count = len(node.operator.inputs)
    expect_counts(node, (1, count))
    expect(node.attributes.values_count == count, f"values_count is {node.attributes.values_count}, inputs {count}")
    shape = node.input(0).shape
    axis = normalize_axis(node.attributes.axis, len(shape) + 1)
    output = node.output()
    for position in range(count):
        tensor = node.input(position)
        require_movable(tensor)
        expect_same_type(tensor, output)
        expect_shape(tensor, shape, "input")
    expect_shape(output, (*shape[:axis], count, *shape[axis:]))
    require_movable(output)
    piece = (*shape[:axis], 1, *shape[axis:])
    return _pieces_in(node, axis, [(position, piece) for position in range(count)])


# ---- Splitting -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UnpackOptions:
    """Options of UNPACK."""

    num: int = option(0, "int32", 0)
    axis: int = option(1, "int32", 0)


def _unpack(node: Node) -> tuple[KernelCall, ...]:
    source = node.input(0)
    require_movable(source)
    axis = normalize_axis(node.attributes.axis, len(source.shape))
    count = source.shape[axis]
    expect(node.attributes.num == count, f"num is {node.attributes.num}, but axis {axis} has {count} entries")
    expect_counts(node, (1, 1), count)
    shape = (*source.shape[:axis], *source.shape[axis + 1 :])
    for output in node.outputs:
        expect_same_type(output, source)
        expect_shape(output, shape)
    return _pieces_out(node, 0, axis, [(*source.shape[:axis], 1, *source.shape[axis + 1 :])] * count)


@dataclass(frozen=True)
class SplitOptions:
    """Options of SPLIT and SPLIT_V."""

    num_splits: int = option(0, "int32", 0)


def _split_into(node: Node, position: int, axis: int, sizes: list[int]) -> tuple[KernelCall, ...]:
    source = node.input(position)
    expect(node.attributes.num_splits == len(sizes), f"num_splits is {node.attributes.num_splits}, not {len(sizes)}")
    require(all(size > 0 for size in sizes), f"splits of {sizes} are not supported: each must have an entry")
    expect(sum(sizes) == source.shape[axis], f"splits {sizes} do not make up the {source.shape[axis]} entries")
    shapes = [(*source.shape[:axis], size, *source.shape[axis + 1 :]) for size in sizes]
    for output, shape in zip(node.outputs, shapes, strict=True):
        expect_same_type(output, source)
        expect_shape(output, shape)
    return _pieces_out(node, position, axis, shapes)


def _split(node: Node) -> tuple[KernelCall, ...]:
    count = len(node.operator.outputs)
    expect_counts(node, (2, 2), max(count, 1))
    source = node.input(1)
    require_movable(source)
    axis = normalize_axis(integer(node.input(0), "axis"), len(source.shape))
    expect(source.shape[axis] % count == 0, f"axis {axis} has {source.shape[axis]} entries, not a multiple of {count}")
    return _split_into(node, 1, axis, [source.shape[axis] // count] * count)


def _split_v(node: Node) -> tuple[KernelCall, ...]:
    count = len(node.operator.outputs)
    expect_counts(node, (3, 3), max(count, 1))
    source = node.input(0)
    require_movable(source)
    sizes = list(integers(node.input(1), "size_splits"))
    axis = normalize_axis(integer(node.input(2), "axis"), len(source.shape))
    expect(len(sizes) == count, f"size_splits has {len(sizes)} values for {count} outputs")
    expect(sizes.count(-1) <= 1, f"size_splits is {sizes}; only one value may be -1")
    if -1 in sizes:
        sizes[sizes.index(-1)] = source.shape[axis] - sum(size for size in sizes if size != -1)
    return _split_into(node, 0, axis, sizes)


# ---- Transposing ---------------------------------------------------------------------------------------------------


def _transpose(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (2, 2))
    source, output = node.input(0), node.output()
    require_movable(source)
    expect_same_type(output, source)
    rank = len(source.shape)
    order = [normalize_axis(axis, rank) for axis in integers(node.input(1), "permutation")]
    expect(sorted(order) == list(range(rank)), f"permutation {order} does not name each of {rank} axes once")
    expect_shape(output, tuple(source.shape[axis] for axis in order))
    strides = dense_strides(source.shape)
    box = _box(output.shape, tuple(strides[axis] for axis in order), dense_strides(output.shape))
    return (copy_call(node.input_index(0), node.operator.outputs[0], source.dtype, box),)


CONCATENATION = built_row("CONCATENATION", 2, _concatenation, ConcatenationOptions, 10)
PACK = built_row("PACK", 83, _pack, PackOptions, 59)
SPLIT = built_row("SPLIT", 49, _split, SplitOptions, 35)
SPLIT_V = built_row("SPLIT_V", 102, _split_v, SplitOptions, 79)
TRANSPOSE = built_row("TRANSPOSE", 39, _transpose)
UNPACK = built_row("UNPACK", 88, _unpack, UnpackOptions, 64)
