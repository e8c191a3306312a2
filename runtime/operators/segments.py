"""Cutting sums of products into segments that fit 16 bits, so that two of them can share a word; see src/joined.h."""

from __future__ import annotations

import numpy as np

from midge.runtime.graph import Array

MOST_SEGMENTS = 2**14
"""So many segments per group move a bias by less than 2**29: nothing overflows when it is added."""


def cut(weights: Array, longest: int) -> list[int]:
    """Cut a run into the longest segments, from left to right, in which no channel's sum leaves 16 bits.

    Args:
        weights: int8, shape (channels, length).
        longest: most elements of a segment.

    Returns:
        The lengths. One element always fits: -128 * -128 is below 2**15.
    """
    values = weights.astype(np.int64)
    # Lists, since runs are short: a few operations on whole arrays per element would take ten times as long.
    greatest = np.where(values > 0, 127 * values, -128 * values).T.tolist()
    least = np.where(values > 0, -128 * values, 127 * values).T.tolist()
    lengths = []
    length, high, low = 0, _nothing(values), _nothing(values)
    for more, less in zip(greatest, least, strict=True):
        high = [sum_ + term for sum_, term in zip(high, more, strict=True)]
        low = [sum_ + term for sum_, term in zip(low, less, strict=True)]
        if length == longest or max(high) >= 2**15 or min(low) < -(2**15):
            lengths.append(length)
            length, high, low = 0, more, less
        length += 1
    return [*lengths, length]


def _nothing(values: Array) -> list[int]:
    return [0] * len(values)
