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
    greatest = np.where(values > 0, 127 * values, -128 * values)
    least = np.where(values > 0, -128 * values, 127 * values)
    lengths = []
    begin = 0
    for end in range(1, values.shape[1] + 1):
        high, low = greatest[:, begin:end].sum(axis=1), least[:, begin:end].sum(axis=1)
        if end - begin > longest or (high >= 2**15).any() or (low < -(2**15)).any():
            lengths.append(end - 1 - begin)
            begin = end - 1
    lengths.append(values.shape[1] - begin)
    return lengths
