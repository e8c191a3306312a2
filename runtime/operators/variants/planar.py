"""Depthwise convolutions channel by channel, for processors without SIMD; see src/depthwise_conv_2d_planar_s8.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from midge.runtime.fixed_point import activation
from midge.runtime.graph import DType, Node
from midge.runtime.operators.conv_geometry import depthwise_window, input_zero_point
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, clamp_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

LARGEST_PLANE = 2**14
"""Most bytes of scratch for one channel; larger images (and huge dilations) take another kernel."""
_UNSIGNED_ARCHES = ("armv6m",)
"""Where a byte with an offset from a register is loaded faster without its sign."""
_TOGETHER = 4
"""Pixels of a row that the inner loops take at a time."""


def _lower_depthwise(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    window = depthwise_window(node)
    weights = constant(node.input(1), "weights")[0].transpose(2, 0, 1)
    steps = (window.input_width * window.input_channels, window.input_channels)
    output_steps = (window.output_width * window.output_channels, window.output_channels)
    if _cost(window.output_height, window.input_height, window.output_width) > _cost(
        window.output_width, window.input_width, window.output_height
    ):
        window, weights = _transposed(window), weights.transpose(0, 2, 1)
        steps, output_steps = steps[::-1], output_steps[::-1]
    if window.dilation_width > 1:
        return None
    rows = weights.reshape(window.output_channels, -1)
    records = channel_records(node, rows)
    plane = window.padded_height * window.padded_width
    if records is None or plane > LARGEST_PLANE:
        return None
    offset = 128 if target.arch in _UNSIGNED_ARCHES else 0
    records[:, 0] -= np.int32(offset) * rows.sum(axis=1, dtype=np.int32)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "padded_height": window.padded_height,
        "padded_width": window.padded_width,
        "input_row_step": steps[0],
        "input_column_step": steps[1],
        "output_row_step": output_steps[0],
        "output_column_step": output_steps[1],
        "input_zero_point": input_zero_point(node),
        "input_offset": offset,
        "weights": np.ascontiguousarray(rows),
        "records": records,
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }
    scratch = 4 * (rows.shape[1] + window.output_width) + plane
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    call = KernelCall("midge_depthwise_conv_2d_planar_s8", params, inputs, outputs, scratch, in_place=_in_place(window))
    return (call,)


def _in_place(window: Window) -> bool:
    """Whether a channel's outputs, wherever the pixels are, lie only where inputs of the same channel did.

    The channel of this image has then been copied. The next image must not have been reached.
    """
    pixels, output_pixels = window.input_height * window.input_width, window.output_height * window.output_width
    return window.input_channels == window.output_channels and (window.batches == 1 or output_pixels <= pixels)


def _cost(rows: int, input_rows: int, width: int) -> int:
    """Return about how many instructions the rows of an image take: some per row, many per pixel that is left over."""
    return rows * (8 + width // _TOGETHER * _TOGETHER + 2 * (width % _TOGETHER)) + 2 * input_rows


def _transposed(window: Window) -> Window:
    """Return the geometry with rows and columns in each other's place."""
    return replace(
        window,
        input_height=window.input_width,
        input_width=window.input_height,
        output_height=window.output_width,
        output_width=window.output_height,
        filter_height=window.filter_width,
        filter_width=window.filter_height,
        stride_height=window.stride_width,
        stride_width=window.stride_height,
        dilation_height=window.dilation_width,
        dilation_width=window.dilation_height,
        padding_top=window.padding_left,
        padding_left=window.padding_top,
        interior_top=window.interior_left,
        interior_bottom=window.interior_right,
        interior_left=window.interior_top,
        interior_right=window.interior_bottom,
    )


PLANAR = Variant("planar", ("armv6m", "armv7m", "riscv"), _lower_depthwise, ("default", "speed", "ram"))
