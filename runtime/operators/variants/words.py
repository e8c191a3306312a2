"""Depthwise convolutions for processors that gather words: rows interleaved by four, a window in one vector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import DType, Node
from midge.runtime.operators.conv_geometry import depthwise_window, input_zero_point
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, factors, output_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

_ARCHES = ("mve",)

_WORDS = 4
"""Words of a vector."""
_MOST_WORDS = 32
"""Words of a window; it then has at most 128 taps."""
_ROWS = 4
"""Bytes of a word."""
_PASS = 16
"""Channels interleaved at a time where all would take too much scratch."""
_SCRATCH = {"default": 4096, "speed": 8192, "size": 4096, "ram": 0}
"""Bytes of scratch, by mode, up to which all channels are interleaved at once."""


def _lower_depthwise(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    window = depthwise_window(node)
    channels = window.output_channels
    groups = -(-window.filter_height // _ROWS)
    if channels != window.input_channels or channels < _WORDS or groups * window.filter_width > _MOST_WORDS:
        return None
    taps = constant(node.input(1), "weights").reshape(-1, channels)
    records = channel_records(node, taps.T)
    if records is None:
        return None
    together = channels
    if channels > _PASS and channels % 4 == 0 and _scratch(window, groups, channels) > _SCRATCH[target.optimize]:
        together = _PASS
    multiplier, shift = (np.broadcast_to(values, channels) for values in factors(node))
    # The last four channels are one block even where that begins inside the one before.
    blocks = np.minimum(np.arange(0, channels, 4)[:, None] + np.arange(4), channels - 4 + np.arange(4))
    vectors = -(-groups * window.filter_width // _WORDS)
    masks, lane_taps = _lanes(window, vectors)
    output = output_params(node)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "padded_width": window.padded_width,
        "row_groups": groups,
        "pass_channels": together,
        "input_zero_point": input_zero_point(node),
        "vectors": vectors,
        "word_offsets": _word_offsets(window, groups, together),
        "lane_masks": masks,
        "lane_taps": lane_taps,
        "weights": np.ascontiguousarray(taps.T),
        "records": np.stack([values[blocks] for values in (records[:, 0], multiplier, shift)], axis=1).astype(np.int32),
        **{name: output[name] for name in ("output_zero_point", "activation_min", "activation_max")},
    }
    scratch = _scratch(window, groups, together)
    lead = _rowwise_lead(window, whole_rows=together == channels)
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_depthwise_conv_2d_words_s8", params, inputs, outputs, scratch, lead=lead),)


def _scratch(window: Window, groups: int, channels: int) -> int:
    """Return the bytes of interleaved rows of so many channels."""
    columns = min(window.input_width, window.padded_width - window.padding_left)
    written = window.padding_left * channels + -(-columns * channels // 16) * 16
    sums = 4 * window.output_width if groups * window.filter_width > _WORDS else 0
    return 4 * (sums + (groups - 1) * window.padded_width * channels + max(window.padded_width * channels, written))


def _lanes(window: Window, vectors: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Return which lanes of a window's vectors count, as bits, and their taps."""
    masks, taps = np.zeros(vectors, np.int32), np.zeros((vectors, 16), np.uint8)
    for row in range(window.filter_height):
        for column in range(window.filter_width):
            word = (row // _ROWS) * window.filter_width + column
            vector, lane = divmod(word * _ROWS + row % _ROWS, 16)
            masks[vector] |= 1 << lane
            taps[vector, lane] = row * window.filter_width + column
    return masks, taps


def _word_offsets(window: Window, groups: int, channels: int) -> npt.NDArray[np.int32]:
    group = np.arange(groups)[:, None] * window.padded_width
    offsets = (4 * channels * (group + np.arange(window.filter_width) * window.dilation_width)).ravel()
    return np.pad(offsets, (0, -len(offsets) % _WORDS)).astype(np.int32)


def _rowwise_lead(window: Window, *, whole_rows: bool) -> int:
    """Return `KernelCall.lead` of a kernel that has copied the inputs of an output row before it writes that row.

    Args:
        window: how inputs lie.
        whole_rows: whether all channels are copied before the first is written.
    """
    row = window.input_width * window.input_channels
    output_row = window.output_width * window.output_channels
    first = np.arange(window.output_height, dtype=np.int64) + whole_rows
    needed = np.clip(first * window.stride_height - window.padding_top, 0, window.input_height) * row
    if whole_rows:
        needed[-1] = window.input_height * row
    written = np.arange(1, window.output_height + 1, dtype=np.int64) * output_row
    # Where outputs are larger than inputs, every image before the last moves them further ahead.
    growth = max(0, window.output_height * output_row - window.input_height * row)
    return max(0, int((written - needed).max()) + growth * (window.batches - 1))


DEPTHWISE_CONV_2D = Variant("words", _ARCHES, _lower_depthwise)
