"""Layers of which whole blocks of weights are zero, from the other blocks; see kernels/src/blocks.h."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import activation
from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window
from midge.runtime.operators.few_values import stored_bytes
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants import zeros
from midge.runtime.operators.variants.sparse import pack_lists, row_time, tile_lead, tiles_time
from midge.runtime.operators.weighted import channel_records, clamp_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

BLOCKS = ((4, 2),)
"""Block shapes that the kernels exploit, the best first: (output channels, inputs).

Block (i, j) of a matrix of shape (outputs, inputs) is what lies in rows 4i to 4i + 3 and columns 2j and 2j + 1; blocks
at the ends may be cut off. A matrix whose zeros fill whole blocks costs flash and time for its other blocks only. Where
zeros lie in other ways, lists of single weights exploit them."""

SEGMENT = 256
"""Columns of blocks that a byte can tell apart."""
HIGH_LIMIT = 2**16
"""The sum of the magnitudes of an odd channel's weights is below this: 128 times as much fits 23 bits and a sign."""

MOST_INPUTS = 2**14
"""Inputs that half a word of `midge_conv_2d_block_pairs_s8` can tell apart."""

_TILE_CODE, _ROW_CODE = 1200, 1000
"""Bytes of code of the kernels, about."""
_PAIRS_ARCHES = ("armv7em",)
_BYTES_ARCHES = ("riscv",)


