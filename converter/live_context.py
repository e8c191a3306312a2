"""What a step needs when it is called from Python on a live Keras model. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from midge.converter import data_sources
from midge.converter.checkpoints import Checkpoints
from midge.converter.context import Context, State
from midge.converter.data import bind
from midge.converter.export import compute_in_float32
from midge.converter.network import from_keras


def live_context(
    model: Any, train: data_sources.Source, seed: int, say: Callable[[str], None] | None
) -> tuple[State, Context]:
    """Return the state and the context of a single step on a live model; nothing is kept on disk.

    Args:
        model: a Keras 3 model; it is left alone.
        train: samples in the model's units, with or without labels.
        seed: set here, for all that is random.
        say: told each stage of the work.

    Raises:
        InputError: the model was never built.
        ConversionError: a dimension other than the batch is unknown.
        DataError: the data are unreadable, or do not fit the model.
    """
    network = compute_in_float32(from_keras(model))
    data = bind(data_sources.read(train, "training"), "training", network.inputs)
    tf.keras.utils.set_random_seed(seed)
    context = Context(
        name=f"the model {model.name!r}",
        original=network,
        train=data,
        calibration=None,
        evaluation=None,
        seed=seed,
        checkpoints=Checkpoints(None),
        say=say or (lambda stage: None),
    )
    return State(network), context
