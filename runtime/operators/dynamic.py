"""Layers with float activations and int8 weights: what TensorFlow's dynamic-range quantization writes.

Convolutions, depthwise convolutions (one group per channel) and fully connected layers (each row an image of one pixel)
run on one kernel, which quantizes its input on the fly as LiteRT's reference kernels do.
"""

from __future__ import annotations

import numpy as np

from midge.runtime.fixed_point import activation
from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.packing import interleave_groups
from midge.runtime.operators.row import require
from midge.runtime.operators.weighted import clamp_params, float_bias
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue


def is_dynamic(node: Node) -> bool:
    """Whether an operator has float activations and int8 weights."""
    return node.input(0).dtype == DType.FLOAT32 and node.input(1).dtype == DType.INT8


def require_channel_scales(node: Node, output_channels: int) -> None:
    """Refuse weights that share one scale, as LiteRT does for convolutions in groups.

    Raises:
        UnsupportedError: they do.
    """
    quantization = node.input(1).quantization
    require(
        quantization is not None and len(quantization.scales) == output_channels,
        "int8 weights in groups with float32 activations need one scale per output channel",
    )


def lower_dynamic(
    node: Node, window: Window, rows: Array, groups: int, symmetric: bool = False, scales_first: bool = True
) -> KernelCall:
    """Return the kernel call.

    Args:
        node: the operator.
        window: its geometry, without an interior.
        rows: int8 weights, shape (output channels, products in a sum).
        groups: number of groups.
        symmetric: whether the quantized input has zero point 0.
        scales_first: whether weight and input scale are multiplied before the sum is, in LiteRT's order.
    """
    quantization = node.input(1).quantization
    assert quantization is not None
    channels = window.output_channels
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "filter_channels": window.input_channels // groups,
        "symmetric": int(symmetric),
        "scales_first": int(scales_first),
        **clamp_params(node, activation(node.attributes.fused_activation)),
        "weights": interleave_groups(rows, groups),
        "weight_sums": rows.astype(np.int32).sum(axis=1, dtype=np.int32),
        "weight_scales": np.broadcast_to(quantization.scales, (channels,)).astype(np.float32),
        "bias": float_bias(node, channels),
    }
    scratch = window.input_height * window.input_width * window.input_channels + rows.shape[1]
    return KernelCall("midge_conv_2d_dynamic_f32", params, (node.input_index(0),), node.operator.outputs, scratch)
