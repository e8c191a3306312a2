"""The geometry of CONV_2D and DEPTHWISE_CONV_2D: their options and windows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from midge.runtime.graph import Node
from midge.runtime.operators.row import option
from midge.runtime.operators.window import Padding, Window, make_window


@dataclass(frozen=True)
class Conv2D:
    """Options of CONV_2D."""

    padding: int = option(0, "int8", 0)
    stride_width: int = option(1, "int32", 0)
    stride_height: int = option(2, "int32", 0)
    fused_activation: int = option(3, "int8", 0)
    dilation_width: int = option(4, "int32", 1)
    dilation_height: int = option(5, "int32", 1)
    explicit_padding: Padding | None = None
    """Set by passes, never by a file: takes the place of `padding`."""


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
    explicit_padding: Padding | None = None
    """Set by passes, never by a file: takes the place of `padding`."""


def conv_geometry(node: Node) -> Window:
    """Return the window of a CONV_2D as its file gives it."""
    options: Conv2D = node.attributes
    output_channels, height, width, channels = node.input(1).shape
    return make_window(
        node.input(0),
        output_channels,
        (height, width),
        (options.stride_height, options.stride_width),
        (options.dilation_height, options.dilation_width),
        options.padding if options.explicit_padding is None else options.explicit_padding,
        direct=channels == node.input(0).shape[3] and (options.dilation_width == 1 or width == 1),
    )


def conv_window(node: Node) -> Window:
    """Return the window of a CONV_2D; a 1x1 filter of stride 1 slides over one long row of all pixels."""
    window = conv_geometry(node)
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


def depthwise_window(node: Node) -> Window:
    """Return the window of a DEPTHWISE_CONV_2D."""
    options: DepthwiseConv2D = node.attributes
    _, height, width, output_channels = node.input(1).shape
    return make_window(
        node.input(0),
        output_channels,
        (height, width),
        (options.stride_height, options.stride_width),
        (options.dilation_height, options.dilation_width),
        options.padding if options.explicit_padding is None else options.explicit_padding,
    )


def input_zero_point(node: Node) -> int:
    """Return the zero point of an int8 input, which is also what padding means."""
    quantization = node.input(0).quantization
    assert quantization is not None
    return quantization.zero_point
