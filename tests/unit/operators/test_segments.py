"""Sums are cut into the longest segments that fit 16 bits for any int8 inputs."""

from __future__ import annotations

import numpy as np
import pytest

from midge.runtime.operators.segments import cut

LONGEST = 255


@pytest.mark.parametrize(
    ("weights", "lengths"),
    [
        ([[1] * 10], [10]),
        # -128 * -128 is 2^14: two of them are one more than an int16 holds.
        ([[-128] * 3], [1, 1, 1]),
        # -128 * 127 twice is -32512; with another 2 * -128 it is -32768, the least there is.
        ([[127, 127, 2, 1]], [3, 1]),
        # 127 * 127 twice is 32258; another 127 * 4 makes 32766, but -128 * (127 + 127 + 4) is below -2^15.
        ([[127, 127, 4]], [2, 1]),
        ([[0] * 300], [255, 45]),
    ],
)
def test_segments_are_as_long_as_16_bits_allow(weights: list[list[int]], lengths: list[int]) -> None:
    found = cut(np.array(weights, dtype=np.int8), LONGEST)

    assert found == lengths


def test_the_channel_with_the_greatest_weights_decides_for_all() -> None:
    weights = np.array([[1, 1, 1, 1], [100, 100, 100, 100]], dtype=np.int8)

    # 100 * -128 is -12800: two fit, three do not.
    assert cut(weights, LONGEST) == [2, 2]


def test_no_segment_is_longer_than_asked_for() -> None:
    assert cut(np.zeros((2, 9), dtype=np.int8), 4) == [4, 4, 1]


def test_segments_cover_the_run_and_hold_for_the_worst_inputs() -> None:
    weights = np.random.default_rng(3).integers(-128, 128, size=(4, 500)).astype(np.int64)

    lengths = cut(weights.astype(np.int8), LONGEST)

    assert sum(lengths) == 500
    for begin, length in zip(np.cumsum([0, *lengths[:-1]]), lengths, strict=True):
        part = weights[:, begin : begin + length]
        assert (np.maximum(127 * part, -128 * part).sum(axis=1) < 2**15).all()
        assert (np.minimum(127 * part, -128 * part).sum(axis=1) >= -(2**15)).all()
