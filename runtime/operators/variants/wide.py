"""Convolutions for processors with wide registers: a padded int16 copy of the image, eight channels at a time."""

from __future__ import annotations

import numpy as np

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window, depthwise_window, input_zero_point
from midge.runtime.operators.packing import pack_runs, pack_taps, pad_channels
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants.padded import list_runs, one_row, pad_factors
from midge.runtime.operators.weighted import folded_bias, output_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

_ARCHES = ("x86_64",)
_DEPTHWISE_ARCHES = ("x86_64", "aarch64")

WIDE_LIMIT = 2**24
"""Most bytes of scratch for a padded int16 image; larger ones (huge dilations) take the kernel with a patch."""


def _is_int8(node: Node) -> bool:
    return node.input(0).dtype == DType.INT8


def _within_limit(call: KernelCall) -> tuple[KernelCall, ...] | None:
    return (call,) if call.scratch <= WIDE_LIMIT else None


def _lower_conv(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    weights = constant(node.input(1), "weights")
    if not _is_int8(node) or weights.shape[3] != node.input(0).shape[3]:
        return None
    bias = folded_bias(node, weights.reshape(weights.shape[0], -1), weights.shape[0])
    return _within_limit(_wide_conv(node, conv_window(node), weights, bias))


def _lower_fully_connected(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    if not _is_int8(node):
        return None
    weights = constant(node.input(1), "weights")
    channels, depth = weights.shape
    window = one_row(node.input(0).elements // depth, depth, channels)
    bias = folded_bias(node, weights, channels)
    return _within_limit(_wide_conv(node, window, weights.reshape(channels, 1, 1, depth), bias))


def _lower_depthwise(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    window = depthwise_window(node)
    if not _is_int8(node) or window.output_channels != window.input_channels:
        return None
    taps = constant(node.input(1), "weights").reshape(-1, window.output_channels)
    return _within_limit(_wide_depthwise(node, window, taps, folded_bias(node, taps.T, window.output_channels)))


def _wide_conv(node: Node, window: Window, weights: Array, bias: Array) -> KernelCall:
    """Return the call of the convolution for wide registers; `weights` is OHWI, int8, one group."""
    row = window.padded_width * window.input_channels
    runs, offsets = list_runs(window, weights)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "padded_height": window.padded_height,
        "padded_width": window.padded_width,
        "runs": runs.shape[1],
        "run_pairs": -(-runs.shape[2] // 2),
        "input_zero_point": input_zero_point(node),
        "run_offsets": offsets,
        "weights": pack_runs(runs),
        "bias": pad_channels(bias),
        **pad_factors(output_params(node)),
    }
    scratch = 2 * (window.padded_height * row + 1)
    return KernelCall("midge_conv_2d_wide_s8", params, (node.input_index(0),), node.operator.outputs, scratch)


def _wide_depthwise(node: Node, window: Window, taps: Array, bias: Array) -> KernelCall:
    pixel = window.input_channels
    row = window.padded_width * pixel
    y = np.arange(window.filter_height, dtype=np.int64) * window.dilation_height * row
    x = np.arange(window.filter_width, dtype=np.int64) * window.dilation_width * pixel
    offsets = (y[:, None] + x[None, :]).ravel()
    if len(offsets) % 2:
        offsets = np.append(offsets, offsets[-1])
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "padded_height": window.padded_height,
        "padded_width": window.padded_width,
        "taps": len(offsets),
        "input_zero_point": input_zero_point(node),
        "tap_offsets": offsets.astype(np.int32),
        "weights": pack_taps(taps),
        "bias": pad_channels(bias),
        **pad_factors(output_params(node)),
    }
    scratch = 2 * (window.padded_height * row + 7)
    return KernelCall("midge_depthwise_conv_2d_wide_s8", params, (node.input_index(0),), node.operator.outputs, scratch)


CONV_2D = Variant("wide", _ARCHES, _lower_conv)
DEPTHWISE_CONV_2D = Variant("wide", _DEPTHWISE_ARCHES, _lower_depthwise)
FULLY_CONNECTED = Variant("wide", _ARCHES, _lower_fully_connected)
