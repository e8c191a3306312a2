"""How much each channel of a group matters. Imports TensorFlow.

Every measure is a sum over what belongs to the channel in all layers of the group, so that a channel is judged by
everything that goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.data import Dataset
from midge.converter.losses import Task
from midge.converter.network import Network
from midge.converter.prune import activations
from midge.converter.prune.groups import Group, Slice
from midge.converter.prune.keras_graph import variables
from midge.converter.samples import Array
from midge.converter.training import Loss

Importance = Mapping[str, Array]
"""Of each channel, float64 ``[size]``, at least 0, by the name of its group."""

SAMPLES = 512
"""Samples that activations and gradients are taken from; more hardly change the order of the channels."""
BATCH = 8
"""Samples to a gradient: one is squared per batch, so small batches tell noise from importance."""


def measure(kind: str, network: Network, groups: Sequence[Group], data: Dataset, task: Task) -> dict[str, Array]:
    """Return the importance of a network's channels by the measure that `Prune.importance` names.

    Args:
        kind: "magnitude", "batch_norm", "activation" or "taylor".
        network: with a Keras model.
        groups: `find_groups` of it.
        data: samples, of which the last two take some.
        task: of the network. Without labels "taylor" asks how far the outputs move instead of the loss.
    """
    model = network.keras_model
    if kind == "magnitude":
        return magnitude(model, groups)
    if kind == "batch_norm":
        return batch_norm(model, groups)
    if kind == "activation":
        return activation(model, groups, data)
    if task.has_labels:
        return taylor(model, groups, data, lambda x, y: task.against_labels(network.call(x), x, y))
    return taylor(model, groups, data, lambda x, _: _signed_sum(network.call(x)))


def _signed_sum(outputs: Sequence[Any]) -> Any:
    """Return the outputs of a batch, each with a random sign, summed.

    The square of its derivative is, on average over the signs, the sum of the squares of the outputs' derivatives.
    """
    total = tf.constant(0.0)
    for number, output in enumerate(outputs):
        signs = tf.sign(tf.random.stateless_uniform(tf.shape(output), (0, number)) - 0.5)
        total += tf.reduce_sum(signs * output)
    return total


def magnitude(model: Any, groups: Sequence[Group]) -> dict[str, Array]:
    """Return the length (L2) of all weights that compute a channel, per group relative to its mean square."""
    values = {key: np.asarray(variable, np.float64) for key, variable in variables(model).items()}
    found = {}
    for group in groups:
        squares = np.zeros(group.size)
        for part in group.produces:
            value = values[part.layer, part.variable]
            if value.ndim > 1:
                per = _sums(value**2, part)
                squares += per / max(per.mean(), 1e-30)
        found[group.name] = _normalised(np.sqrt(squares))
    return found


def batch_norm(model: Any, groups: Sequence[Group]) -> dict[str, Array]:
    """Return the sum of a channel's batch-normalisation scales \\|gamma\\|; `magnitude` for groups without any."""
    values = {key: np.asarray(variable, np.float64) for key, variable in variables(model).items()}
    found = {}
    for group in groups:
        scales = [part for part in group.produces if part.variable == "gamma"]
        if scales:
            total = sum(_sums(np.abs(values[part.layer, part.variable]), part) for part in scales)
            found[group.name] = _normalised(np.asarray(total))
        else:
            found.update(magnitude(model, [group]))
    return found


def activation(model: Any, groups: Sequence[Group], data: Dataset) -> dict[str, Array]:
    """Return the mean \\|activation\\| of a channel over samples and positions, over all tensors that carry it.

    Each tensor counts relative to its own mean.
    """
    sums: dict[str, dict[int, Array]] = {group.name: {} for group in groups}
    for inputs, _ in data.first(SAMPLES).batches(64):
        _, seen = activations.run(model, [tf.constant(array) for array in inputs])
        for group in groups:
            for k, carrier in enumerate(group.tensors):
                tensor = np.abs(np.asarray(seen[carrier.layer, carrier.call, carrier.output], np.float64))
                means = tensor.reshape(-1, tensor.shape[-1]).sum(axis=0)
                per = np.array([means[list(positions)].sum() for positions in carrier.positions])
                sums[group.name][k] = sums[group.name].get(k, 0) + per
    found = {}
    for group in groups:
        total = np.zeros(group.size)
        for per in sums[group.name].values():
            total += per / max(per.mean(), 1e-30)
        found[group.name] = _normalised(total)
    return found


def taylor(model: Any, groups: Sequence[Group], data: Dataset, loss: Loss) -> dict[str, Array]:
    """Return by how much the loss changes to first order if a channel is taken out, squared, mean over small batches.

    Taking a channel out is multiplying it by zero wherever it is read: the derivative with respect to such a factor is
    the sum of weight times gradient over all weights that read the channel (Molchanov et al. 2019, with the gate at the
    consumers, where residual branches have met). The squares of several groups can be compared as they are.
    """
    known = variables(model)
    keys = sorted({(part.layer, part.variable) for group in groups for part in group.consumes})
    kernels = [known[key].value for key in keys]
    sums = {group.name: np.zeros(group.size) for group in groups}

    def gradients(inputs: tuple[Any, ...], labels: Any) -> list[Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(kernels)
            value = loss(inputs, labels)
        return [
            tf.zeros_like(kernel) if gradient is None else kernel * tf.convert_to_tensor(gradient)
            for kernel, gradient in zip(kernels, tape.gradient(value, kernels), strict=True)
        ]

    run = tf.function(gradients, autograph=False, reduce_retracing=True)
    for inputs, labels in data.first(SAMPLES).batches(BATCH, order=(0, 0)):
        tensors = tuple(tf.constant(array) for array in inputs)
        products = run(tensors, None if labels is None else tf.constant(labels))
        by_key = {key: np.asarray(product, np.float64) for key, product in zip(keys, products, strict=True)}
        for group in groups:
            gates = np.zeros(group.size)
            for part in group.consumes:
                gates += _sums(by_key[part.layer, part.variable], part)
            sums[group.name] += (len(inputs[0]) * gates**2) / len(data)
    return sums


def _sums(value: Array, part: Slice) -> Array:
    """Sum a variable's elements over everything but the channels, ``[size]``."""
    per_position = value.sum(axis=tuple(i for i in range(value.ndim) if i != part.axis))
    return np.array([per_position[list(positions)].sum() for positions in part.positions])


def _normalised(values: Array) -> Array:
    """Scale to a mean square of 1 within the group: layers differ in scale for reasons that say nothing."""
    scale = float(np.sqrt(np.mean(values**2)))
    return values / scale if scale > 0 else values
