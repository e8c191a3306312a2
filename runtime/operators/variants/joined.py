"""Convolutions that form two channels' sums with one multiplication, for processors without SIMD; see src/joined.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import activation
from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window, input_zero_point
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.segments import MOST_SEGMENTS, cut
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, clamp_params
from midge.runtime.program import KernelCall, ParamValue, Target

FEWEST_PIXELS = 4
"""Fewer do not pay for expanding the weights."""
BLOCK_BYTES = 4608
"""About how much scratch the expanded weights may take. A block is as large as that allows: windows at the border are
gathered anew for every block, and loops begin and end."""


@dataclass(frozen=True)
class _Form:
    """What an instruction set's inner loops take."""

    group_channels: int
    longest_segment: int


_FORMS = {"armv6m": _Form(2, 16), "riscv": _Form(4, 8)}


def _lower_joined(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    rows = _rows(node)
    if rows is None:
        return None
    padded = _pad(rows, 4).astype(np.int64)
    low, high = padded[0::2], padded[1::2]
    if (128 * np.abs(low).sum(axis=1) >= 2**23).any() or ((high == -128) & (low < 0)).any():
        return None
    groups = len(padded) // 4
    return _lower(node, rows, 4, np.full(groups, 8 * rows.shape[1]), None)


def _lower_segments(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    rows = _rows(node)
    if rows is None:
        return None
    form = _FORMS[target.arch]
    padded = _pad(rows, form.group_channels)
    height = node.input(1).shape[1]
    groups = padded.reshape(-1, form.group_channels, height, rows.shape[1] // height)
    segments = [[cut(groups[i, :, y], form.longest_segment) for y in range(height)] for i in range(len(groups))]
    counts = np.array([sum(len(run) for run in group) for group in segments])
    if counts.max() >= MOST_SEGMENTS:
        return None
    words = form.group_channels // 2 * rows.shape[1] + counts + height
    flat = _halve([length - 1 for group in segments for run in group for length in run])
    return _lower(node, rows, form.group_channels, 4 * words, (flat, counts))


def _halve(values: list[int]) -> npt.NDArray[np.uint8]:
    """Pack values below 16 two to a byte, the first one lower."""
    pairs = np.array([*values, *[0] * (len(values) % 2)], dtype=np.uint8).reshape(-1, 2)
    return (pairs[:, 0] | pairs[:, 1] << 4).astype(np.uint8)


def _rows(node: Node) -> Array | None:
    """Return the weights, shape (output channels, depth), or None if the layer is none for these kernels."""
    weights = constant(node.input(1), "weights")
    output = node.output()
    if node.input(0).dtype != DType.INT8 or weights.shape[3] != node.input(0).shape[3]:
        return None
    if output.elements < FEWEST_PIXELS * output.shape[3]:
        return None
    return weights.reshape(len(weights), -1)


def _pad(rows: Array, group_channels: int) -> Array:
    """Append channels of zeros up to whole groups."""
    return np.pad(rows, ((0, -len(rows) % group_channels), (0, 0)))


def _lower(
    node: Node,
    rows: Array,
    group_channels: int,
    group_bytes: npt.NDArray[np.int64],
    segments: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]] | None,
) -> tuple[KernelCall, ...] | None:
    """Return the call.

    Args:
        node: the operator.
        rows: its weights, shape (output channels, depth).
        group_channels: channels of which the sums are formed together.
        group_bytes: bytes of every group's expanded weights.
        segments: lengths of all segments, and how many there are per group; None for the kernel without.
    """
    records = channel_records(node, rows)
    if records is None:
        return None
    window = conv_window(node)
    block = max(1, min(len(group_bytes), BLOCK_BYTES // int(group_bytes.max())))
    starts = range(0, len(group_bytes), block)
    sums = 8 * block * group_channels
    patch_offset = sums + max(int(group_bytes[start : start + block].sum()) for start in starts)
    packed = _pad(rows, group_channels).reshape(-1, group_channels, rows.shape[1]).transpose(0, 2, 1)
    if segments is not None:
        extra = np.repeat(segments[1], group_channels)[: len(rows)] << 15
        extra[1::2] = 0
        records[:, 0] = (records[:, 0].astype(np.int64) - extra).astype(np.int32)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "group_channels": group_channels,
        "block_channels": block * group_channels,
        "patch_offset": patch_offset,
        "input_zero_point": input_zero_point(node),
        "weights": np.ascontiguousarray(packed),
        "segments": None if segments is None else segments[0],
        "records": records,
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }
    scratch = patch_offset + (0 if window.all_interior else 2 * rows.shape[1])
    kernel = "midge_conv_2d_joined_s8" if segments is None else "midge_conv_2d_segments_s8"
    return (KernelCall(kernel, params, (node.input_index(0),), node.operator.outputs, scratch),)


_MODES = ("default", "speed")
JOINED = Variant("joined", ("armv7m",), _lower_joined, _MODES)
SEGMENTS = Variant("segments", tuple(_FORMS), _lower_segments, _MODES)
