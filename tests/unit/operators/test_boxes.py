"""Boxes walk as few axes as possible."""

from __future__ import annotations

import numpy as np
import pytest

from midge.runtime.graph import DType
from midge.runtime.operators.boxes import Axis, collapse, copy_call, dense_strides


def test_dense_strides() -> None:
    """The last axis is the densest, and a scalar has none."""
    assert dense_strides((2, 3, 4)) == (12, 4, 1)
    assert dense_strides(()) == ()


def test_a_dense_box_is_one_run() -> None:
    """Axes that lie behind each other on both sides become one."""
    shape = (2, 1, 3, 4)
    box = [Axis(*axis) for axis in zip(shape, dense_strides(shape), dense_strides(shape), strict=True)]

    assert collapse(box) == (Axis(24, 1, 1),)


def test_a_slice_of_rows_stays_two_axes() -> None:
    """A gap on one side keeps axes apart."""
    assert collapse([Axis(2, 8, 4), Axis(4, 1, 1)]) == (Axis(2, 8, 4), Axis(4, 1, 1))


@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 3), (2, 2, 2, 2)])
def test_the_box_of_a_transposition_visits_what_numpy_does(shape: tuple[int, ...]) -> None:
    """Walking the collapsed axes of a reversed tensor gives NumPy's order."""
    strides = dense_strides(shape)
    reverse = shape[::-1]
    box = [Axis(*axis) for axis in zip(reverse, strides[::-1], dense_strides(reverse), strict=True)]
    params = copy_call(0, 1, DType.INT32, box).params
    extents, steps, targets = (params[name] for name in ("shape", "input_stride", "output_stride"))
    assert isinstance(extents, tuple) and isinstance(steps, tuple) and isinstance(targets, tuple)
    found = np.zeros(np.prod(shape), int)
    for index in np.ndindex(*extents):
        found[np.dot(index, targets)] = np.dot(index, steps)

    np.testing.assert_array_equal(found.reshape(reverse), np.arange(np.prod(shape)).reshape(shape).T)
