"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from midge.runtime.fixed_point import activation
from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.dynamic import is_dynamic, lower_dynamic, require_channel_scales
from midge.runtime.operators.packing import (
    WIDE_ARCHES,
    interleave_by_four,
    interleave_groups,
    pack_runs,
    pack_taps,
    pad_channels,
)
from midge.runtime.operators.row import OperatorRow, constant, expect, expect_counts, expect_shape, option
from midge.runtime.operators.weighted import check_weighted, clamp_params, float_bias, folded_bias, output_params
from midge.runtime.operators.window import Window, make_window, without_interior
from midge.runtime.program import KernelCall, ParamValue, Target

WIDE_LIMIT = 2**24
"""Most bytes of scratch for a padded int16 image; larger ones (huge dilations) take the kernel with a patch."""


@dataclass(frozen=True)
class Conv2D:
    """Options of CONV_2D."""

    padding: int = option(0, "int8", 0)
    stride_width: int = option(1, "int32", 0)
    stride_height: int = option(2, "int32", 0)
    fused_activation: int = option(3, "int8", 0)
    dilation_width: int = option(4, "int32", 1)
    dilation_height: int = option(5, "int32", 1)


@dataclass(frozen=True)
class DepthwiseConv2D:
    """Options of DEPTHWISE_CONV_2D."""

    padding: int = option(0, "int8", 0)
    stride_width: int = option(1, "int32", 0)
    stride_height: int = option(2, "int32", 0)
    depth_multiplier: int = option(3, "int32", 0)
    fused_activation: int = option(4, "int8", 0)
    dilation_width: int = option(5, "int32", 1)
    dilation_height: int = option(6, "int32", 1)


# ---- CONV_2D ------------------------------------------------------------------------------------------------------


def _conv_geometry(node: Node) -> Window:
    options: Conv2D = node.attributes
    output_channels, height, width, channels = node.input(1).shape
    return make_window(
        node.input(0),
        output_channels,
        (height, width),
        (options.stride_height, options.stride_width),
        (options.dilation_height, options.dilation_width),
        options.padding,
        direct=channels == node.input(0).shape[3] and (options.dilation_width == 1 or width == 1),
    )


def _conv_window(node: Node) -> Window:
    window = _conv_geometry(node)
    if (window.filter_height, window.filter_width, window.stride_height, window.stride_width) == (1, 1, 1, 1):
        return _flatten(window)
    return window


def _flatten(window: Window) -> Window:
    """Lay all pixels of all images in one row: the same for a 1x1 filter with stride 1, and fewer short loops."""
    pixels = window.batches * window.input_height * window.input_width
    return replace(
        window,
        batches=1,
        input_height=1,
        input_width=pixels,
        output_height=1,
        output_width=pixels,
        interior_bottom=min(window.interior_bottom, 1),
        interior_right=pixels if window.interior_right else 0,
    )


def _check_conv(node: Node) -> None:
    expect_counts(node, (2, 3))
    source, weights = node.input(0), node.input(1)
    expect(len(source.shape) == 4, f"expected an input of rank 4, found shape {list(source.shape)}")
    expect(len(weights.shape) == 4, f"expected weights of rank 4, found shape {list(weights.shape)}")
    expect(all(n >= 1 for n in weights.shape), f"weights shape {list(weights.shape)} has an empty dimension")
    output_channels, height, width, channels = weights.shape
    groups = source.shape[3] // channels
    expect(
        groups >= 1 and source.shape[3] == groups * channels and output_channels % groups == 0,
        f"weights {list(weights.shape)} do not divide an input of {source.shape[3]} channels into groups",
    )
    check_weighted(node, output_channels, 0, height * width * channels)
    if is_dynamic(node) and groups > 1:
        require_channel_scales(node, output_channels)
    window = _conv_geometry(node)
    shape = (source.shape[0], window.output_height, window.output_width, output_channels)
    expect_shape(node.output(), shape)


