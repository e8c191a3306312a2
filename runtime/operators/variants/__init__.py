"""The variants of operators, by operator, the presumably best one first. Each is a file; list it here."""

from __future__ import annotations

from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants import (
    blocks,
    dot,
    fields,
    joined,
    lanes,
    masked,
    packed,
    pairs,
    planar,
    planes,
    sparse,
    weighted_sum,
    wide,
    winograd,
    words,
)

ADD: tuple[Variant, ...] = (weighted_sum.ADD,)
CONV_2D: tuple[Variant, ...] = (
    blocks.CONV_2D,
    sparse.CONV_2D,
    *packed.CONV_2D,
    joined.JOINED_PACKED,
    joined.SEGMENTS_PACKED,
    lanes.CONV_2D,
    winograd.CONV_2D,
    pairs.CONV_2D,
    pairs.CONV_2D_LDR,
    fields.CONV_2D,  # behind pairs: fewer instructions, but by the cycle model of the Cortex-M4 more time
    dot.CONV_2D,
    joined.JOINED,
    joined.SEGMENTS,
    wide.CONV_2D,
    *packed.CONV_2D_FOR_SPEED,
    *joined.PACKED_FOR_SPEED,
)
DEPTHWISE_CONV_2D: tuple[Variant, ...] = (
    lanes.DEPTHWISE_CONV_2D,
    words.DEPTHWISE_CONV_2D,
    planes.DEPTHWISE_CONV_2D,
    planar.PLANAR,
    wide.DEPTHWISE_CONV_2D,
)
FULLY_CONNECTED: tuple[Variant, ...] = (
    blocks.FULLY_CONNECTED,
    sparse.FULLY_CONNECTED,
    *packed.FULLY_CONNECTED,
    *masked.PACKED,
    lanes.FULLY_CONNECTED,
    pairs.FULLY_CONNECTED,
    dot.FULLY_CONNECTED,
    masked.MASKED,
    wide.FULLY_CONNECTED,
    *packed.FULLY_CONNECTED_FOR_SPEED,
)
SUB: tuple[Variant, ...] = (weighted_sum.SUB,)
