"""Fully connected layers with two channels per multiplication, for processors without SIMD; see src/masked.h."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import activation
from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.few_values import codebook_of, filled_codebook, fits_nibbles, pays
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.segments import MOST_SEGMENTS, cut
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, clamp_params
from midge.runtime.program import KernelCall, ParamValue, Target

_GROUP_CHANNELS = {"armv6m": 4, "armv7m": 8, "riscv": 8}
"""Channels of which the inner loops form the sums together."""
_PACKED_GROUP = 8
"""The same with weights of four bits."""
_NIBBLE_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
_TABLE_BYTES = 1024
_LONGEST = 255
_SHORTEST_MEAN = 5
"""With shorter segments on average the plain kernel is as fast."""
_MOST_FILLING = 0.1
"""Greatest share of weights that may be added to fill the last group."""


def _lower_fully_connected(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    group_channels = _GROUP_CHANNELS[target.arch]
    rows = constant(node.input(1), "weights")
    channels, depth = rows.shape
    missing = -channels % group_channels
    if missing > _MOST_FILLING * channels:
        return None
    # The first two of every four channels are lower halves of products.
    params = _segmented(node, rows, group_channels, np.arange(channels) % 4 < 2, _SHORTEST_MEAN)
    if params is None:
        return None
    shifted = (np.pad(rows, ((0, missing), (0, 0))).astype(np.int16) + 128).astype(np.uint8)
    words = shifted.reshape(-1, group_channels // 4, 4, depth).transpose(0, 3, 1, 2)
    params["weights"] = np.ascontiguousarray(words).view("<u4").astype(np.uint32)
    return _call(node, "midge_fully_connected_segments_s8", params)


def _segmented(
    node: Node, rows: Array, group_channels: int, lower: npt.NDArray[np.bool_], shortest_mean: int
) -> dict[str, ParamValue] | None:
    """Cut a layer into segments.

    Args:
        node: the operator.
        rows: its weights, shape (channels, depth).
        group_channels: channels of which sums are formed together.
        lower: for each channel, whether its sums are lower halves of words.
        shortest_mean: turn the layer down where segments are shorter on average.

    Returns:
        All parameters but the weights, or None if the layer is none for these kernels.
    """
    channels, depth = rows.shape
    records = channel_records(node, rows) if node.input(0).dtype == DType.INT8 else None
    if records is None:
        return None
    padded = np.pad(rows, ((0, -channels % group_channels), (0, 0)))
    segments = [cut(group, _LONGEST) for group in padded.reshape(-1, group_channels, depth)]
    counts = np.array([len(group) for group in segments])
    if depth < shortest_mean * counts.mean() or counts.max() >= MOST_SEGMENTS:
        return None
    extra = np.repeat(counts, group_channels)[:channels] << 15
    records[:, 0] = (records[:, 0].astype(np.int64) - lower * extra).astype(np.int32)
    return {
        "batches": node.input(0).elements // depth,
        "depth": depth,
        "output_channels": channels,
        "group_channels": group_channels,
        "segments": np.array([length for group in segments for length in group], dtype=np.uint8),
        "records": records,
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }


def _call(node: Node, kernel: str, params: dict[str, ParamValue], scratch: int = 0) -> tuple[KernelCall, ...]:
    return (KernelCall(kernel, params, (node.input_index(0),), node.operator.outputs, scratch),)


def _lower_packed(node: Node, packed: Array, head: Array, kind: str, scratch: int) -> tuple[KernelCall, ...] | None:
    """Lower to one of the kernels for weights of four bits.

    Args:
        node: the operator.
        packed: four bits of every weight, shape (channels, depth), in whole groups.
        head: what precedes the weights.
        kind: the kernel's.
        scratch: bytes.
    """
    rows = constant(node.input(1), "weights")
    params = _segmented(node, rows, _PACKED_GROUP, np.arange(len(rows)) % 2 == 0, 1)
    if params is None:
        return None
    shifted = packed.reshape(-1, _PACKED_GROUP, rows.shape[1]).astype(np.uint32)
    words = (shifted << 4 * np.arange(_PACKED_GROUP, dtype=np.uint32)[:, None]).sum(axis=1, dtype=np.uint32)
    params["weights"] = np.concatenate([head, words.ravel()]).astype(np.uint32)
    segments = params["segments"]
    assert isinstance(segments, np.ndarray)
    if not pays(rows.nbytes, 4 * (len(head) + words.size) + segments.nbytes):
        return None
    return _call(node, f"midge_fully_connected_segments_{kind}_s8", params, scratch)


def _lower_nibbles(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    rows = constant(node.input(1), "weights")
    if node.input(0).dtype != DType.INT8 or not fits_nibbles(rows):
        return None
    stored = np.pad(rows, ((0, -len(rows) % _PACKED_GROUP), (0, 0))) + 8
    ordered = stored.reshape(-1, _PACKED_GROUP, rows.shape[1])[:, _NIBBLE_ORDER]
    return _lower_packed(node, ordered, np.zeros(0, np.uint32), "nibbles", 0)


def _lower_codebook(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    rows = constant(node.input(1), "weights")
    if node.input(0).dtype != DType.INT8:
        return None
    padded = np.pad(rows, ((0, -len(rows) % _PACKED_GROUP), (0, 0)))
    codebook = codebook_of(rows)
    if codebook is None:
        return None
    codes = np.pad(np.searchsorted(codebook, rows), ((0, len(padded) - len(rows)), (0, 0)))
    return _lower_packed(node, codes, filled_codebook(codebook).view("<u4"), "codebook", _TABLE_BYTES)


MASKED = Variant("masked", tuple(_GROUP_CHANNELS), _lower_fully_connected, ("default", "speed", "ram"))
PACKED = (
    Variant("masked_nibbles", tuple(_GROUP_CHANNELS), _lower_nibbles),
    Variant("masked_codebook", tuple(_GROUP_CHANNELS), _lower_codebook, ("default", "size")),
)
"""Nibbles take less time than bytes; looking up values takes more, and memory for the table."""
