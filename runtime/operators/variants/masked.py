"""Fully connected layers with two channels per multiplication, for processors without SIMD; see src/masked.h."""

from __future__ import annotations

import numpy as np

from midge.runtime.fixed_point import activation
from midge.runtime.graph import DType, Node
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.segments import MOST_SEGMENTS, cut
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, clamp_params
from midge.runtime.program import KernelCall, ParamValue, Target

_GROUP_CHANNELS = {"armv6m": 4, "armv7m": 8, "riscv": 8}
"""Channels of which the inner loops form the sums together."""
_LONGEST = 255
_SHORTEST_MEAN = 5
"""With shorter segments on average the plain kernel is as fast."""
_MOST_FILLING = 0.1
"""Greatest share of weights that may be added to fill the last group."""


def _lower_fully_connected(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    rows = constant(node.input(1), "weights")
    channels, depth = rows.shape
    group_channels = _GROUP_CHANNELS[target.arch]
    missing = -channels % group_channels
    records = channel_records(node, rows)
    if records is None or missing > _MOST_FILLING * channels:
        return None
    padded = np.pad(rows, ((0, missing), (0, 0)))
    segments = [cut(group, _LONGEST) for group in padded.reshape(-1, group_channels, depth)]
    counts = np.array([len(group) for group in segments])
    if depth < _SHORTEST_MEAN * counts.mean() or counts.max() >= MOST_SEGMENTS:
        return None
    # The first two of every four channels are lower halves of products.
    extra = np.repeat(counts, group_channels)[:channels] << 15
    lower = np.arange(channels) % 4 < 2
    records[:, 0] = (records[:, 0].astype(np.int64) - lower * extra).astype(np.int32)
    shifted = (padded.astype(np.int16) + 128).astype(np.uint8)
    words = shifted.reshape(-1, group_channels // 4, 4, depth).transpose(0, 3, 1, 2)
    params: dict[str, ParamValue] = {
        "batches": node.input(0).elements // depth,
        "depth": depth,
        "output_channels": channels,
        "group_channels": group_channels,
        "weights": np.ascontiguousarray(words).view("<u4").astype(np.uint32),
        "segments": np.array([length for group in segments for length in group], dtype=np.uint8),
        "records": records,
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_fully_connected_segments_s8", params, inputs, outputs),)


MASKED = Variant("masked", tuple(_GROUP_CHANNELS), _lower_fully_connected, ("default", "speed", "ram"))
