"""The one training loop: epochs, repeatable from a seed, resumable after each. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.augment import vary
from midge.converter.checkpoints import Checkpoints
from midge.converter.data import Dataset
from midge.converter.steps.step import Training
from midge.runtime.errors import ConversionError

Loss = Callable[[tuple[Any, ...], Any], Any]
"""Of a batch: the inputs' tensors ``[n, *shape]`` and the labels ``[n, ...]`` or None, to a scalar float32 tensor."""


def train(
    loss: Loss,
    variables: Sequence[Any],
    data: Dataset,
    training: Training,
    *,
    state: Sequence[Any] = (),
    seed: int,
    checkpoints: Checkpoints,
    say: Callable[[str], None],
    stage: str,
    after_step: Callable[[], None] | None = None,
) -> list[float]:
    """Minimise a loss.

    The same seed and data give the same variables, whether or not the training was interrupted in between.

    Args:
        loss: evaluated under a gradient tape, traced once.
        variables: what to change: Keras or TensorFlow variables, float32.
        data: samples and labels; batches are drawn in an order of their own in every epoch.
        training: epochs, batch size, learning rate.
        state: further variables that training changes (batch statistics, seeds of dropout); kept in checkpoints too.
        seed: of the order of the samples and of whatever TensorFlow draws.
        checkpoints: where the state after each epoch is kept, under the name ``stage``.
        say: told each epoch.
        stage: what `say` calls the work, in a word or two.
        after_step: called after each step, to keep variables within bounds; traced with the step.

    Returns:
        The mean loss of each epoch, those before an interruption too.

    Raises:
        ConversionError: the loss became NaN or infinite.
    """
    values = [_value(variable) for variable in variables]
    steps = max(1, -(-len(data) // training.batch))
    optimizer = _Adam(values)
    everything = [*values, *(_value(variable) for variable in state), *optimizer.state]
    history = _restore(checkpoints, stage, everything)
    if history and len(history) < training.epochs:
        say(f"{stage}: going on after epoch {len(history)} of {training.epochs}")

    def step(inputs: tuple[Any, ...], labels: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(inputs, labels)
        gradients = tape.gradient(value, values)
        optimizer.apply(gradients, rate)
        if after_step is not None:
            after_step()
        return value

    run = tf.function(step, autograph=False, reduce_retracing=True)
    for epoch in range(len(history), training.epochs):
        tf.keras.utils.set_random_seed((seed * 1_000_003 + epoch) % 2**31)
        total = 0.0
        for number, (inputs, labels) in enumerate(data.batches(training.batch, order=(seed, epoch))):
            rate = _rate(training, epoch * steps + number, steps * training.epochs)
            varied = vary(inputs, training, (seed, epoch, number))
            tensors = tuple(tf.constant(array) for array in varied)
            found = run(tensors, None if labels is None else tf.constant(labels), tf.constant(rate, tf.float32))
            total += float(found) * len(inputs[0])
        history.append(total / len(data))
        if not np.isfinite(history[-1]):
            raise ConversionError(
                f"{stage}: the loss became {history[-1]} in epoch {epoch + 1}; lower the recipe's learning_rate "
                f"({training.learning_rate:g}), or check the data's units (input scale and offset)"
            )
        say(f"{stage}: epoch {epoch + 1} of {training.epochs}, loss {history[-1]:.4g}")
        checkpoints.save(
            stage.replace(" ", "-"),
            {f"v{i}": np.asarray(variable) for i, variable in enumerate(everything)},
            {"losses": history},
        )
    return history


def _restore(checkpoints: Checkpoints, stage: str, everything: Sequence[Any]) -> list[float]:
    found = checkpoints.load(stage.replace(" ", "-"))
    if found is None:
        return []
    arrays, document = found
    for i, variable in enumerate(everything):
        variable.assign(arrays[f"v{i}"])
    return [float(loss) for loss in document["losses"]]


def _rate(training: Training, step: int, steps: int) -> float:
    if training.schedule == "constant":
        return training.learning_rate
    return training.learning_rate * 0.5 * (1 + float(np.cos(np.pi * step / steps)))


def _value(variable: Any) -> Any:
    """Return the TensorFlow variable of a Keras 3 variable, or the variable itself."""
    return getattr(variable, "value", variable) if not isinstance(variable, tf.Variable) else variable


class _Adam:
    """Adam (Kingma and Ba 2015, algorithm 1) on plain TensorFlow variables; Keras's takes none but its own."""

    BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7

    def __init__(self, variables: Sequence[Any]) -> None:
        self._variables = variables
        self._means = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        self._squares = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        self._count = tf.Variable(0.0, trainable=False)

    @property
    def state(self) -> list[Any]:
        return [*self._means, *self._squares, self._count]

    def apply(self, gradients: Sequence[Any], rate: Any) -> None:
        self._count.assign_add(1.0)
        correction = tf.sqrt(1 - self.BETA_2**self._count) / (1 - self.BETA_1**self._count)
        for variable, gradient, mean, square in zip(
            self._variables, gradients, self._means, self._squares, strict=True
        ):
            if gradient is None:
                continue
            dense = tf.convert_to_tensor(gradient)
            mean.assign(self.BETA_1 * mean + (1 - self.BETA_1) * dense)
            square.assign(self.BETA_2 * square + (1 - self.BETA_2) * dense * dense)
            variable.assign_sub(rate * correction * mean / (tf.sqrt(square) + self.EPSILON))
