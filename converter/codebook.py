"""The best few integers for many: weighted one-dimensional clustering, exact."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array

_OFFSET = 128
_COUNT = 256


def best_codebook(
    integers: Array, importance: npt.NDArray[np.float64], values: int, *, keep_zero: bool = False
) -> npt.NDArray[np.int8]:
    """Return the codebook of the least summed ``importance * (integer - nearest value)**2``.

    By dynamic programming over the histogram (Wang and Song, Ckmeans.1d.dp, 2011): sorted, every cluster is an
    interval. The values are integers themselves.

    Args:
        integers: int8, any shape.
        importance: of each, not negative, the same shape.
        values: how many there may be.
        keep_zero: whether zero must be represented exactly, if it occurs.

    Returns:
        Up to ``values`` distinct integers in ascending order.
    """
    flat = integers.astype(np.int64).ravel() + _OFFSET
    every = np.zeros(_COUNT)
    np.add.at(every, flat, importance.ravel())
    points = np.flatnonzero(np.bincount(flat, minlength=_COUNT))
    if len(points) <= values:
        return (points - _OFFSET).astype(np.int8)
    # What matters to nobody must still be near something.
    weight = every[points] + 1e-9 * max(float(every.max()), 1e-30)
    x: npt.NDArray[np.float64] = (points - _OFFSET).astype(np.float64)
    centres, costs = _intervals(x, weight, keep_zero)
    count = len(x)
    best, cuts = costs[0].copy(), [np.zeros(count, np.int64)]
    for _ in range(values - 1):
        # total[i, j]: points 0 to i - 1 in one cluster less, i to j in the last.
        total = np.full((count, count), np.inf)
        total[0] = costs[0]
        total[1:] = best[:-1, None] + costs[1:]
        cuts.append(total.argmin(axis=0))
        best = total.min(axis=0)
    found, last = [], count - 1
    for cut in reversed(cuts):
        first = int(cut[last])
        found.append(centres[first, last])
        last = first - 1
        if last < 0:
            break
    return np.unique(np.array(found)).astype(np.int8)


def nearest(values: Array, codebook: Array) -> npt.NDArray[np.int8]:
    """Return the nearest value of an ascending codebook for each of some real numbers."""
    levels = codebook.astype(np.float64)
    between = (levels[1:] + levels[:-1]) / 2
    found: npt.NDArray[np.int8] = codebook[np.searchsorted(between, values)].astype(np.int8)
    return found


def _intervals(
    x: npt.NDArray[np.float64], weight: npt.NDArray[np.float64], keep_zero: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the integer centre and the cost of every interval ``[first, last]`` of points; no cost where none is."""
    sums = [np.concatenate([[0.0], np.cumsum(weight * x**power)]) for power in range(3)]
    first, last = np.arange(len(x))[:, None], np.arange(len(x))[None, :]
    total, moment, square = (s[last + 1] - s[np.minimum(first, last + 1)] for s in sums)
    centres = np.round(moment / np.where(total > 0, total, 1.0))
    if keep_zero:
        centres = np.where((x[:, None] <= 0) & (x[None, :] >= 0) & (0.0 in x), 0.0, centres)
    costs = square - 2 * centres * moment + centres**2 * total
    return centres, np.where(first <= last, np.maximum(costs, 0.0), np.inf)
