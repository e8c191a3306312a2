"""From what an activation was seen to be to the range that its integers cover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from midge.converter.quantizer.assign import Range
from midge.converter.quantizer.observe import Observed

Method = Literal["minmax", "percentile", "mse"]

_SHRINKS = np.linspace(1.0, 0.2, 33)


def choose_ranges(seen: Mapping[int, Observed], method: Method, percentile: float = 99.99) -> dict[int, Range]:
    """Return the range of every tensor that was seen.

    Args:
        seen: with histograms, unless ``method`` is ``minmax``.
        method: see `midge.converter.steps.Quantize`.
        percentile: per cent of the values that stay inside, for ``percentile``.
    """
    ranges = {}
    for index, found in seen.items():
        if not found.low <= found.high:
            continue
        low, high = min(found.low, 0.0), max(found.high, 0.0)
        if method == "percentile" and found.histogram is not None:
            low, high = _percentile(found, percentile)
        elif method == "mse" and found.histogram is not None:
            low, high = _least_error(found)
        ranges[index] = (low, high)
    return ranges


def _percentile(found: Observed, percentile: float) -> Range:
    assert found.histogram is not None
    counts, centres = found.histogram.counts, found.histogram.centres()
    total = counts.sum()
    if not total:
        return min(found.low, 0.0), max(found.high, 0.0)
    outside = (1 - percentile / 100) / 2 * total
    below = np.cumsum(counts)
    half = found.histogram.reach / len(counts)
    low = centres[np.searchsorted(below, outside, side="right")] - half
    high = centres[len(counts) - 1 - np.searchsorted(np.cumsum(counts[::-1]), outside, side="right")] + half
    # A bin is coarser than the values: never wider than what was seen.
    return min(max(float(low), found.low), 0.0), max(min(float(high), found.high), 0.0)


def _least_error(found: Observed) -> Range:
    """Return the range of the least mean squared error: both ends drawn in together, then each alone."""
    assert found.histogram is not None
    counts, centres = found.histogram.counts, found.histogram.centres()
    used = counts > 0
    weights, values = counts[used].astype(np.float64), centres[used]
    low, high = min(found.low, 0.0), max(found.high, 0.0)
    if not len(values) or low == high:
        return low, high

    def pick(candidates: list[Range]) -> Range:
        return min(candidates, key=lambda ends: _error(values, weights, *ends))

    low, high = pick([(low * shrink, high * shrink) for shrink in _SHRINKS])
    widest_low, widest_high = min(found.low, 0.0), max(found.high, 0.0)
    if widest_low < 0 < widest_high:
        low, high = pick([(low, high), *((widest_low * shrink, high) for shrink in _SHRINKS)])
        low, high = pick([(low, high), *((low, widest_high * shrink) for shrink in _SHRINKS)])
    return low, high


def _error(values: NDArray[np.float64], weights: NDArray[np.float64], low: float, high: float) -> float:
    """Return the summed squared error of int8 over a range: rounding inside, clipping outside."""
    step = (high - low) / 255
    beyond = np.maximum(np.maximum(low - values, values - high), 0.0)
    return float((weights * (beyond**2 + step**2 / 12)).sum())