def _lower_conv(node: Node, target: Target) -> tuple[KernelCall, ...]:
    window = _conv_window(node)
    weights = constant(node.input(1), "weights")
    channels = weights.shape[3]
    groups = window.input_channels // channels
    rows = weights.reshape(window.output_channels, -1)
    if is_dynamic(node):
        # LiteRT quantizes the input symmetrically where one scale serves all weights.
        quantization = node.input(1).quantization
        symmetric = quantization is not None and quantization.per_tensor
        return (
            lower_dynamic(
                node, without_interior(_conv_geometry(node)), rows, groups, symmetric, scales_first=symmetric
            ),
        )
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    fused = activation(node.attributes.fused_activation)
    patch = 0 if window.all_interior else rows.shape[1]
    if node.input(0).dtype == DType.FLOAT32:
        params: dict[str, ParamValue] = {
            "window": window.as_param(),
            "filter_channels": channels,
            **clamp_params(node, fused),
            "weights": interleave_groups(rows, groups),
            "bias": float_bias(node, window.output_channels),
        }
        return (KernelCall("midge_conv_2d_f32", params, inputs, outputs, 4 * patch),)
    bias = folded_bias(node, rows, window.output_channels)
    if target.arch in WIDE_ARCHES and groups == 1:
        call = wide_conv(node, window, weights, bias, output_params(node))
        if call.scratch <= WIDE_LIMIT:
            return (call,)
    params = {
        "window": window.as_param(),
        "filter_channels": channels,
        "input_zero_point": _zero_point(node),
        "weights": interleave_groups(rows, groups),
        "bias": bias,
        **output_params(node),
    }
    return (KernelCall("midge_conv_2d_s8", params, inputs, outputs, patch),)


def wide_conv(node: Node, window: Window, weights: Array, bias: Array, output: dict[str, ParamValue]) -> KernelCall:
    """Return the call of the convolution for wide registers; `weights` is OHWI, int8, one group."""
    pixel = window.input_channels
    row = window.padded_width * pixel
    y = np.arange(window.filter_height, dtype=np.int64) * window.dilation_height * row
    if window.dilation_width == 1:
        runs = weights.reshape(window.output_channels, window.filter_height, -1)
        offsets = y
    else:
        runs = weights.reshape(window.output_channels, -1, pixel)
        x = np.arange(window.filter_width, dtype=np.int64) * window.dilation_width * pixel
        offsets = (y[:, None] + x[None, :]).ravel()
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "padded_height": window.padded_height,
        "padded_width": window.padded_width,
        "runs": runs.shape[1],
        "run_pairs": -(-runs.shape[2] // 2),
        "input_zero_point": _zero_point(node),
        "run_offsets": offsets.astype(np.int32),
        "weights": pack_runs(runs),
        "bias": pad_channels(bias),
        **pad_factors(output),
    }
    scratch = 2 * (window.padded_height * row + 1)
    return KernelCall("midge_conv_2d_wide_s8", params, (node.input_index(0),), node.operator.outputs, scratch)


def pad_factors(output: dict[str, ParamValue]) -> dict[str, ParamValue]:
    """Pad multipliers and shifts to whole blocks of channels if there is one per channel."""
    if not output["factor_step"]:
        return output
    padded = {
        name: pad_channels(value) for name in ("multiplier", "shift") if isinstance(value := output[name], np.ndarray)
    }
    return {**output, **padded}


def _zero_point(node: Node) -> int:
    quantization = node.input(0).quantization
    assert quantization is not None
    return quantization.zero_point


def _conv_macs(node: Node) -> int:
    _, height, width, channels = node.input(1).shape
    return node.output().elements * height * width * channels


CONV_2D = OperatorRow(
    "CONV_2D", 3, check=_check_conv, lower=_lower_conv, options=Conv2D, options_type=1, macs=_conv_macs
)


# ---- DEPTHWISE_CONV_2D ----------------------------------------------------------------------------------------------


