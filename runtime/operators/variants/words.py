"""Depthwise convolutions for processors that gather words: rows interleaved by four, a window in one vector."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import DType, Node
from midge.runtime.operators.conv_geometry import depthwise_window, input_zero_point
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants.lanes import split_records
from midge.runtime.operators.weighted import channel_records, output_params
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
_SCRATCH = {"default": 4096, "speed": 8192, "size": 4096, "ram": 1024}
"""Bytes of scratch to keep to, by mode: first by interleaving few channels, then few columns at a time."""
_LIMIT = 2**14
"""Most bytes of scratch; a layer that needs more (huge dilations) is turned down."""


@dataclass(frozen=True)
class _Pass:
    """What is interleaved at a time."""

    window: Window
    groups: int
    channels: int
    columns: int
    """Output columns."""

    @property
    def width(self) -> int:
        """Columns that the windows reach over, padding included."""
        window = self.window
        return (self.columns - 1) * window.stride_width + (window.filter_width - 1) * window.dilation_width + 1

    @property
    def scratch(self) -> int:
        """Bytes of scratch: sums, where there are several vectors, and words."""
        window = self.window
        starts = np.arange(0, window.output_width, self.columns) * window.stride_width - window.padding_left
        before = np.clip(-starts, 0, self.width)
        inside = np.minimum(self.width - before, np.clip(window.input_width - starts, 0, window.input_width))
        written = before * self.channels + -(-inside * self.channels // 16) * 16
        last = max(self.width * self.channels, int(written.max()))
        sums = _WORDS * self.columns if self.groups * window.filter_width > _WORDS else 0
        return 4 * (sums + (self.groups - 1) * self.width * self.channels + last)


def _choose_pass(window: Window, groups: int, target: Target) -> _Pass | None:
    """Return the largest pass within the mode's scratch, or None if even the smallest takes too much."""
    channels = window.input_channels
    best = _Pass(window, groups, channels, window.output_width)
    if best.scratch > _SCRATCH[target.optimize] and channels > _PASS and channels % 4 == 0:
        best = replace(best, channels=_PASS)
    while best.scratch > _SCRATCH[target.optimize] and best.columns > 1:
        best = replace(best, columns=-(-best.columns // 2))
    return best if best.scratch <= _LIMIT else None


def _lower_depthwise(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    window = depthwise_window(node)
    if target.optimize != "ram":  # a single row cannot follow close behind its input
        window = _lay_down(window)
    channels = window.output_channels
    groups = -(-window.filter_height // _ROWS)
    if channels != window.input_channels or channels < _WORDS or groups * window.filter_width > _MOST_WORDS:
        return None
    taps = constant(node.input(1), "weights").reshape(-1, channels)
    records = channel_records(node, taps.T)
    passes = _choose_pass(window, groups, target)
    if records is None or passes is None:
        return None
    # The last four channels are one block even where that begins inside the one before.
    blocks = np.minimum(np.arange(0, channels, 4)[:, None] + np.arange(4), channels - 4 + np.arange(4))
    vectors = -(-groups * window.filter_width // _WORDS)
    masks, lane_taps = _lanes(window, vectors)
    output = output_params(node)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "row_groups": groups,
        "pass_columns": passes.columns,
        "padded_width": passes.width,
        "pass_channels": passes.channels,
        "input_zero_point": input_zero_point(node),
        "vectors": vectors,
        "word_offsets": _word_offsets(passes),
        "lane_masks": masks,
        "lane_taps": lane_taps,
        "weights": np.ascontiguousarray(taps.T),
        "records": np.stack([values[blocks] for values in split_records(records)], axis=1),
        **{name: output[name] for name in ("output_zero_point", "activation_min", "activation_max")},
    }
    whole_rows = passes.channels == channels and passes.columns == window.output_width
    lead = rowwise_lead(window, whole_rows=whole_rows)
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_depthwise_conv_2d_words_s8", params, inputs, outputs, passes.scratch, lead=lead),)


def _lay_down(window: Window) -> Window:
    """Turn a column of pixels into a row of them, which is the same in memory, where that takes fewer instructions.

    A vertical filter has four taps in a word and a horizontal one only one, but every row costs as much as some fifteen
    outputs of four channels.
    """
    if (
        (window.input_width, window.filter_width) != (1, 1)
        or window.filter_height > 3 * _WORDS
        or (window.output_height < _WORDS)
    ):
        return window
    return replace(
        window,
        input_height=1,
        input_width=window.input_height,
        output_height=1,
        output_width=window.output_height,
        filter_height=1,
        filter_width=window.filter_height,
        stride_height=1,
        stride_width=window.stride_height,
        dilation_height=1,
        dilation_width=window.dilation_height,
        padding_top=0,
        padding_left=window.padding_top,
        interior_top=0,
        interior_bottom=min(window.interior_bottom, 1),
        interior_left=window.interior_top,
        interior_right=window.interior_bottom,
    )


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


def _word_offsets(passes: _Pass) -> npt.NDArray[np.int32]:
    """Return the bytes from a window's first word to each of its words, zeros up to whole vectors."""
    window = passes.window
    group = np.arange(passes.groups)[:, None] * passes.width
    columns = np.arange(window.filter_width) * window.dilation_width
    offsets = (4 * passes.channels * (group + columns)).ravel()
    return np.pad(offsets, (0, -len(offsets) % _WORDS)).astype(np.int32)


def rowwise_lead(window: Window, *, whole_rows: bool) -> int:
    """Return `KernelCall.lead` of a kernel that has copied the inputs of an output row before it writes that row.

    Args:
        window: how inputs lie.
        whole_rows: whether all inputs of a row are copied before its first output is written.
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