def cut_blocks(rows: Array) -> Array:
    """Return the blocks of weights, zeros where they reach beyond the ends.

    Args:
        rows: int8 weights, shape (channels, depth).

    Returns:
        Shape (rows of blocks, columns of blocks, 4, 2).
    """
    (tall, wide), (channels, depth) = BLOCKS[0], rows.shape
    padded = np.pad(rows, ((0, -channels % tall), (0, -depth % wide)))
    return padded.reshape(len(padded) // tall, tall, -1, wide).transpose(0, 2, 1, 3)


def pack_places(blocks: Array) -> tuple[npt.NDArray[np.uint8], Array]:
    """Leave out blocks of zeros.

    Args:
        blocks: see `cut_blocks`.

    Returns:
        `places` as `midge_fully_connected_blocks_s8` takes them, and the blocks that are left, shape (blocks, 4, 2).
    """
    places: list[npt.NDArray[np.uint8]] = []
    left = []
    for line in blocks:
        for first in range(0, len(line), SEGMENT):
            part = line[first : first + SEGMENT]
            place = np.flatnonzero(part.any(axis=(1, 2)))
            spare = len(place) % 2
            places.append(np.array([(len(place) + spare) // 2, *place, *[0] * spare], np.uint8))
            left += [part[place], np.zeros((spare, *part.shape[1:]), np.int8)]
    return np.concatenate(places), np.concatenate(left)


def _pack_pairs(blocks: Array) -> npt.NDArray[np.int32] | None:
    """Return the words of `midge_fully_connected_block_pairs_s8`, or None if weights are too large for this form."""
    values = blocks.astype(np.int32)
    both = 256 * values[:, 1::2] + values[:, 0::2]
    if both.min(initial=0) < -(2**15):
        return None
    return np.ascontiguousarray(both.astype("<i2")).view("<i4").astype(np.int32)


def _pack_bytes(blocks: Array) -> npt.NDArray[np.int32]:
    return np.ascontiguousarray(blocks.transpose(0, 2, 1)).reshape(-1, 8).view("<i4").astype(np.int32)


def _pack_groups(blocks: Array) -> npt.NDArray[np.int32] | None:
    """Return `groups` as `midge_conv_2d_block_pairs_s8` takes them, or None if weights are too large for this form.

    Args:
        blocks: see `cut_blocks`.
    """
    groups = []
    for line in blocks:
        place = np.flatnonzero(line.any(axis=(1, 2)))
        spare = len(place) % 2
        words = _pack_pairs(np.concatenate([line[place], np.zeros((spare, *line.shape[1:]), np.int8)]))
        if words is None:
            return None
        columns = np.append(place, np.zeros(spare, np.int64)).astype(np.uint32).reshape(-1, 2) * 8
        offsets = (columns[:, 0] | columns[:, 1] << 16).astype(np.uint32).view(np.int32)
        groups.append(np.concatenate([[len(columns)], np.column_stack([offsets, words.reshape(-1, 4)]).ravel()]))
    return np.concatenate(groups).astype(np.int32)


def _fill_records(records: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Append records up to whole blocks of channels."""
    spare = np.tile(np.array([0, 0, 2], np.int32), (-len(records) % BLOCKS[0][0], 1))
    return np.concatenate([records, spare])


def _lower_conv(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    weights = constant(node.input(1), "weights")
    channels, height, width, depth = weights.shape
    if node.input(0).dtype != DType.INT8:
        return None
    if (height, width, depth) != (1, 1, node.input(0).shape[3]):
        return None
    window, rows = conv_window(node), weights.reshape(channels, depth)
    records = channel_records(node, rows)
    if records is None or records[:, 2].min() < 2 or not window.all_interior:
        return None
    cut = cut_blocks(rows)
    records = _fill_records(records)
    stored: dict[str, Array]
    if target.arch in _PAIRS_ARCHES:
        kernel, tile = "midge_conv_2d_block_pairs_s8", 2
        groups = _pack_groups(cut)
        if groups is None or depth > MOST_INPUTS or not _fits_pairs(rows):
            return None
        stored, count = {"groups": groups}, (len(groups) - len(cut)) // 5 * 2
        records[:, 2] = np.int32(1) << (32 - records[:, 2])
    else:
        kernel, tile = "midge_conv_2d_blocks_s8", 4
        places, left = pack_places(cut)
        stored, count = {"places": places, "blocks": _pack_bytes(left)}, len(left)
    size = sum(array.nbytes for array in stored.values())
    if not _pays_for_tiles(target, window, rows, cut, (size, count, tile)):
        return None
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        **stored,
        "records": records,
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall(kernel, params, inputs, outputs, 8 * -(-depth // 2), tile_lead(window, tile)),)


def _fits_pairs(rows: Array) -> bool:
    return bool(np.abs(rows[1::2].astype(np.int64)).sum(axis=1).max(initial=0) < HIGH_LIMIT)


def _pays_for_tiles(target: Target, window: Window, rows: Array, cut: Array, stored: tuple[int, int, int]) -> bool:
    """Whether blocks are the best that can be made of a 1x1 convolution's zeros.

    `stored` are the bytes that they take, their number, and the pixels of a tile.
    """
    size, count, tile = stored
    channels, depth = rows.shape
    lines, columns, *_ = cut.shape
    image_rows = window.batches * window.output_height
    once = zeros.TILE_BLOCKS[target.arch].time(count, lines * -(-columns // SEGMENT), lines, depth)
    time = image_rows * -(-window.output_width // tile) * once
    dense = zeros.dense_pixels_time(target.arch, image_rows * window.output_width, channels, depth)
    if not zeros.pays(target.optimize, time, dense, size, stored_bytes(rows), _TILE_CODE):
        return False
    if target.optimize == "size":
        return size < pack_lists(rows).nbytes
    return time <= (1 - zeros.LEAST_GAIN) * tiles_time(target.arch, window, pack_lists(rows))


def _lower_fully_connected(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    rows = constant(node.input(1), "weights")
    channels, depth = rows.shape
    records = channel_records(node, rows)
    if records is None or records[:, 2].min() < 2:
        return None
    cut = cut_blocks(rows)
    places, left = pack_places(cut)
    if not _pays_for_rows(target, rows, cut, places.nbytes + left.nbytes, len(left)):
        return None
    batches, lead = node.input(0).elements // depth, None
    if target.arch in _PAIRS_ARCHES:
        # A row has been read before anything is written.
        lead = max(0, (batches - 1) * (channels - depth))
        kernel, scratch = "midge_fully_connected_block_pairs_s8", 4 * -(-depth // 2)
        words = _pack_pairs(left)
        if words is None or not _fits_pairs(rows):
            return None
    else:
        kernel, scratch = "midge_fully_connected_blocks_s8", depth % 2 * (depth + 1)
        words = _pack_bytes(left)
    params: dict[str, ParamValue] = {
        "batches": batches,
        "depth": depth,
        "output_channels": channels,
        "places": places,
        "blocks": words,
        "records": _fill_records(records),
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall(kernel, params, inputs, outputs, scratch, lead),)


def _pays_for_rows(target: Target, rows: Array, cut: Array, size: int, blocks: int) -> bool:
    """Whether blocks are the best that can be made of a layer's zeros, too."""
    channels, depth = rows.shape
    dense = zeros.dense_row_time(target.arch, channels, depth)
    lines, columns, *_ = cut.shape
    time = zeros.ROW_BLOCKS[target.arch].time(blocks, lines * -(-columns // SEGMENT), lines, depth)
    if not zeros.pays(target.optimize, time, dense, size, stored_bytes(rows), _ROW_CODE):
        return False
    if target.optimize == "size":
        return size < pack_lists(rows).nbytes
    return time <= (1 - zeros.LEAST_GAIN) * row_time(target.arch, rows)


CONV_2D = Variant("blocks", (*_PAIRS_ARCHES, *_BYTES_ARCHES), _lower_conv)
FULLY_CONNECTED = Variant("blocks", (*_PAIRS_ARCHES, *_BYTES_ARCHES), _lower_fully_connected)
