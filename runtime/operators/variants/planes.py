"""Depthwise convolution of channels one after the other, each in a plane of int16 pairs; see kernels.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import depthwise_window, input_zero_point
from midge.runtime.operators.row import constant
from midge.runtime.operators.single_rounding import single_rounding
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, factors, folded_bias, output_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

_ARCHES = ("armv7em",)
GROUP = 4
"""Channels whose planes lie in scratch at a time."""
BAND_LIMIT = 4096
"""Bytes of planes that a band of rows may take, where fewer rows would do."""
MAX_TAPS = 128
"""Most taps of a filter; their expanded weights lie in scratch too."""


def _lower(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    window = _upright(depthwise_window(node))
    if (
        node.input(0).dtype != DType.INT8
        or window.output_channels != window.input_channels
        or (window.dilation_height, window.dilation_width) != (1, 1)
        or window.stride_height > 2
        or window.filter_height * window.filter_width > MAX_TAPS
    ):
        return None
    taps = constant(node.input(1), "weights").reshape(-1, window.output_channels)
    rows = np.ascontiguousarray(taps.T)
    output = output_params(node)
    if (output["activation_min"], output["activation_max"]) != (-128, 127):
        return None
    zero_point = output["output_zero_point"]
    assert isinstance(zero_point, int)
    single, records = _records(node, rows, zero_point)
    if records is None:
        return None
    geometry = _geometry(window)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        **geometry,
        "input_zero_point": input_zero_point(node),
        "single_rounding": int(single),
        "weights": rows,
        "records": records,
    }
    planes = min(GROUP, window.input_channels) * geometry["plane_words"]
    scratch = 4 * (planes + geometry["weight_words"])
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall("midge_depthwise_conv_2d_planes_s8", params, inputs, outputs, scratch, in_place=True),)


def _upright(window: Window) -> Window:
    """Let a single row of pixels run downwards: the same memory, and pairs of pixels one below the other."""
    if window.input_height > 1 or window.filter_height > 1:
        return window
    return replace(
        window,
        input_height=window.input_width,
        input_width=1,
        output_height=window.output_width,
        output_width=1,
        filter_height=window.filter_width,
        filter_width=1,
        stride_height=window.stride_width,
        stride_width=1,
        dilation_height=window.dilation_width,
        dilation_width=1,
        padding_top=window.padding_left,
        padding_left=0,
        interior_top=window.interior_left,
        interior_bottom=window.interior_right,
        interior_left=window.interior_top,
        interior_right=window.interior_bottom,
    )


def _records(node: Node, rows: Array, zero_point: int) -> tuple[bool, Array | None]:
    """Return whether one rounding does, and the constants of every channel."""
    records = channel_records(node, rows)
    if records is None:
        return False, None
    multiplier, shift = (np.broadcast_to(values, len(rows)) for values in factors(node))
    if zero_point == -128:
        joined = single_rounding(folded_bias(node, rows, len(rows)), multiplier, shift, rows, zero_point)
        if joined is not None:
            return True, joined
    right = records[:, 2].astype(np.int64)
    rounding = (2 * zero_point + 1) << (right - 1)
    return False, np.stack([records[:, 0], records[:, 1], rounding, right], axis=1).astype(np.int32)


def _geometry(window: Window) -> dict[str, int]:
    """Return the extents of planes and expanded weights, in words, as the parameters are named."""
    height, width = window.filter_height, window.filter_width
    both = window.stride_height == 1
    pairs = -(-window.output_height // 2) if both else window.output_height
    reach = -(-(height + both) // 2)
    total = pairs + reach - 1
    if both and (window.input_width, width, window.output_width) == (1, 1, 1):
        return {
            "shape": 2,
            "reach": reach,
            "band_pairs": total,
            "pitch": 1,
            "plane_words": total + pairs % 2,
            "weight_words": 2 * reach,
        }
    pitch = window.padded_width + (window.output_width % 2) * window.stride_width
    row_bytes = 4 * pitch * min(GROUP, window.input_channels)
    band = min(total, max(reach, BAND_LIMIT // row_bytes))
    fast = (height, width) == (3, 3) and window.stride_width == window.stride_height
    return {
        "shape": int(fast),
        "reach": reach,
        "band_pairs": band,
        "pitch": pitch,
        "plane_words": band * pitch,
        "weight_words": 0 if fast else 2 * reach * width,
    }


DEPTHWISE_CONV_2D = Variant("planes", _ARCHES, _lower)
