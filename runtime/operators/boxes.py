"""Boxes of elements copied from one strided tensor into another: what all data movement is lowered to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from midge.runtime.errors import ModelError
from midge.runtime.graph import Array, DType, Tensor
from midge.runtime.operators.row import constant, expect, require
from midge.runtime.program import KernelCall

MAX_RANK = 6
"""MIDGE_MAX_RANK of kernels.h."""

MOVABLE = frozenset(DType) - {DType.STRING, DType.INT4, DType.OTHER}
"""Types whose elements are 1, 2, 4 or 8 whole bytes."""


@dataclass(frozen=True)
class Axis:
    """One axis of a box: how many elements, and how far apart they lie on either side (in elements)."""

    extent: int
    input_stride: int
    output_stride: int


def dense_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of a dense row-major tensor, in elements."""
    strides: list[int] = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


def collapse(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Merge axes that lie behind each other on both sides, so that the inner run is as long as possible."""
    merged: list[Axis] = []
    for axis in axes:
        if axis.extent == 1:
            continue
        if merged:
            outer = merged[-1]
            if (
                outer.input_stride == axis.extent * axis.input_stride
                and outer.output_stride == axis.extent * axis.output_stride
            ):
                merged[-1] = Axis(outer.extent * axis.extent, axis.input_stride, axis.output_stride)
                continue
        merged.append(axis)
    return tuple(merged)


def pad_rank(values: Sequence[int], filler: int) -> tuple[int, ...]:
    """Put fillers in front of the values of up to MAX_RANK axes."""
    return (filler,) * (MAX_RANK - len(values)) + tuple(values)


def copy_call(
    source: int, target: int, dtype: DType, axes: Sequence[Axis], input_offset: int = 0, output_offset: int = 0
) -> KernelCall:
    """Return the call that copies a box from tensor `source` to tensor `target`.

    Args:
        source, target: tensor positions in the graph.
        dtype: type of the elements on both sides.
        axes: the box, outermost axis first; its elements must lie inside both tensors.
        input_offset, output_offset: element that the box begins at.

    Raises:
        UnsupportedError: the box has more axes than the kernel walks.
    """
    box = collapse(axes)
    require(len(box) <= MAX_RANK, f"the tensor has {len(box)} separate axes; at most {MAX_RANK} are supported")
    return KernelCall(
        kernel="midge_copy",
        params={
            "element_size": dtype.itemsize,
            "shape": pad_rank([axis.extent for axis in box], 1),
            "input_offset": input_offset,
            "input_stride": pad_rank([axis.input_stride for axis in box], 1),
            "output_offset": output_offset,
            "output_stride": pad_rank([axis.output_stride for axis in box], 1),
        },
        inputs=(source,),
        outputs=(target,),
    )


# ---- What the checks of data movement have in common ---------------------------------------------------------------


def require_movable(tensor: Tensor) -> None:
    """Refuse a tensor without elements, or whose elements are not whole bytes."""
    require(tensor.dtype in MOVABLE, f"{tensor.name!r} is {tensor.dtype.value}, which cannot be moved")
    require(tensor.elements > 0, f"{tensor.name!r} has shape {list(tensor.shape)}: empty tensors are not supported")
    require(tensor.elements < 2**31, f"{tensor.name!r} has more than 2**31 - 1 elements")


def expect_same_type(tensor: Tensor, other: Tensor) -> None:
    """Refuse an output whose type is not the input's."""
    expect(
        tensor.dtype == other.dtype,
        f"{tensor.name!r} is {tensor.dtype.value} but {other.name!r} is {other.dtype.value}; they must be the same",
    )


def normalize_axis(axis: int, rank: int) -> int:
    """Return a possibly negative axis counted from 0.

    Raises:
        ModelError: there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ModelError(f"axis {axis} does not exist: the tensor has {rank}")
    return axis % rank


def integers(tensor: Tensor, what: str) -> tuple[int, ...]:
    """Return the values of a constant vector (or scalar) of int32 or int64.

    Raises:
        UnsupportedError: it is not a constant.
        ModelError: it is of another type, or has more than one axis.
    """
    data: Array = constant(tensor, what)
    expect(
        tensor.dtype in (DType.INT32, DType.INT64), f"{what} {tensor.name!r} is {tensor.dtype.value}; it must be int32"
    )
    expect(data.ndim <= 1, f"{what} {tensor.name!r} has shape {list(tensor.shape)}; it must be a vector")
    return tuple(int(value) for value in data.reshape(-1))


def integer(tensor: Tensor, what: str) -> int:
    """Return the value of a constant that holds one int32 or int64."""
    values = integers(tensor, what)
    expect(len(values) == 1, f"{what} {tensor.name!r} has {len(values)} values; it must have one")
    return values[0]
