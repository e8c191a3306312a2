"""Convolutions that form two channels' sums with one multiplication, for processors without SIMD; see src/joined.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import activation
from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window, input_zero_point
from midge.runtime.operators.few_values import codebook_of, filled_codebook, pays
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.segments import MOST_SEGMENTS
from midge.runtime.operators.segments import cut as cut_row
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants.joined_bands import Form, choose_cut
from midge.runtime.operators.weighted import channel_records, clamp_params
from midge.runtime.program import KernelCall, ParamValue, Target

_UNPACK_COST = 6
"""Instructions, about, that a weight takes to unpack."""
FEWEST_PIXELS = 4
"""Fewer do not pay for expanding the weights."""
_JOINED = Form(4, 0, 1.3, 3.4)
_FORMS = {"armv6m": Form(2, 16, 3.3, 10.0), "riscv": Form(4, 8, 2.7, 6.0)}


def _lower_joined(node: Node, target: Target, packed: bool = False) -> tuple[KernelCall, ...] | None:
    rows = _rows(node)
    if rows is None:
        return None
    padded = _pad(rows, 4).astype(np.int64)
    low, high = padded[0::2], padded[1::2]
    if (128 * np.abs(low).sum(axis=1) >= 2**23).any() or ((high == -128) & (low < 0)).any():
        return None
    groups = len(padded) // 4
    return _lower(node, rows, target, _JOINED, np.full(groups, 8 * rows.shape[1]), None, packed)


def _lower_segments(node: Node, target: Target, packed: bool = False) -> tuple[KernelCall, ...] | None:
    rows = _rows(node)
    if rows is None:
        return None
    form = _FORMS[target.arch]
    padded = _pad(rows, form.group_channels)
    height = node.input(1).shape[1]
    groups = padded.reshape(-1, form.group_channels, height, rows.shape[1] // height)
    segments = [[cut_row(groups[i, :, y], form.longest_segment) for y in range(height)] for i in range(len(groups))]
    counts = np.array([sum(len(run) for run in group) for group in segments])
    if counts.max() >= MOST_SEGMENTS:
        return None
    words = form.group_channels // 2 * rows.shape[1] + counts + height
    flat = _halve([length - 1 for group in segments for run in group for length in run])
    return _lower(node, rows, target, form, 4 * words, (flat, counts), packed)


def _joined_packed(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    return _lower_joined(node, target, packed=True)


def _segments_packed(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    return _lower_segments(node, target, packed=True)


def _pack_codes(weights: Array) -> Array | None:
    """Return the codebook and the indices of all weights, int8, or None if they do not pay."""
    codebook = codebook_of(weights)
    if codebook is None:
        return None
    codes = np.searchsorted(codebook, weights.ravel()).reshape(-1, 2)
    stored = np.concatenate(
        [filled_codebook(codebook), (codes[:, 0] | codes[:, 1] << 4).astype(np.uint8).view(np.int8)]
    )
    return stored if pays(weights.nbytes, stored.nbytes) else None


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
    target: Target,
    form: Form,
    group_bytes: npt.NDArray[np.int64],
    segments: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]] | None,
    packed: bool,
) -> tuple[KernelCall, ...] | None:
    """Return the call.

    Args:
        node: the operator.
        rows: its weights, shape (output channels, depth).
        target: what for.
        form: what the inner loops take.
        group_bytes: bytes of every group's expanded weights.
        segments: lengths of all segments, and how many there are per group; None for the kernel without.
        packed: whether the weights are stored in four bits each.
    """
    group_channels = form.group_channels
    grouped = _pad(rows, group_channels).reshape(-1, group_channels, rows.shape[1]).transpose(0, 2, 1)
    weights = _pack_codes(np.ascontiguousarray(grouped)) if packed else np.ascontiguousarray(grouped)
    records = channel_records(node, rows)
    if records is None or weights is None:
        return None
    window = conv_window(node)
    if packed:
        form = replace(form, expand_cost=form.expand_cost + _UNPACK_COST)
    cut = choose_cut(node, window, form, group_bytes, target.optimize)
    if segments is not None:
        extra = np.repeat(segments[1], group_channels)[: len(rows)] << 15
        extra[1::2] = 0
        records[:, 0] = (records[:, 0].astype(np.int64) - extra).astype(np.int32)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "group_channels": group_channels,
        "block_channels": cut.block_groups * group_channels,
        "band_steps": cut.band_steps,
        "patch_offset": cut.patch_offset,
        "buffer_offset": cut.buffer_offset,
        "input_zero_point": input_zero_point(node),
        "weights": weights,
        "segments": None if segments is None else segments[0],
        "records": records,
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }
    kernel = ("joined" if segments is None else "segments") + ("_packed" if packed else "")
    return (
        KernelCall(
            f"midge_conv_2d_{kernel}_s8", params, (node.input_index(0),), node.operator.outputs, cut.scratch, cut.lead
        ),
    )


_MODES = ("default", "speed", "ram")
_SAVING = ("default", "size", "ram")
JOINED = Variant("joined", ("armv7m",), _lower_joined, _MODES)
JOINED_PACKED = Variant("joined_packed", ("armv7m",), _joined_packed, _SAVING)
SEGMENTS = Variant("segments", tuple(_FORMS), _lower_segments, _MODES)
SEGMENTS_PACKED = Variant("segments_packed", tuple(_FORMS), _segments_packed, _SAVING)
PACKED_FOR_SPEED = (replace(JOINED_PACKED, modes=("speed",)), replace(SEGMENTS_PACKED, modes=("speed",)))
"""The same where time counts more than flash: other ways come first."""
