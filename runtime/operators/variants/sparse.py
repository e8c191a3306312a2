"""Layers of which many weights are zero, from lists of the others; see kernels/src/sparse.h."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import activation
from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window
from midge.runtime.operators.few_values import stored_bytes
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants import zeros
from midge.runtime.operators.weighted import channel_records, clamp_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

SEGMENT = 256
"""Inputs that a byte can tell apart."""
TILE = 8
"""Pixels that are computed together."""
MOST_WEIGHT = 2**15
"""The sum of the magnitudes of a channel's weights is below this: 128 times as much fits 22 bits and a sign."""


_TILE_CODE, _ROW_CODE = 1400, 500
"""Bytes of code of the two kernels, about."""


def pack_lists(rows: Array) -> npt.NDArray[np.uint16]:
    """Return the lists of all output channels, one behind the other, as `midge_conv_2d_sparse_s8` takes them.

    Args:
        rows: int8 weights, shape (channels, depth).
    """
    channels, depth = rows.shape
    segments = -(-depth // SEGMENT)
    padded = np.zeros((channels, segments * SEGMENT), np.int8)
    padded[:, :depth] = rows
    cut = padded.reshape(-1, SEGMENT)
    where, place = np.nonzero(cut)
    counts = np.bincount(where, minlength=len(cut))
    entries = cut.view(np.uint8)[where, place].astype(np.uint16) << 8 | place.astype(np.uint16)
    starts = np.cumsum(counts) - counts
    return np.insert(entries, starts, counts.astype(np.uint16))


def _list_params(node: Node, rows: Array) -> dict[str, Any] | None:
    """Return the parameters that do not speak of shapes, or None if the kernels cannot compute it."""
    records = channel_records(node, rows)
    if records is None or records[:, 2].min() < 2:
        return None
    if np.abs(rows.astype(np.int64)).sum(axis=1).max() >= MOST_WEIGHT:
        return None
    return {
        "lists": pack_lists(rows),
        "records": records,
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }


def _lower_conv(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    weights = constant(node.input(1), "weights")
    channels, height, width, depth = weights.shape
    if node.input(0).dtype != DType.INT8 or (height, width, depth) != (1, 1, node.input(0).shape[3]):
        return None
    window = conv_window(node)
    rows = weights.reshape(channels, depth)
    shared = _list_params(node, rows)
    if shared is None or not window.all_interior or not _pays_for_tiles(target, window, rows, shared["lists"]):
        return None
    params: dict[str, ParamValue] = {"window": window.as_param(), **shared}
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_conv_2d_sparse_s8", params, inputs, outputs, 16 * depth, tile_lead(window, TILE)),)


def tiles_time(arch: str, window: Window, lists: Array) -> float:
    """Return the estimated time of a 1x1 convolution from its lists."""
    channels, depth = window.output_channels, window.input_channels
    count = channels * -(-depth // SEGMENT)
    tile = zeros.TILE_LISTS[arch].time(len(lists) - count, count, channels, depth)
    return window.batches * window.output_height * -(-window.output_width // TILE) * tile


def _pays_for_tiles(target: Target, window: Window, rows: Array, lists: Array) -> bool:
    channels, depth = window.output_channels, window.input_channels
    pixels = window.batches * window.output_height * window.output_width
    time = tiles_time(target.arch, window, lists)
    dense = zeros.dense_pixels_time(target.arch, pixels, channels, depth)
    return zeros.pays(target.optimize, time, dense, lists.nbytes, stored_bytes(rows), _TILE_CODE)


def row_time(arch: str, rows: Array) -> float:
    """Return the estimated time of a fully connected layer for one row of inputs; `rows` are its weights."""
    channels, depth = rows.shape
    lists = channels * -(-depth // SEGMENT)
    return zeros.ROW_LISTS[arch].time(int(np.count_nonzero(rows)), lists, channels, depth)


def tile_lead(window: Window, pixels: int) -> int:
    """Return how many bytes before its input the output of a 1x1 convolution must start to overlap it.

    The inputs of a tile's pixels are read before its outputs are written. So these must never have passed the first
    input of the next tile.

    Args:
        window: its geometry.
        pixels: of a tile; a row may end with a smaller one.
    """
    first = np.arange(0, window.output_width, pixels, dtype=np.int64)
    y = np.arange(window.batches * window.output_height, dtype=np.int64)
    image, row = np.divmod(y, window.output_height)
    line = image * window.input_height + row * window.stride_height
    read = (line[:, None] * window.input_width + first[None, :] * window.stride_width) * window.input_channels
    done = (y[:, None] * window.output_width + first[None, :]) * window.output_channels
    return int(np.max((done - read).ravel()[1:], initial=0))


def _lower_fully_connected(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    rows = constant(node.input(1), "weights")
    channels, depth = rows.shape
    shared = _list_params(node, rows)
    if shared is None:
        return None
    time, dense = row_time(target.arch, rows), zeros.dense_row_time(target.arch, channels, depth)
    if not zeros.pays(target.optimize, time, dense, shared["lists"].nbytes, stored_bytes(rows), _ROW_CODE):
        return None
    params: dict[str, ParamValue] = {
        "batches": node.input(0).elements // depth,
        "depth": depth,
        "output_channels": channels,
        **shared,
    }
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_fully_connected_sparse_s8", params, inputs, outputs),)


CONV_2D = Variant("sparse", tuple(zeros.TILE_LISTS), _lower_conv)
FULLY_CONNECTED = Variant("sparse", tuple(zeros.ROW_LISTS), _lower_fully_connected)
