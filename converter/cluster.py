"""Codebooks of integers: few distinct weights in each layer, whose scales stay per channel. Imports TensorFlow."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from midge.converter.codebook import best_codebook, nearest
from midge.converter.context import Context, State
from midge.converter.data import Dataset
from midge.converter.layer_errors import LayerNames
from midge.converter.qat.operators import WEIGHTED
from midge.converter.qat.operators.call import scale_of, zero_point_of
from midge.converter.qat.simulator import CHANNEL_AXES, Simulator
from midge.converter.quantizer.integer import Grid, IntegerNetwork
from midge.converter.steps import Cluster
from midge.runtime.errors import ConversionError
from midge.runtime.graph import Array, DType, Node, Quantization, Tensor
from midge.runtime.operators.few_values import pays

SAMPLES = 128
"""On which it is measured how much each input of a layer matters."""
BATCH = 16
ROUNDS = 4
"""Codebook and scales are chosen in turn."""
SCALE_LIMIT = 2.0
"""How much a scale may change."""

Moments = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Mean and mean square of each input (channel) of a layer, in real units."""


@dataclasses.dataclass(frozen=True)
class LayerCodebook:
    """What clustering did to a layer."""

    name: str
    values: int
    """Distinct weights now."""
    weights: int
    """Number of weights."""
    error: float
    """Root mean square of the change of the layer's sums over that of the sums, as if all inputs were independent."""


def run(step: Cluster, state: State, context: Context) -> State:
    """Restrict each layer's weights to a codebook; see `Cluster`.

    Raises:
        ConversionError: The network was not quantized by Midge.
        UnsupportedError: Midge cannot evaluate an operator.
    """
    if state.integer is None:
        raise ConversionError(
            f"{context.name}: clustering needs a network that Midge's own quantizer takes, but TensorFlow had to "
            "quantize this one; use the recipe int8, or replace the layers that conversion names"
        )
    data = context.calibration or context.training_data()
    context.say("clustering weights")
    network, layers = cluster_weights(state.integer, data, step.values)
    names = LayerNames(*state.network.layer_names())
    found = [{**dataclasses.asdict(layer), "name": names.layer_of(layer.name)} for layer in layers]
    context.notes.append({"kind": "cluster", "values": step.values, "layers": found})
    return state.replace(integer=network)


