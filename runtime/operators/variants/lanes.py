"""Convolutions for processors with vectors of 16 bytes: sums of products in scalar registers, two pixels at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window, depthwise_window, input_zero_point
from midge.runtime.operators.lead import MOST_PIXELS
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, output_params
from midge.runtime.operators.window import Window, without_interior
from midge.runtime.program import KernelCall, ParamValue, Target

_ARCHES = ("mve",)

LANES = 16
_BLOCK = 4
"""Output channels computed together."""
_BEHIND = 48
"""Bytes that the kernel may read behind the weights of channels left over."""


_COPIES = 512
"""Bytes of windows copied together; at least two windows are."""
_SHORT = 32
"""Pixels computed together where a window is one run of at most 16 bytes; see `midge_lanes_short_conv_s8`."""


def _lower_conv(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    weights = constant(node.input(1), "weights")
    if node.input(0).dtype != DType.INT8 or weights.shape[3] != node.input(0).shape[3]:
        return None
    return lower_lanes(node, target, conv_window(node), weights)


def _lower_fully_connected(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    """A 1x1 convolution of one row of pixels is the same thing."""
    if node.input(0).dtype != DType.INT8:
        return None
    weights = constant(node.input(1), "weights")
    channels, depth = weights.shape
    pixels = node.input(0).elements // depth
    window = Window(1, 1, pixels, depth, 1, pixels, channels, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, pixels)
    return lower_lanes(node, target, window, weights.reshape(channels, 1, 1, depth))


def _lower_depthwise(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    """With one input channel, which every output channel reads, it is a convolution."""
    if node.input(0).dtype != DType.INT8 or node.input(0).shape[3] != 1:
        return None
    window = depthwise_window(node)
    if window.dilation_width > 1:
        window = without_interior(window)
    return lower_lanes(node, target, window, np.moveaxis(constant(node.input(1), "weights"), 3, 0))


def lower_lanes(node: Node, target: Target, window: Window, weights: Array) -> tuple[KernelCall, ...] | None:
    """Return the call of `midge_conv_2d_lanes_s8`, or None if the output factors do not fit it.

    Args:
        node: an int8 operator with weights.
        target: what for.
        window: how its windows lie.
        weights: int8, OHWI, one group.
    """
    rows = weights.reshape(window.output_channels, -1)
    records = channel_records(node, rows)
    if records is None:
        return None
    gathered = window.interior_bottom == 0 or (window.filter_height > 1 and _gathering_pays(window))
    if gathered:
        runs = _pad_depth(rows, target)[:, None, :]
    else:
        runs = rows.reshape(window.output_channels, window.filter_height, -1)
    depth = runs.shape[1] * runs.shape[2]
    patches = 0
    if gathered or not window.all_interior:
        patches = min(2 if target.optimize == "ram" else _copies(depth), window.output_width)
    output = output_params(node)
    bias, multiplier, shift = split_records(records)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "runs": runs.shape[1],
        "run_length": runs.shape[2],
        "gathered": int(gathered),
        "patches": patches,
        "offsets": _copy_offsets(window, depth) if gathered else None,
        "input_zero_point": input_zero_point(node),
        "blocks": pack_blocks(runs, bias, multiplier, shift),
        **{name: output[name] for name in ("output_zero_point", "activation_min", "activation_max")},
    }
    short = not gathered and runs.shape[1] == 1 and runs.shape[2] <= LANES
    lead = pixelwise_lead(window, _SHORT if short else 2)
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_conv_2d_lanes_s8", params, inputs, outputs, patches * depth, lead=lead),)


def _copies(depth: int) -> int:
    """Return how many windows are copied together: pairs, as they are computed."""
    return max(2, _COPIES // depth // 2 * 2)


def split_records(
    records: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return biases, multipliers and shifts of `channel_records`, whose factors may be simpler than the operator's."""
    bias, doubled, right = records.astype(np.int64).T
    return bias.astype(np.int32), ((doubled + 2**32) // 2).astype(np.int32), (-right).astype(np.int32)


def _pad_depth(rows: Array, target: Target) -> Array:
    """Pad the weights of copied windows to whole vectors, where that makes them little larger."""
    depth = rows.shape[1]
    padded = -(-depth // LANES) * LANES
    if target.optimize == "size" or 4 * padded > 5 * depth:
        return rows
    return np.pad(rows, ((0, 0), (0, padded - depth)))


def _copy_offsets(window: Window, depth: int) -> npt.NDArray[np.uint8] | None:
    """Return where each byte of an interior window's copy comes from, or None if not all fit a byte each."""
    if window.interior_bottom == 0 or depth % LANES:
        return None
    row = np.arange(window.filter_width * window.input_channels, dtype=np.int64)
    stride = window.dilation_height * window.input_width * window.input_channels
    offsets = (np.arange(window.filter_height, dtype=np.int64)[:, None] * stride + row).ravel()
    if offsets[-1] > 255:
        return None
    return np.pad(offsets, (0, depth - len(offsets))).astype(np.uint8)


def _gathering_pays(window: Window) -> bool:
    """Return whether copying each window together takes fewer instructions than reading it run by run.

    The instructions are those of the Helium inner loop for two pixels and four channels.
    """
    length = window.filter_width * window.input_channels
    depth = window.filter_height * length
    blocks = -(-window.output_channels // _BLOCK)
    copying = 30 + 90 // _copies(depth) + window.filter_height * (6 if length <= LANES else 8 + 3 * (length // LANES))
    return _run_cost(depth) * blocks + 2 * copying < (window.filter_height * (_run_cost(length) + 6) * blocks)


def _run_cost(length: int) -> int:
    chunks, tail = divmod(length, LANES)
    return 14 * chunks + 2 * -(-chunks // 4) + 23 * (tail > 0) + 3


def pack_blocks(
    weights: Array, bias: npt.NDArray[np.int32], multiplier: npt.NDArray[np.int32], shift: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Return the blocks of `midge_conv_2d_lanes_s8_params`.

    Args:
        weights: int8, shape (channels, runs, length).
        bias, multiplier, shift: one of each per channel.
    """
    words: list[bytes] = []
    for first in range(0, len(weights), _BLOCK):
        block = slice(first, first + _BLOCK)
        data = _pack_weights(weights[block])
        together = len(weights[block])
        missing = (0, _BLOCK - together)
        biases, *scale = (
            np.pad(values[block], missing).astype("<i4").tobytes() for values in (bias, multiplier, shift)
        )
        if together == _BLOCK:
            words += [biases, data, *scale]
        else:
            words += [biases, *scale, data, bytes(_BEHIND + -len(data) % 4)]
    return np.frombuffer(b"".join(words), "<i4").astype(np.int32)


def _pack_weights(weights: Array) -> bytes:
    """Pack the weights of one block, run by run: chunks of 16 bytes of each channel in turn, the last one shorter."""
    runs, length = weights.shape[1:]
    starts = ((run, begin) for run in range(runs) for begin in range(0, length, LANES))
    return b"".join(np.ascontiguousarray(weights[:, run, begin : begin + LANES]).tobytes() for run, begin in starts)


def pixelwise_lead(window: Window, together: int) -> int | None:
    """Return `KernelCall.lead` of a kernel that computes the output pixels in order, some of one row together.

    Args:
        window: how inputs lie.
        together: most pixels whose windows are read again after the first of their outputs was written.
    """
    if window.output_height * window.output_width > MOST_PIXELS:
        return None
    image = window.input_height * window.input_width * window.input_channels
    row = window.input_width * window.input_channels
    output_row = window.output_width * window.output_channels
    starts = np.arange(window.output_height + 1, dtype=np.int64) * window.stride_height - window.padding_top
    row_starts = np.clip(starts, 0, window.input_height) * row
    columns = np.arange(window.output_width, dtype=np.int64)
    lefts = np.clip((columns - (together - 1)) * window.stride_width - window.padding_left, 0, window.input_width)
    # Of the rows before the last the next one's first byte may be what is needed first.
    needed = np.minimum(row_starts[:-1, None] + (lefts * window.input_channels)[None, :], row_starts[1:, None])
    needed[-1] = row_starts[-2] + lefts * window.input_channels
    written = np.arange(window.output_height, dtype=np.int64)[:, None] * output_row + (columns + 1) * (
        window.output_channels
    )
    ahead = int((written - needed).max())
    # Where outputs are larger than inputs, every image before the last moves them further ahead.
    growth = max(0, window.output_height * output_row - image)
    return max(0, ahead + growth * (window.batches - 1))


CONV_2D = Variant("lanes", _ARCHES, _lower_conv)
DEPTHWISE_CONV_2D = Variant("lanes", _ARCHES, _lower_depthwise)
FULLY_CONNECTED = Variant("lanes", _ARCHES, _lower_fully_connected)
