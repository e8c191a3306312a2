"""Convolutions for processors with dot products of four bytes: a padded copy of the image, eight channels at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window, input_zero_point
from midge.runtime.operators.packing import WIDE_CHANNELS, pad_channels, round_up
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants.padded import list_runs, one_row, pad_factors
from midge.runtime.operators.weighted import folded_bias, output_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

_ARCHES = ("aarch64",)

_LIMIT = 2**24
"""Most bytes of scratch for a padded image; larger ones (huge dilations) take the kernel with a patch."""


def _lower_conv(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    weights = constant(node.input(1), "weights")
    if node.input(0).dtype != DType.INT8 or weights.shape[3] != node.input(0).shape[3]:
        return None
    return _lower(node, conv_window(node), weights)


def _lower_fully_connected(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    weights = constant(node.input(1), "weights")
    channels, depth = weights.shape
    window = one_row(node.input(0).elements // depth, depth, channels)
    return _lower(node, window, weights.reshape(channels, 1, 1, depth))


def _lower(node: Node, window: Window, weights: Array) -> tuple[KernelCall, ...] | None:
    scratch = window.padded_height * window.padded_width * window.input_channels + 3
    if scratch > _LIMIT:
        return None
    runs, offsets = list_runs(window, weights)
    bias = folded_bias(node, weights.reshape(window.output_channels, -1), window.output_channels)
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "padded_height": window.padded_height,
        "padded_width": window.padded_width,
        "runs": runs.shape[1],
        "run_quads": -(-runs.shape[2] // 4),
        "input_zero_point": input_zero_point(node),
        "run_offsets": offsets,
        "weights": _pack(runs),
        "bias": pad_channels(bias),
        **pad_factors(output_params(node)),
    }
    return (KernelCall("midge_conv_2d_dot_s8", params, (node.input_index(0),), node.operator.outputs, scratch),)


def _pack(runs: Array) -> npt.NDArray[np.int8]:
    """Pack (channels, runs, length) to (ceil(channels / 8), runs, ceil(length / 4), 8, 4), zeros where nothing was."""
    channels, count, length = runs.shape
    padded = np.zeros((round_up(channels), count, -(-length // 4) * 4), dtype=np.int8)
    padded[:channels, :, :length] = runs
    blocks = padded.reshape(-1, WIDE_CHANNELS, count, padded.shape[2] // 4, 4)
    return np.ascontiguousarray(blocks.transpose(0, 2, 3, 1, 4))


CONV_2D = Variant("dot", _ARCHES, _lower_conv)
FULLY_CONNECTED = Variant("dot", _ARCHES, _lower_fully_connected)
