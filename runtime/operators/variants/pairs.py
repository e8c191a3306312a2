"""Convolutions and fully connected layers with two output channels in one int16; see kernels/src/pairs.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window, input_zero_point
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, output_params
from midge.runtime.operators.window import Window, without_interior
from midge.runtime.program import KernelCall, ParamValue, Target

_ARCHES = ("armv7em",)

BLOCK = 4
"""Output channels of a block."""
QUAD = 4
"""Inputs whose weights lie together."""
UNIT = 2 * QUAD
"""Inputs that a step of the fully connected loop takes."""
QUAD_COST = 24
"""Instructions that a quad takes for a block of channels and two pixels."""
ROW_COPY_COST = 70
"""Instructions, about, that it takes to copy one short row of the windows of two pixels."""
HIGH_LIMIT = 2**16
"""The sum of the magnitudes of an odd channel's weights is below this: 128 times as much fits 23 bits and a sign."""


def pack_blocks(rows: Array, records: npt.NDArray[np.int32], unit: int) -> npt.NDArray[np.int32] | None:
    """Pack weights and records as `midge_conv_2d_pairs_s8` takes them.

    Args:
        rows: int8 weights, shape (channels, depth).
        records: shape (channels, 3), see `channel_records`.
        unit: the depth is filled up to a multiple of this; a multiple of `QUAD`.

    Returns:
        Shape (ceil(channels / 4), words of a block), or None if some weights are too large for this form.
    """
    channels, depth = rows.shape
    blocks, quads = -(-channels // BLOCK), -(-depth // unit) * unit // QUAD
    padded = np.zeros((blocks * BLOCK, quads * QUAD), np.int32)
    padded[:channels, :depth] = rows
    low, high = padded[0::2], padded[1::2]
    both = 256 * high + low
    if both.min() < -(2**15) or np.abs(high).sum(axis=1).max() >= HIGH_LIMIT:
        return None
    halves = both.astype(np.int16).view(np.uint16).astype(np.uint32)
    # (block, pair, quad, half, word): inputs 0 and 2 of a quad share its first word, 1 and 3 its second.
    halves = halves.reshape(blocks, BLOCK // 2, quads, 2, 2)
    words = (halves[..., 0, :] | halves[..., 1, :] << 16).astype(np.uint32).view(np.int32)
    filled = np.zeros((blocks, BLOCK, 3), np.int32)
    filled[..., 2] = 1
    filled.reshape(-1, 3)[:channels] = records
    return np.ascontiguousarray(
        np.concatenate(
            [
                filled[:, 0::2, 0],
                words.transpose(0, 2, 3, 1).reshape(blocks, -1),
                filled[:, 1::2, 0],
                filled[:, :, 1:].reshape(blocks, -1),
            ],
            axis=1,
        )
    )


def _block_params(
    node: Node, target: Target, rows: Array, padded: Array, unit: int
) -> tuple[str, dict[str, ParamValue]] | None:
    """Return the ending of the kernel's name, and the parameters that do not speak of shapes.

    `rows` are the weights, shape (channels, depth), `padded` the same with zeros between them.
    """
    records = channel_records(node, rows)
    if records is None:
        return None
    output = output_params(node)
    limits = {name: output[name] for name in ("output_zero_point", "activation_min", "activation_max")}
    whole_range = (limits["activation_min"], limits["activation_max"]) == (-128, 127)
    if not whole_range or records[:, 2].min() < 2 or target.optimize == "size":
        ending = ""  # the shortest code; one copy of it serves all layers
    else:
        ending = "_relu" if limits["output_zero_point"] == -128 else "_linear"
        records = np.column_stack([records[:, :2], np.int32(1) << (32 - records[:, 2])])
    blocks = pack_blocks(padded, records, unit)
    if blocks is None:
        return None
    return ending, {"blocks": blocks, "block_words": blocks.shape[1], **limits}


def _lower_conv_ldr(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    """Lower as `_lower_conv` does, to the loops with more instructions and fewer cycles; they have two endings."""
    calls = _lower_conv(node, target)
    if calls is None or calls[0].kernel == "midge_conv_2d_pairs_s8":
        return None
    return (replace(calls[0], kernel=calls[0].kernel.replace("_pairs_", "_pairs_ldr_")),)


def _lower_conv(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    weights = constant(node.input(1), "weights")
    if node.input(0).dtype != DType.INT8 or weights.shape[3] != node.input(0).shape[3]:
        return None
    return _conv_call(node, target, conv_window(node), weights.reshape(weights.shape[0], -1))


def _conv_call(node: Node, target: Target, window: Window, rows: Array) -> tuple[KernelCall, ...] | None:
    window, runs, run_quads, padded = cut_runs(window, rows)
    packed = _block_params(node, target, rows, padded, QUAD)
    if packed is None:
        return None
    ending, shared = packed
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "runs": runs,
        "run_quads": run_quads,
        "input_zero_point": input_zero_point(node),
        **shared,
    }
    scratch = 16 * runs * run_quads
    if not window.all_interior:
        scratch += scratch // 2
    call = KernelCall(
        f"midge_conv_2d_pairs{ending}_s8",
        params,
        (node.input_index(0),),
        node.operator.outputs,
        scratch,
        conv_lead(window),
    )
    return (call,)


def cut_runs(window: Window, rows: Array) -> tuple[Window, int, int, Array]:
    """Cut the windows of a convolution into runs of whole quads.

    Args:
        window: its geometry.
        rows: its weights, shape (output channels, depth).

    Returns:
        The window with an interior whose runs can be read in place, the runs, the quads of a run, and the weights with
        zeros where runs are filled up, shape (output channels, runs * quads * 4) or less.
    """
    run = window.filter_width * window.input_channels
    runs, run_quads = window.filter_height, -(-run // QUAD)
    if _gathers(window, rows):
        return without_interior(window), 1, -(-rows.shape[1] // QUAD), rows
    cut = rows.reshape(len(rows), runs, run)
    padded = np.pad(cut, ((0, 0), (0, 0), (0, QUAD * run_quads - run))).reshape(len(rows), -1)
    return _readable_interior(window, QUAD * run_quads - run), runs, run_quads, padded


def _gathers(window: Window, rows: Array) -> bool:
    """Whether all windows are copied densely, because they have gaps or because filling up every run costs more."""
    if window.dilation_width > 1:
        return True
    run = window.filter_width * window.input_channels
    filled = window.filter_height * -(-run // QUAD) - -(-rows.shape[1] // QUAD)
    blocks = -(-window.output_channels // BLOCK)
    return bool(filled * blocks * QUAD_COST > window.filter_height * ROW_COPY_COST)


def _readable_interior(window: Window, filled: int) -> Window:
    """Return a window whose interior is such that `filled` bytes behind every run lie inside the image, too."""
    row = window.input_width * window.input_channels
    bottom = (window.interior_bottom - 1) * window.stride_height - window.padding_top
    last_row = (bottom + (window.filter_height - 1) * window.dilation_height) * row
    right = window.interior_right
    while right > window.interior_left:
        x = (right - 1) * window.stride_width - window.padding_left + window.filter_width
        if last_row + x * window.input_channels + filled <= window.input_height * row:
            return replace(window, interior_right=right)
        right -= 1
    return without_interior(window)


def conv_lead(window: Window) -> int:
    """Return how many bytes before its input the output of a convolution by pixel pairs must start to overlap it.

    Both pixels of a pair are read, then written. So the output must never have passed the first byte of the windows
    of all later pixels, which begin at the top left corner at the earliest.
    """
    pixel, row = window.input_channels, window.input_width * window.input_channels
    y = np.arange(window.output_height, dtype=np.int64) * window.stride_height - window.padding_top
    x = np.arange(window.output_width, dtype=np.int64) * window.stride_width - window.padding_left
    first = np.maximum(y, 0)[:, None] * row + np.maximum(x, 0)[None, :] * pixel
    images = np.arange(window.batches, dtype=np.int64) * window.input_height * row
    starts = (images[:, None] + first.ravel()[None, :]).ravel()
    unread = np.minimum.accumulate(starts[::-1])[::-1][2::2]
    written = 2 * window.output_channels * np.arange(1, len(unread) + 1, dtype=np.int64)
    return int(np.max(written - unread, initial=0))


def _lower_fully_connected(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    weights = constant(node.input(1), "weights")
    channels, depth = weights.shape
    batches = node.input(0).elements // depth
    if node.input(0).dtype != DType.INT8:
        return None
    if batches > 1:
        # Two rows at a time are faster: a 1x1 convolution of one row of pixels is the same thing.
        window = Window(1, 1, batches, depth, 1, batches, channels, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, batches)
        return _conv_call(node, target, window, weights)
    packed = _block_params(node, target, weights, weights, UNIT)
    if packed is None:
        return None
    ending, shared = packed
    params: dict[str, ParamValue] = {
        "batches": batches,
        "depth": depth,
        "output_channels": channels,
        **shared,
    }
    scratch = 2 * UNIT * -(-depth // UNIT)
    # The whole row has been read before anything is written.
    return (
        KernelCall(
            f"midge_fully_connected_pairs{ending}_s8",
            params,
            (node.input_index(0),),
            node.operator.outputs,
            scratch,
            0,
        ),
    )


CONV_2D = Variant("pairs", _ARCHES, _lower_conv)
CONV_2D_LDR = Variant("pairs_ldr", _ARCHES, _lower_conv_ldr, ("speed",))
FULLY_CONNECTED = Variant("pairs", _ARCHES, _lower_fully_connected)
