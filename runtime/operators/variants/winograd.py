"""3x3 convolutions of stride 1 by Winograd's F(2x2, 3x3) in exact integers (see kernels/src/winograd.h)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_geometry, input_zero_point
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants.row_bands import lead, scratch_limit
from midge.runtime.operators.weighted import channel_records, output_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

_TWICE_G = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]], np.int64)
_PLACES = 16
_TILES = 4
"""Tiles that are multiplied at a time."""
_DIRECT = 0.65
"""Instructions per multiply-accumulate of other ways (see fields.py), which this one has to beat."""


def _lower_conv(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    weights = constant(node.input(1), "weights")
    window = conv_geometry(node)
    macs = weights.size * window.output_height * window.output_width
    if not _fits(window, weights) or _instructions(window) > _DIRECT * macs:
        return None
    scratch = _scratch(window)
    rows = weights.reshape(window.output_channels, -1)
    records = channel_records(node, rows)
    if records is None or scratch > scratch_limit(node, target.optimize):
        return None
    if 4 * 128 * int(np.abs(rows.astype(np.int64)).sum(axis=1).max()) >= 2**31:
        return None
    output = output_params(node)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "input_zero_point": input_zero_point(node),
        "weights": _transform(weights),
        "records": records,
        **{name: output[name] for name in ("output_zero_point", "activation_min", "activation_max")},
    }
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_conv_2d_winograd_s8", params, inputs, outputs, scratch, lead(window, 2)),)


def _fits(window: Window, weights: Array) -> bool:
    """Whether the kernel covers a layer's geometry."""
    filter_ = (window.filter_height, window.filter_width)
    steps = (window.stride_height, window.stride_width, window.dilation_height, window.dilation_width)
    return (
        filter_ == (3, 3)
        and steps == (1, 1, 1, 1)
        and weights.shape[3] == window.input_channels
        and window.input_channels % 8 == 0
        and window.output_channels % 2 == 0
    )


def _transform(weights: Array) -> npt.NDArray[np.int32]:
    """Transform filters, OHWI, and pack pairs of input channels: shape (outputs / 2, 16, inputs / 2, 2)."""
    outputs, _, _, inputs = weights.shape
    transformed = np.einsum("yi,oijc,xj->oxyc", _TWICE_G, weights.astype(np.int64), _TWICE_G)
    # Channels 0 and 2, then 1 and 3, of every four.
    pairs = transformed.reshape(outputs // 2, 2, _PLACES, inputs // 4, 2, 2).swapaxes(4, 5)
    low, high = pairs[..., 0], pairs[..., 1]
    words = (low & 0xFFFF) | (high << 16)
    packed = words.reshape(outputs // 2, 2, _PLACES, inputs // 2).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(packed.astype(np.int32))


def _tiles(window: Window) -> tuple[int, int]:
    """Return the tiles of a row of tiles, and the blocks that they are multiplied in."""
    tiles = -(-window.output_width // 2)
    return tiles, -(-tiles // _TILES)


def _scratch(window: Window) -> int:
    tiles, blocks = _tiles(window)
    transformed = 2 * _PLACES * _TILES * window.input_channels * blocks
    products = 4 * _PLACES * _TILES * 2
    return transformed + products + 8 * window.input_channels * (tiles + 1)


def _instructions(window: Window) -> float:
    """Estimate the instructions for one image, counted in the Armv7E-M loops and what GCC makes of the C around."""
    tiles, blocks = _tiles(window)
    words = window.input_channels / 2
    copy = 6 * words * (tiles + 1)
    transform = words * (73 * tiles + 60)
    multiply = blocks * (_PLACES * (11.5 * words + 14) + 40)
    finish = 77 * tiles + 40 * blocks
    per_row = copy + transform + window.output_channels * (multiply / 2 + finish)
    return -(-window.output_height // 2) * per_row


CONV_2D = Variant("winograd", ("armv7em",), _lower_conv, ("speed",))
