"""The training of a quantized network's integers. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.checkpoints import Checkpoints
from midge.converter.context import Context, State
from midge.converter.data import Dataset
from midge.converter.losses import Task
from midge.converter.network import Network
from midge.converter.qat.simulator import Simulator
from midge.converter.quantizer.integer import IntegerNetwork
from midge.converter.steps import Qat
from midge.converter.steps.step import Training
from midge.converter.training import train
from midge.runtime.errors import ConversionError

STAGE = "training integers"
COMPARED = 1024
"""Samples on which the losses before and after are compared."""


@dataclass(frozen=True)
class Trained:
    """What training made of a quantized network."""

    network: IntegerNetwork
    loss_before: float
    loss_after: float
    losses: tuple[float, ...]
    """Of each epoch."""


def run(step: Qat, state: State, context: Context) -> State:
    """Train the integers; see `Qat`.

    Raises:
        ConversionError: The network was not quantized by Midge, or the loss became NaN.
        UnsupportedError: An operator cannot be trained through.
        DataError: There is nothing to train on, or the labels do not fit the network.
    """
    if state.integer is None:
        raise ConversionError(
            f"{context.name}: training in integers needs a network that Midge's own quantizer takes, but TensorFlow "
            "had to quantize this one; use the recipe int8, or replace the layers that conversion names"
        )
    trained = train_integers(
        state.integer,
        context.original,
        context.training_data(),
        step.training,
        learn_scales=step.learn_scales,
        seed=context.seed,
        checkpoints=context.checkpoints,
        say=context.say,
    )
    context.notes.append(
        {"kind": "qat", "loss_before": trained.loss_before, "loss_after": trained.loss_after, "losses": trained.losses}
    )
    return state.replace(integer=trained.network)


def train_integers(
    network: IntegerNetwork,
    teacher: Network,
    data: Dataset,
    training: Training,
    *,
    learn_scales: bool = True,
    seed: int = 0,
    checkpoints: Checkpoints | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train the weights, their scales and the biases of a quantized network as firmware computes with them.

    Args:
        network: what to begin with; the scales of activations stay.
        teacher: the float network that the labels and the loss are understood by, and to agree with.
        data: samples in the teacher's units, with or without labels.
        training: epochs, batch size, learning rate (of weights relative to their channel's greatest, of biases to the
            range of their layer's output), and the teacher's weight in the loss.
        learn_scales: whether the scales of weights are trained too.
        seed: of the order of the samples.
        checkpoints: where to keep the work of each epoch; None keeps nothing.
        say: told each epoch.

    Returns:
        The network with the trained constants, or the very one that was given where training did not lower the loss.

    Raises:
        UnsupportedError: an operator cannot be trained through.
        DataError: the labels do not fit the network.
        ConversionError: the loss became NaN or infinite.
    """
    task = Task(teacher, data)
    simulator = Simulator(network, learn_scales=learn_scales)
    share = training.teacher if task.has_labels else 1.0

    def loss(inputs: tuple[Any, ...], labels: Any) -> Any:
        outputs = simulator.run_real(inputs)
        total = tf.constant(0.0)
        if share > 0:
            taught = [tf.stop_gradient(tf.cast(output, tf.float32)) for output in teach(teacher, inputs)]
            total += share * task.against_teacher(outputs, taught)
        if share < 1:
            total += (1 - share) * task.against_labels(outputs, inputs, labels)
        return total

    evaluate = tf.function(loss, autograph=False, reduce_retracing=True)
    before = _mean_loss(evaluate, data, training.batch)
    losses = train(
        loss,
        simulator.variables,
        data,
        training,
        seed=seed,
        checkpoints=checkpoints or Checkpoints(None),
        say=say,
        stage=STAGE,
        after_step=simulator.limit,
    )
    after = _mean_loss(evaluate, data, training.batch)
    better = after < before
    return Trained(simulator.export() if better else network, before, min(before, after), tuple(losses))


def teach(teacher: Network, inputs: Sequence[Any]) -> list[Any]:
    """Return the outputs of a float network for a batch of any size."""
    if teacher.batch is None:
        return teacher.call(inputs)
    size = teacher.batch
    count = tf.shape(inputs[0])[0]
    # The first sample fills the last group up.
    rows = tf.concat([tf.range(count), tf.zeros([-count % size], tf.int32)], 0)
    groups = [tf.reshape(tf.gather(x, rows), (-1, size, *x.shape[1:])) for x in inputs]
    types = [tf.as_dtype(spec.dtype) for spec in teacher.outputs]
    outputs = tf.map_fn(lambda group: teacher.call(group), groups, fn_output_signature=types)
    return [
        tf.reshape(output, (-1, *spec.shape))[:count] for output, spec in zip(outputs, teacher.outputs, strict=True)
    ]


def _mean_loss(evaluate: Callable[[tuple[Any, ...], Any], Any], data: Dataset, size: int) -> float:
    count = min(COMPARED, len(data))
    part = data.first(count - count % size or count)  # in batches of one size, which are traced once
    total = 0.0
    for inputs, labels in part.batches(size):
        found = evaluate(tuple(tf.constant(x) for x in inputs), None if labels is None else tf.constant(labels))
        total += float(np.asarray(found)) * len(inputs[0])
    return total / len(part)
