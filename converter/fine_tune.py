"""Training a Keras model against the labels and a teacher. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.context import Context
from midge.converter.losses import Task
from midge.converter.network import Network
from midge.converter.prune.activations import Seen, run
from midge.converter.prune.rebuild import remove_channels
from midge.converter.steps.step import Training
from midge.converter.training import train
from midge.runtime.errors import ConversionError

FeatureLoss = Callable[[Seen, Seen], Any]
"""Of what the teacher's calls and the model's calls returned for one batch, to a scalar float32 tensor."""


def layered(network: Network, context: Context, step: str) -> Any:
    """Return the Keras model of a network.

    Raises:
        ConversionError: it has none.
    """
    if network.keras_model is None:
        raise ConversionError(
            f"the step {step!r} needs the layers of a Keras 3 model, and {context.name} has none (a SavedModel, or one "
            "with code of its own): save it with model.save('model.keras')"
        )
    return network.keras_model


def copy_model(model: Any) -> Any:
    """Return a model of its own with the same layers and weights.

    Raises:
        ConversionError: a layer cannot be rebuilt from its configuration.
    """
    return remove_channels(model, {})


def fine_tune(
    model: Any,
    task: Task,
    context: Context,
    training: Training,
    *,
    stage: str,
    teacher: Network,
    teacher_task: Task | None = None,
    temperature: float = 1.0,
    feature_loss: FeatureLoss | None = None,
    extra: Sequence[Any] = (),
    after_step: Callable[[], None] | None = None,
    batch_statistics: bool = True,
) -> list[float]:
    """Train a Keras model in place; resumable as `training.train` is.

    Args:
        model: a functional or sequential Keras 3 model.
        task: of the model, on the training data.
        context: data, seed and checkpoints.
        training: epochs and so on; ``training.teacher`` weighs the two losses, unless there are no labels.
        stage: what the work is called, in a word or two.
        teacher: the network whose outputs it learns.
        teacher_task: as of `Task.against_teacher`.
        temperature: of the loss against the teacher.
        feature_loss: a third loss, added as it is; teacher and model then need the graph of a Keras 3 model.
        extra: further variables that ``after_step`` changes.
        after_step: called after each step, traced with it.
        batch_statistics: whether batch normalisation uses each batch's own statistics while it trains and learns
            those of the data, or keeps the ones that it has.

    Returns:
        The mean loss of each epoch.

    Raises:
        ConversionError: the loss became NaN or infinite.
    """
    share = training.teacher if task.has_labels else 1.0
    for number, variable in enumerate(model.non_trainable_variables):
        if variable.path.endswith("seed_generator_state"):  # dropout's: saved models do not keep them
            variable.assign(np.array([context.seed % 2**32, number], np.uint32))

    def loss(inputs: tuple[Any, ...], labels: Any) -> Any:
        outputs, own = run(model, inputs, training=batch_statistics)
        total = tf.constant(0.0)
        wanted: list[Any] = []
        if feature_loss is not None:
            wanted, original = run(teacher.keras_model, inputs)
            total += feature_loss({key: tf.stop_gradient(tensor) for key, tensor in original.items()}, own)
        elif share > 0:
            wanted = teacher.call(inputs)
        if share > 0:
            fixed = [tf.stop_gradient(tensor) for tensor in wanted]
            total += share * task.against_teacher(outputs, fixed, temperature, teacher_task)
        if share < 1:
            total += (1 - share) * task.against_labels(outputs, inputs, labels)
        return total

    return train(
        loss,
        model.trainable_variables,
        context.training_data(),
        training,
        state=[*model.non_trainable_variables, *extra],
        seed=context.seed,
        checkpoints=context.checkpoints,
        say=context.say,
        stage=stage,
        after_step=after_step,
    )
