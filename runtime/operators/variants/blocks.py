"""Fully connected layers of which whole blocks of weights are zero, from the other blocks; see kernels/src/blocks.h."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import activation
from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants import zeros
from midge.runtime.operators.variants.sparse import pack_lists, row_time
from midge.runtime.operators.weighted import channel_records, clamp_params
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

_ROW_CODE = 900
"""Bytes of code of the kernel for fully connected layers, about."""
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


def _lower_fully_connected(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if (node.input(0).dtype, node.input(1).dtype) != (DType.INT8, DType.INT8):
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
        if words is None or np.abs(rows[1::2].astype(np.int64)).sum(axis=1).max(initial=0) >= HIGH_LIMIT:
            return None
    else:
        kernel, scratch = "midge_fully_connected_blocks_s8", depth % 2 * (depth + 1)
        words = _pack_bytes(left)
    filled = np.zeros((channels + -channels % BLOCKS[0][0], 3), np.int32)
    filled[:, 2] = 2
    filled[:channels] = records
    params: dict[str, ParamValue] = {
        "batches": batches,
        "depth": depth,
        "output_channels": channels,
        "places": places,
        "blocks": words,
        "records": filled,
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
    if not zeros.pays(target.optimize, time, dense, size, channels * depth, _ROW_CODE):
        return False
    if target.optimize == "size":
        return size < pack_lists(rows).nbytes
    return time <= (1 - zeros.LEAST_GAIN) * row_time(target.arch, rows)


FULLY_CONNECTED = Variant("blocks", (*_PAIRS_ARCHES, *_BYTES_ARCHES), _lower_fully_connected)
