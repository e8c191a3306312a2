"""Rounding in which the weights that are rounded later make up for the errors of the earlier ones.

After Frantar et al., GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers (2023): what a
weight loses by rounding is spread over those that are still free, in the way that changes the layer's sums least on
calibration data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from midge.converter.data import Dataset
from midge.converter.quantizer.execute import each_sample
from midge.converter.quantizer.integer import IntegerNetwork
from midge.converter.quantizer.scales import LEVELS
from midge.converter.quantizer.weighted import patches, weights_of
from midge.converter.samples import Array
from midge.runtime.graph import DType, Graph, Node, Tensor

SAMPLES = 128
"""On which it is observed how inputs go together."""

MOST = 2048
"""Products in a sum; beyond it the matrices of second moments are too large, and weights are rounded to the nearest."""

DAMPING = 0.01
"""Share of the mean variance that is added to all: what is seen on few samples is not taken for certain."""

Matrix = NDArray[np.float64]


def round_weights(
    network: IntegerNetwork, data: Dataset, say: Callable[[str], None] = lambda _: None
) -> IntegerNetwork:
    """Round the int4 weights of a network anew, on the scales that they have.

    Biases are as they were: `correct_biases` has to follow, and takes up what the mean of each sum has changed by.

    Args:
        network: quantized.
        data: typical inputs, of which `SAMPLES` serve.
        say: told that it begins.
    """
    narrow = [i for i in weights_of(network.exact) if network.graph.tensors[i].dtype is DType.INT4]
    if not narrow:
        return network
    say("rounding weights")
    found = rounded(network, moments(network.exact, data.first(SAMPLES), narrow))
    tensors = [found.get(index, tensor) for index, tensor in enumerate(network.graph.tensors)]
    return network.replace(graph=network.graph.replace(tensors=tuple(tensors), sha256=""))


def moments(exact: Graph, data: Dataset, wanted: list[int]) -> dict[int, Matrix]:
    """Return the covariance of the inputs that some weights meet, ``[groups, weights, weights]`` by tensor of weights.

    Left out are weights that several operators share, and those of sums with more than `MOST` products.
    """
    users = weights_of(exact)
    nodes = {i: Node(exact, users[i][0]) for i in wanted if len(users[i]) == 1}
    sums: dict[int, Matrix] = {}
    totals: dict[int, Matrix] = {}
    counts = dict.fromkeys(nodes, 0)
    for interpreter in each_sample(exact, data):
        for index, node in nodes.items():
            if _products(node) > MOST:
                continue
            seen = patches(node, interpreter.tensor(node.input_index(0)))
            if seen.shape[2] != _products(node):
                continue  # groups of channels
            counts[index] += seen.shape[1]
            sums[index] = sums.get(index, 0.0) + np.swapaxes(seen, 1, 2) @ seen
            totals[index] = totals.get(index, 0.0) + seen.sum(axis=1)
    found = {}
    for index, total in sums.items():
        mean = totals[index] / counts[index]
        found[index] = total / counts[index] - mean[:, :, None] * mean[:, None, :]
    return found


def rounded(network: IntegerNetwork, covariances: Mapping[int, Matrix]) -> dict[int, Tensor]:
    """Return the tensors of weights rounded anew, by index; ``covariances`` as `moments` returns them."""
    found = {}
    for index, covariance in covariances.items():
        exact, tensor = network.exact.tensors[index], network.graph.tensors[index]
        quantization = tensor.quantization
        assert exact.data is not None and quantization is not None
        axis = quantization.axis
        rows = np.moveaxis(exact.data.astype(np.float64), axis, 0)
        stored = np.empty(rows.shape, np.int8)
        flat = rows.reshape(len(rows), -1)
        levels = LEVELS[4 if tensor.dtype is DType.INT4 else 8]
        for group, places in enumerate(np.array_split(np.arange(len(rows)), len(covariance))):
            scales = quantization.scales.astype(np.float64)[places]
            stored[places] = _round(flat[places], scales, covariance[group], levels).reshape(-1, *rows.shape[1:])
        data = np.ascontiguousarray(np.moveaxis(stored, 0, axis))
        data.flags.writeable = False
        found[index] = dataclasses.replace(tensor, data=data)
    return found


def _round(rows: Matrix, scales: Matrix, covariance: Matrix, levels: int) -> Array:
    """Round ``[channels, products]`` one product after the other, for all channels at once."""
    size = rows.shape[1]
    spread = float(np.trace(covariance)) / size
    if spread <= 0:
        return np.clip(np.round(rows / scales[:, None]), -levels, levels).astype(np.int8)
    # What varies most is rounded first, while all the others can still make up for it.
    order = np.argsort(-np.diag(covariance), kind="stable")
    damped = covariance[np.ix_(order, order)] + DAMPING * spread * np.eye(size)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    rest, stored = rows[:, order].copy(), np.empty(rows.shape)
    for place in range(size):
        stored[:, place] = np.clip(np.round(rest[:, place] / scales), -levels, levels)
        error = (rest[:, place] - stored[:, place] * scales) / upper[place, place]
        rest[:, place + 1 :] -= error[:, None] * upper[place, place + 1 :]
    found = np.empty(rows.shape, np.int8)
    found[:, order] = stored.astype(np.int8)
    return found


def _products(node: Node) -> int:
    weights = node.input(1)
    if node.operator.kind == "DEPTHWISE_CONV_2D":
        return weights.shape[1] * weights.shape[2]
    return weights.elements // weights.shape[0]
