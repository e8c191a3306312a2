"""FULLY_CONNECTED."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from midge.runtime.fixed_point import activation
from midge.runtime.graph import DType, Node
from midge.runtime.operators import variants
from midge.runtime.operators.dynamic import is_dynamic, lower_dynamic
from midge.runtime.operators.packing import interleave_by_four
from midge.runtime.operators.row import OperatorRow, constant, expect, expect_counts, option, require
from midge.runtime.operators.weighted import (
    check_weighted,
    clamp_params,
    factors,
    float_bias,
    folded_bias,
    output_params,
)
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target


@dataclass(frozen=True)
class FullyConnected:
    """Options of FULLY_CONNECTED."""

    fused_activation: int = option(0, "int8", 0)
    weights_format: int = option(1, "int8", 0)
    keep_num_dims: bool = option(2, "bool", False)
    asymmetric_quantize_inputs: bool = option(3, "bool", False)


def _check(node: Node) -> None:
    expect_counts(node, (2, 3))
    source, weights, output = node.input(0), node.input(1), node.output()
    require(node.attributes.weights_format == 0, "shuffled weights are not supported; convert with default options")
    expect(
        len(weights.shape) == 2 and all(n >= 1 for n in weights.shape),
        f"expected weights of shape [outputs, inputs], found {list(weights.shape)}",
    )
    channels, depth = weights.shape
    check_weighted(node, channels, 0, depth)
    if source.dtype == DType.INT8:
        factors(node)
    expect(
        source.elements >= 1 and source.elements % depth == 0,
        f"an input of shape {list(source.shape)} is no whole number of rows of {depth}",
    )
    batches = source.elements // depth
    expect(
        len(output.shape) >= 1 and output.shape[-1] == channels and output.elements == batches * channels,
        f"expected {batches} output rows of {channels}, found shape {list(output.shape)}",
    )


def _lower(node: Node, _: Target) -> tuple[KernelCall, ...]:
    weights = constant(node.input(1), "weights")
    channels, depth = weights.shape
    batches = node.input(0).elements // depth
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    window = Window(batches, 1, 1, depth, 1, 1, channels, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0)
    if is_dynamic(node):
        symmetric = not node.attributes.asymmetric_quantize_inputs
        return (lower_dynamic(node, window, weights, 1, symmetric),)
    sizes: dict[str, ParamValue] = {"batches": batches, "depth": depth, "output_channels": channels}
    if node.input(0).dtype == DType.FLOAT32:
        params: dict[str, ParamValue] = {
            **sizes,
            **clamp_params(node, activation(node.attributes.fused_activation)),
            "weights": interleave_by_four(weights),
            "bias": float_bias(node, channels),
        }
        return (KernelCall("midge_fully_connected_f32", params, inputs, outputs),)
    bias = folded_bias(node, weights, channels)
    params = {
        **sizes,
        "weights": interleave_by_four(weights),
        "bias": np.ascontiguousarray(bias),
        **output_params(node),
    }
    return (KernelCall("midge_fully_connected_s8", params, inputs, outputs),)


def _macs(node: Node) -> int:
    return node.output().elements * node.input(1).shape[1]


FULLY_CONNECTED = OperatorRow(
    "FULLY_CONNECTED",
    9,
    check=_check,
    lower=_lower,
    options=FullyConnected,
    options_type=8,
    variants=variants.FULLY_CONNECTED,
    macs=_macs,
)
