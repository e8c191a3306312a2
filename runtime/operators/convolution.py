"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

import numpy as np

from midge.runtime.fixed_point import activation
from midge.runtime.graph import DType, Node
from midge.runtime.operators import variants
from midge.runtime.operators.conv_geometry import (
    Conv2D,
    DepthwiseConv2D,
    conv_geometry,
    conv_window,
    depthwise_window,
    input_zero_point,
)
from midge.runtime.operators.dynamic import is_dynamic, lower_dynamic, require_channel_scales
from midge.runtime.operators.lead import pixel_lead
from midge.runtime.operators.packing import interleave_by_four, interleave_groups
from midge.runtime.operators.row import OperatorRow, constant, expect, expect_counts, expect_shape
from midge.runtime.operators.weighted import check_weighted, clamp_params, float_bias, folded_bias, output_params
from midge.runtime.operators.window import without_interior
from midge.runtime.program import KernelCall, ParamValue, Target

# ---- CONV_2D ------------------------------------------------------------------------------------------------------


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
    window = conv_geometry(node)
    shape = (source.shape[0], window.output_height, window.output_width, output_channels)
    expect_shape(node.output(), shape)


def _lower_conv(node: Node, _: Target) -> tuple[KernelCall, ...]:
    window = conv_window(node)
    weights = constant(node.input(1), "weights")
    channels = weights.shape[3]
    groups = window.input_channels // channels
    rows = weights.reshape(window.output_channels, -1)
    if is_dynamic(node):
        # LiteRT quantizes the input symmetrically where one scale serves all weights.
        quantization = node.input(1).quantization
        symmetric = quantization is not None and quantization.per_tensor
        return (
            lower_dynamic(node, without_interior(conv_geometry(node)), rows, groups, symmetric, scales_first=symmetric),
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
        return (KernelCall("midge_conv_2d_f32", params, inputs, outputs, 4 * patch, pixel_lead(window, 4)),)
    bias = folded_bias(node, rows, window.output_channels)
    params = {
        "window": window.as_param(),
        "filter_channels": channels,
        "input_zero_point": input_zero_point(node),
        "weights": interleave_groups(rows, groups),
        "bias": bias,
        **output_params(node),
    }
    return (KernelCall("midge_conv_2d_s8", params, inputs, outputs, patch, pixel_lead(window)),)


def _conv_macs(node: Node) -> int:
    _, height, width, channels = node.input(1).shape
    return node.output().elements * height * width * channels


CONV_2D = OperatorRow(
    "CONV_2D",
    3,
    check=_check_conv,
    lower=_lower_conv,
    options=Conv2D,
    options_type=1,
    variants=variants.CONV_2D,
    macs=_conv_macs,
)


# ---- DEPTHWISE_CONV_2D ----------------------------------------------------------------------------------------------


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
    window = depthwise_window(node)
    expect_shape(node.output(), (source.shape[0], window.output_height, window.output_width, output_channels))


def _lower_depthwise(node: Node, _: Target) -> tuple[KernelCall, ...]:
    window = depthwise_window(node)
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
        return (KernelCall("midge_depthwise_conv_2d_f32", params, inputs, outputs, 4 * patch, pixel_lead(window, 4)),)
    bias = folded_bias(node, taps.T, window.output_channels)
    params = {
        "window": window.as_param(),
        "depth_multiplier": multiplier,
        "input_zero_point": input_zero_point(node),
        "weights": packed,
        "bias": bias,
        **output_params(node),
    }
    return (KernelCall("midge_depthwise_conv_2d_s8", params, inputs, outputs, patch, pixel_lead(window)),)


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
    variants=variants.DEPTHWISE_CONV_2D,
    macs=_depthwise_macs,
)
