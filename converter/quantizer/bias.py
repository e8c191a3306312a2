"""Biases that make up for what quantized weights and inputs add to a layer's output on average."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from midge.converter.data import Dataset
from midge.converter.quantizer.execute import Stepper, each_sample
from midge.converter.quantizer.integer import IntegerNetwork
from midge.converter.quantizer.rules import RULES
from midge.converter.quantizer.scales import MAX_BIAS
from midge.converter.quantizer.weighted import InputMeans, Means, weights_of
from midge.runtime.graph import Array, Graph, Node, Operator, Quantization

SAMPLES = 128
"""On which means are taken."""


def correct_biases(
    network: IntegerNetwork, data: Dataset, say: Callable[[str], None] = lambda _: None
) -> IntegerNetwork:
    """Move the bias of each layer so that the mean of its sums is that of the float network.

    Layer by layer, in order of execution: the sums are ``W x`` with the float network's weights and inputs against
    those with the stored weights and what the corrected layers before hand on.

    Args:
        network: quantized; layers without a bias stay as they are.
        data: typical inputs, of which `SAMPLES` serve.
        say: told each layer.

    Raises:
        UnsupportedError: Midge has no kernel for an operator.
    """
    part = data.first(SAMPLES)
    wanted = {op.outputs: _sums(means) for op, means in input_means(network.exact, part).items()}
    graph, stepper = network.graph, Stepper(network.graph, part)
    for place, node in enumerate(network.graph.nodes()):
        if node.operator.outputs not in wanted or node.optional_input(2) is None:
            continue
        say(f"correcting the biases of layer {place + 1} of {len(graph.operators)}")
        stepper.run_to(graph, place)
        means = InputMeans(node)
        means.add(stepper.real(graph, node.input_index(0)))
        graph = _move(graph, node, wanted[node.operator.outputs] - _sums(means))
    return network.replace(graph=graph)


def input_means(exact: Graph, data: Dataset) -> dict[Operator, InputMeans]:
    """Return the mean inputs of each operator with weights of a float graph."""
    found = {op: InputMeans(Node(exact, op)) for ops in weights_of(exact).values() for op in ops}
    for interpreter in each_sample(exact, data):
        for means in found.values():
            means.add(interpreter.tensor(means.node.input_index(0)))
    return found


def expect_biases(network: IntegerNetwork, means: Mapping[Operator, InputMeans]) -> IntegerNetwork:
    """Move the bias of each layer by the mean error that its stored weights make with the float network's inputs.

    A quick stand-in for `correct_biases`, which sees the errors of the inputs, too.

    Args:
        network: quantized; layers without a bias stay as they are.
        means: as `input_means` returns them for its float graph.
    """
    found = {op.outputs: (op, mean) for op, mean in means.items()}
    graph = network.graph
    for node in network.graph.nodes():
        if node.operator.outputs in found and node.optional_input(2) is not None:
            op, mean = found[node.operator.outputs]
            change = _real_weights(Node(network.exact, op)) - _real_weights(node)
            graph = _move(graph, node, mean.sums(change))
    return network.replace(graph=graph)


def _sums(means: InputMeans) -> Means:
    """Return the mean sum of each output channel, bias and all, before the activation, in real units."""
    return means.sums(_real_weights(means.node)) + _real_bias(means.node)


def _real_weights(node: Node) -> Array:
    weights, axis = node.input(1), RULES[node.operator.kind].channel_axis
    assert weights.data is not None and axis is not None
    if weights.quantization is None:
        return weights.data
    shape = [1] * weights.data.ndim
    shape[axis] = -1
    real: Array = weights.data * weights.quantization.scales.astype(np.float64).reshape(shape)
    return real


def _real_bias(node: Node) -> Means | float:
    bias = node.optional_input(2)
    if bias is None:
        return 0.0
    assert bias.data is not None
    values: Means = bias.data.ravel().astype(np.float64)
    return values if bias.quantization is None else values * _products(node)


def _products(node: Node) -> Means:
    """Return the scale of a layer's sums: its input's times its weights'."""
    scales = [tensor.quantization for tensor in (node.input(0), node.input(1))]
    assert all(isinstance(quantization, Quantization) for quantization in scales)
    one, other = (q.scales.astype(np.float64) for q in scales if q is not None)
    products: Means = one * other
    return products


def _move(graph: Graph, node: Node, change: Means) -> Graph:
    tensors, index = list(graph.tensors), node.input_index(2)
    bias = tensors[index]
    assert bias.data is not None
    moved = bias.data.ravel().astype(np.float64) + np.round(change / _products(node))
    data = np.clip(moved, -MAX_BIAS, MAX_BIAS).astype(np.int32).reshape(bias.shape)
    data.flags.writeable = False
    tensors[index] = dataclasses.replace(bias, data=data)
    return graph.replace(tensors=tuple(tensors))