def cluster_weights(
    network: IntegerNetwork, data: Dataset, values: int = 16
) -> tuple[IntegerNetwork, list[LayerCodebook]]:
    """Give each layer of a quantized network a codebook of integers, and move its biases by the mean error that makes.

    Weights are weighed by what they contribute: the square of their channel's scale and the mean square of their
    input. Layers whose indices and codebook would not be worth it stay as they are, those with int4 weights too.

    Args:
        network: quantized; its scales of weights change a little.
        data: typical inputs.
        values: at most so many distinct weights in a layer.

    Raises:
        UnsupportedError: an operator cannot be evaluated.
    """
    moments = _measure(network, data)
    tensors, grids = list(network.graph.tensors), dict(network.grids)
    users: dict[int, list[Node]] = {}
    for node in network.graph.nodes():
        if node.operator.kind in WEIGHTED:
            users.setdefault(node.input_index(1), []).append(node)
    layers = []
    for index, nodes in users.items():
        tensor = tensors[index]
        if tensor.dtype is not DType.INT8 or not pays(tensor.elements, (tensor.elements + 1) // 2 + values):
            continue
        axis = CHANNEL_AXES[nodes[0].operator.kind]
        found = [moments[node.operator.outputs[0]] for node in nodes]
        mean, square = (np.mean([_spread(node, m[k]) for node, m in zip(nodes, found, strict=True)], 0) for k in (0, 1))
        keep_zeros = index in grids and grids[index].keep_zeros
        exact = network.exact.tensors[index].data if index < len(network.exact.tensors) else None
        new, codebook = _cluster(tensor, exact, np.broadcast_to(square, tensor.shape), values, axis, keep_zeros)
        tensors[index] = new
        grids[index] = Grid(codebook, keep_zeros)
        change = _real(new, axis) - _real(tensor, axis)
        others = tuple(n for n in range(len(tensor.shape)) if n != axis)
        for node in nodes:
            position = node.operator.inputs[2] if len(node.operator.inputs) > 2 else None
            if position is not None:
                tensors[position] = _move_bias(node, tensors[position], new, (change * mean).sum(axis=others))
        power = float((square * _real(tensor, axis) ** 2).sum())
        error = float(np.sqrt((square * change**2).sum() / power)) if power > 0 else 0.0
        layers.append(LayerCodebook(nodes[0].output().name, len(codebook), tensor.elements, error))
    graph = network.graph.replace(tensors=tuple(tensors), sha256="")
    return network.replace(graph=graph, grids=grids), layers


def _cluster(
    tensor: Tensor,
    exact: Array | None,
    energy: npt.NDArray[np.float64],
    values: int,
    axis: int,
    keep_zeros: bool,
) -> tuple[Tensor, npt.NDArray[np.int8]]:
    """Return a tensor with at most ``values`` distinct integers, and these."""
    assert tensor.data is not None and tensor.quantization is not None
    real = _real(tensor, axis) if exact is None else exact.astype(np.float64)
    zeros = real == 0
    keep_zeros = keep_zeros or bool(zeros.any() and not zeros.all())
    first = tensor.quantization.scales.astype(np.float64)
    scales = first.copy()
    others = tuple(n for n in range(real.ndim) if n != axis) if len(scales) > 1 else None
    for turn in range(ROUNDS + 1):
        wide = _wide(scales, axis, real.ndim)
        integers = np.clip(np.round(real / wide), -127, 127)
        codebook = best_codebook(integers, energy * wide**2, values, keep_zero=keep_zeros)
        chosen = nearest(real / wide, codebook)
        if turn < ROUNDS:
            # The scale of the least squared error for these integers.
            product = (energy * real * chosen).sum(axis=others).ravel()
            square = (energy * chosen.astype(np.float64) ** 2).sum(axis=others).ravel()
            scales = np.where((square > 0) & (product > 0), product / np.where(square > 0, square, 1), scales)
            scales = np.clip(scales, first / SCALE_LIMIT, first * SCALE_LIMIT).astype(np.float32).astype(np.float64)
    chosen.flags.writeable = False
    quantization = dataclasses.replace(tensor.quantization, scales=scales.astype(np.float32))
    return dataclasses.replace(tensor, data=chosen, quantization=quantization), codebook


def _move_bias(node: Node, bias: Tensor, weights: Tensor, error: npt.NDArray[np.float64]) -> Tensor:
    """Return a bias on the new scale of the sums, less the mean error of the sums, per output channel."""
    assert bias.data is not None and weights.quantization is not None and bias.quantization is not None
    old = bias.data.ravel() * bias.quantization.scales.astype(np.float64)
    products = scale_of(node.input(0)) * weights.quantization.scales.astype(np.float64)
    data = np.clip(np.round((old - error) / products), -(2**30), 2**30).astype(np.int32).reshape(bias.shape)
    data.flags.writeable = False
    quantization = Quantization(products.astype(np.float32), np.zeros(len(products), np.int64), 0)
    return dataclasses.replace(bias, data=data, quantization=quantization)


def _measure(network: IntegerNetwork, data: Dataset) -> dict[int, Moments]:
    """Return the moments of the inputs of each layer, by its output tensor."""
    nodes = [node for node in network.graph.nodes() if node.operator.kind in WEIGHTED]
    simulator = Simulator(network)

    def sums(*inputs: Any) -> list[Any]:
        arrays = simulator.activations(inputs, [node.input_index(0) for node in nodes])
        rows = [_rows(node, array) for node, array in zip(nodes, arrays, strict=True)]
        return [tf.stack([tf.reduce_mean(x, 0), tf.reduce_mean(x * x, 0)]) for x in rows]

    run_sums = tf.function(sums, autograph=False, reduce_retracing=True)
    part = data.first(SAMPLES)
    totals: list[Any] = [0.0] * len(nodes)
    for inputs, _ in part.batches(BATCH):
        share = len(inputs[0]) / len(part)
        for number, found in enumerate(run_sums(*(tf.constant(x) for x in inputs))):
            totals[number] = totals[number] + share * np.asarray(found, np.float64)
    return {node.operator.outputs[0]: (t[0], t[1]) for node, t in zip(nodes, totals, strict=True)}


def _rows(node: Node, values: Any) -> Any:
    """Return a layer's input in real units, ``[n, inputs]``: of a fully connected layer all, else by channel."""
    source = node.input(0)
    size = node.input(1).shape[1] if node.operator.kind == "FULLY_CONNECTED" else source.shape[-1]
    return (tf.reshape(values, (-1, size)) - float(zero_point_of(source))) * scale_of(source)


def _spread(node: Node, per_input: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give what is known of each input the shape of the weights, as far as it broadcasts."""
    shape = node.input(1).shape
    if node.operator.kind == "DEPTHWISE_CONV_2D":
        return np.repeat(per_input, shape[3] // len(per_input))
    if node.operator.kind == "CONV_2D":
        mean: npt.NDArray[np.float64] = per_input.reshape(-1, shape[3]).mean(axis=0)  # over the groups
        return mean
    return per_input


def _real(tensor: Tensor, axis: int) -> npt.NDArray[np.float64]:
    assert tensor.data is not None and tensor.quantization is not None
    scales = tensor.quantization.scales.astype(np.float64)
    real: npt.NDArray[np.float64] = tensor.data.astype(np.float64) * _wide(scales, axis, tensor.data.ndim)
    return real


def _wide(scales: npt.NDArray[np.float64], axis: int, rank: int) -> npt.NDArray[np.float64]:
    """Give scales the axes of the weights."""
    shape = [1] * rank
    shape[axis] = len(scales)
    return scales.reshape(shape if len(scales) > 1 else [1] * rank)
