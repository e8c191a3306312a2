"""Convolutions of stride 1 with filters a few taps wide: fields, three taps by two outputs in two multiplications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_geometry, input_zero_point
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants.row_bands import lead, scratch_limit
from midge.runtime.operators.weighted import channel_records, output_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

_TAPS = 3
_UNROLLED = 8
"""Entries of a stream come in multiples of this."""
_FIELD = 2**20
"""Fields lie in [-_FIELD, _FIELD)."""
_DIRECT = 0.9
"""Instructions per multiply-accumulate of a direct convolution, which fields have to beat."""


@dataclass(frozen=True)
class _Bands:
    """How one layer is computed, and what that takes."""

    period: int
    rows: int
    segments: int
    segment_entries: int
    line_words: int
    scratch: int
    instructions: float
    """An estimate for one image."""


def _lower_conv(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    weights = constant(node.input(1), "weights")
    window = conv_geometry(node)
    if not _fits(window, weights):
        return None
    records = channel_records(node, weights.reshape(window.output_channels, -1))
    taps = _cut(weights)
    segments = _segments(taps)
    if records is None or segments is None:
        return None
    limit = scratch_limit(node, target.optimize)
    fitting = [bands for bands in _candidates(window, *segments) if bands.scratch <= limit]
    bands = min(fitting, key=lambda bands: bands.instructions, default=None)
    macs = weights.size * window.output_height * window.output_width
    if bands is None or bands.instructions > _DIRECT * macs:
        return None
    records[:, 0] -= bands.segments * _FIELD
    output = output_params(node)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "input_zero_point": input_zero_point(node),
        "period": bands.period,
        "line_words": bands.line_words,
        "band_rows": bands.rows,
        "segments": bands.segments,
        "segment_entries": bands.segment_entries,
        "weights": taps,
        "records": records,
        **{name: output[name] for name in ("output_zero_point", "activation_min", "activation_max")},
    }
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_conv_2d_fields_s8", params, inputs, outputs, bands.scratch, lead(window, bands.rows)),)


def _fits(window: Window, weights: Array) -> bool:
    """Whether the kernel covers a layer's geometry."""
    strides = (window.stride_height, window.stride_width, window.dilation_width)
    return strides == (1, 1, 1) and weights.shape[3] == window.input_channels and window.filter_width > 1


def _cut(weights: Array) -> npt.NDArray[np.int8]:
    """Cut a filter, OHWI, into entries: shape (output channels, rows, cuts of a row, channels, 3)."""
    channels, height, width, depth = weights.shape
    cuts = -(-width // _TAPS)
    padded = np.zeros((channels, height, cuts * _TAPS, depth), np.int8)
    padded[:, :, :width] = weights
    return np.ascontiguousarray(padded.reshape(channels, height, cuts, _TAPS, depth).transpose(0, 1, 2, 4, 3))


def _segments(taps: npt.NDArray[np.int8]) -> tuple[int, int] | None:
    """Return the least number of segments, and their entries, in which no field overflows; None if there is none."""
    entries = np.abs(taps.astype(np.int64)).reshape(len(taps), -1, _TAPS).sum(axis=2)
    blocks = -(-entries.shape[1] // _UNROLLED)
    padded = np.zeros((len(taps), blocks * _UNROLLED), np.int64)
    padded[:, : entries.shape[1]] = entries
    before = np.zeros((len(taps), blocks + 1), np.int64)
    before[:, 1:] = padded.reshape(len(taps), blocks, _UNROLLED).sum(axis=2).cumsum(axis=1)
    for length in range(blocks, 0, -1):
        bounds = np.minimum(np.arange(0, blocks + length, length), blocks)
        if 128 * np.diff(before[:, bounds], axis=1).max() < _FIELD:
            count = -(-blocks // length)
            return count, -(-blocks // count) * _UNROLLED if _even(before, blocks, count) else length * _UNROLLED
    return None


def _even(before: npt.NDArray[np.int64], blocks: int, count: int) -> bool:
    """Whether `count` segments as even as can be do not overflow either."""
    length = -(-blocks // count)
    bounds = np.minimum(np.arange(0, blocks + length, length), blocks)
    return bool(128 * np.diff(before[:, bounds], axis=1).max() < _FIELD)


def _periods(window: Window) -> tuple[int, ...]:
    """Return how far apart rows may begin in a line, the least distance first."""
    right = window.padded_width - window.padding_left - window.input_width
    shared = max(0, min(window.padding_left, right))
    period = window.padded_width - shared
    return (period,) if period % 2 == 0 else (period, period + 1) if shared else (period + 1,)


def _candidates(window: Window, segments: int, segment_entries: int) -> Iterator[_Bands]:
    """Yield all ways to cut the rows into bands."""
    for period in _periods(window):
        for rows in range(1, window.output_height + 1):
            if rows == window.output_height or rows * period % 2 == 0:
                yield _bands(window, period, rows, segments, segment_entries)


def _bands(window: Window, period: int, rows: int, segments: int, segment_entries: int) -> _Bands:
    blocks = _blocks(window, period, rows)
    kept = (window.filter_height - 1) * window.dilation_height
    last_tap = (window.filter_width - 1) // _TAPS * _TAPS
    tapped = (kept * period + last_tap) // 2 + 3 * blocks + 1
    packed = ((kept + rows - 1) * period + window.padding_left + window.input_width + 1) // 2
    line_words = max(tapped, packed)
    stream = segments * segment_entries
    scratch = 4 * (window.input_channels * line_words + 3 * stream + 6 * blocks + 1)
    whole, rest = divmod(window.output_height, rows)
    heights = [rows] * whole + [rest] * (rest > 0)
    # Counted in the Armv7E-M loops and what GCC makes of the C around them.
    all_blocks = sum(_blocks(window, period, height) for height in heights)
    accumulate = all_blocks * (9.4 * stream + 42 * segments + 8)
    expand = len(heights) * (6.5 * stream + 130)
    finish = window.output_height * (8 * window.output_width + 40)
    pack = 6 * (window.output_height + kept * len(heights)) * line_words / (kept + rows) * window.input_channels
    instructions = window.output_channels * (accumulate + expand + finish) + pack
    return _Bands(period, rows, segments, segment_entries, line_words, scratch, instructions)


def _blocks(window: Window, period: int, rows: int) -> int:
    """Return the blocks of three accumulators, six outputs, that a band takes."""
    return ((rows - 1) * period + window.output_width) // 2 // 3 + 1


CONV_2D = Variant("fields", ("armv7em", "armv7m"), _lower_conv, ("default", "speed", "ram"))