def _depthwise_window(node: Node) -> Window:
    options: DepthwiseConv2D = node.attributes
    _, height, width, output_channels = node.input(1).shape
    return make_window(
        node.input(0),
        output_channels,
        (height, width),
        (options.stride_height, options.stride_width),
        (options.dilation_height, options.dilation_width),
        options.padding,
    )


def _check_depthwise(node: Node) -> None:
    expect_counts(node, (2, 3))
    source, weights = node.input(0), node.input(1)
    expect(len(source.shape) == 4, f"expected an input of rank 4, found shape {list(source.shape)}")
    expect(
        len(weights.shape) == 4 and weights.shape[0] == 1,
        f"expected weights of shape [1, height, width, channels], found {list(weights.shape)}",
    )
    expect(all(n >= 1 for n in weights.shape), f"weights shape {list(weights.shape)} has an empty dimension")
    _, height, width, output_channels = weights.shape
    channels = source.shape[3]
    multiplier = output_channels // channels if channels else 0
    expect(
        multiplier >= 1 and output_channels == multiplier * channels,
        f"{output_channels} output channels are no multiple of {channels} input channels",
    )
    declared = node.attributes.depth_multiplier
    expect(
        declared in (0, multiplier),
        f"the depth multiplier is {declared}, but {channels} input and {output_channels} output channels"
        f" give {multiplier}",
    )
    check_weighted(node, output_channels, 3, height * width)
    if is_dynamic(node):
        require_channel_scales(node, output_channels)
    window = _depthwise_window(node)
    expect_shape(node.output(), (source.shape[0], window.output_height, window.output_width, output_channels))


def _lower_depthwise(node: Node, target: Target) -> tuple[KernelCall, ...]:
    window = _depthwise_window(node)
    taps = constant(node.input(1), "weights").reshape(-1, window.output_channels)
    multiplier = window.output_channels // window.input_channels
    if is_dynamic(node):
        return (lower_dynamic(node, without_interior(window), np.ascontiguousarray(taps.T), window.input_channels),)
    packed = interleave_by_four(taps.T) if multiplier == 1 else np.ascontiguousarray(taps.T)
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    fused = activation(node.attributes.fused_activation)
    patch = 0 if window.all_interior else len(taps) * window.input_channels
    if node.input(0).dtype == DType.FLOAT32:
        params: dict[str, ParamValue] = {
            "window": window.as_param(),
            "depth_multiplier": multiplier,
            **clamp_params(node, fused),
            "weights": packed,
            "bias": float_bias(node, window.output_channels),
        }
        return (KernelCall("midge_depthwise_conv_2d_f32", params, inputs, outputs, 4 * patch),)
    bias = folded_bias(node, taps.T, window.output_channels)
    if target.arch in WIDE_ARCHES and multiplier == 1:
        call = _wide_depthwise(node, window, taps, bias)
        if call.scratch <= WIDE_LIMIT:
            return (call,)
    params = {
        "window": window.as_param(),
        "depth_multiplier": multiplier,
        "input_zero_point": _zero_point(node),
        "weights": packed,
        "bias": bias,
        **output_params(node),
    }
    return (KernelCall("midge_depthwise_conv_2d_s8", params, inputs, outputs, patch),)


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
        "input_zero_point": _zero_point(node),
        "tap_offsets": offsets.astype(np.int32),
        "weights": pack_taps(taps),
        "bias": pad_channels(bias),
        **pad_factors(output_params(node)),
    }
    scratch = 2 * (window.padded_height * row + 7)
    return KernelCall("midge_depthwise_conv_2d_wide_s8", params, (node.input_index(0),), node.operator.outputs, scratch)


def _depthwise_macs(node: Node) -> int:
    _, height, width, _ = node.input(1).shape
    return node.output().elements * height * width


DEPTHWISE_CONV_2D = OperatorRow(
    "DEPTHWISE_CONV_2D",
    4,
    check=_check_depthwise,
    lower=_lower_depthwise,
    options=DepthwiseConv2D,
    options_type=2,
    macs=_depthwise_macs,
)
