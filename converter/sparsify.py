"""Sparsity: training while ever more weights become zero. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from midge.converter.context import Context, State
from midge.converter.data_sources import Source
from midge.converter.features import feature_loss, same_layers
from midge.converter.fine_tune import copy_model, fine_tune, layered
from midge.converter.live_context import live_context
from midge.converter.losses import Task
from midge.converter.network import from_keras
from midge.converter.sparsity.layers import Kernel, choose_kernels
from midge.converter.sparsity.masks import Masks
from midge.converter.sparsity.pattern import parse_pattern
from midge.converter.sparsity.solve import close_and_solve, solvable
from midge.converter.steps import Sparsify
from midge.converter.steps.settings import settings
from midge.converter.steps.step import Training

STAGE = "making sparse"


def sparsify(
    model: Any,
    train: Source,
    *,
    sparsity: float = 0.75,
    pattern: str = "unstructured",
    scope: Literal["layer", "global"] = "layer",
    rounds: int = 4,
    ramp: float = 0.5,
    layers: Sequence[str] = (),
    exclude: Sequence[str] = (),
    features: float = 1.0,
    training: Training | None = None,
    seed: int = 0,
    say: Callable[[str], None] | None = None,
) -> Any:
    """Return a Keras model like ``model`` with zeros for most weights, trained meanwhile.

    Args:
        model: a functional or sequential Keras 3 model; it is left alone.
        train: samples in the model's units, with labels or without, in any form that `midge.convert` takes.
        sparsity: as all settings down to ``training``: see `midge.converter.steps.Sparsify`, whose defaults they have.
        pattern: "unstructured", "N:M" or "OUTPUTSxINPUTS".
        scope: "layer" or "global".
        rounds: how often weights are solved before training; 0 for zeros that come while it trains.
        ramp: share of the training in which zeros then come.
        layers: names of the layers to make sparse.
        exclude: names of layers that stay dense.
        features: weight of the loss between inner tensors.
        training: epochs and so on.
        seed: of all that is random.
        say: told each epoch.

    Raises:
        InputError: a setting is out of range, or no layer can be made sparse.
        ConversionError: the model has no graph of layers, or its training diverges.
        DataError: the data do not fit the model.
    """
    step = settings(
        Sparsify,
        sparsity=sparsity,
        pattern=pattern,
        scope=scope,
        rounds=rounds,
        ramp=ramp,
        layers=tuple(layers),
        exclude=tuple(exclude),
        features=features,
        training=training,
    )
    state, context = live_context(model, train, seed, say)
    return run(step, state, context).network.keras_model


def check(step: Sparsify, state: State, context: Context) -> None:
    """Refuse what `run` would refuse, without training.

    Raises:
        Error: as `run`.
    """
    choose_kernels(layered(state.network, context, "sparsify"), step.layers, step.exclude)
    Task(state.network, context.training_data())


def run(step: Sparsify, state: State, context: Context) -> State:
    """Make the network sparse and train it against the labels and the network as it came.

    Raises:
        InputError: no layer can be made sparse, or a named one cannot.
        ConversionError: the network has no layers, or its training diverges.
        DataError: the labels do not fit the network.
    """
    task = Task(state.network, context.training_data())
    model = copy_model(layered(state.network, context, "sparsify"))
    kernels = choose_kernels(model, step.layers, step.exclude)
    steps = -(-len(context.training_data()) // step.training.batch) * step.training.epochs
    solves = step.rounds > 0 and solvable(model, kernels)
    ramp = step.rounds if solves else max(1, round(step.ramp * steps))
    masks = Masks(kernels, step.sparsity, parse_pattern(step.pattern), step.scope, ramp)
    if solves:
        close_and_solve(state.network.keras_model, model, kernels, masks, step.rounds, context, STAGE)
    points = same_layers(state.network.keras_model, model) if step.features > 0 else []
    losses = fine_tune(
        model,
        task,
        context,
        step.training,
        stage=STAGE,
        teacher=state.network,
        feature_loss=feature_loss(points, step.features) if points else None,
        extra=masks.state,
        after_step=masks.after_step,
        batch_statistics=not solves,  # which were kept as they were
    )
    masks.finish()
    context.notes.append({"kind": "sparsify", "pattern": step.pattern, **_sparsity(model, kernels), "losses": losses})
    return state.replace(network=from_keras(model))


def _sparsity(model: Any, kernels: Sequence[Kernel]) -> dict[str, Any]:
    """Return the share of zeros of every kernel that was made sparse, and of them all."""
    zeros = {kernel.path: int(np.sum(np.asarray(kernel.variable) == 0)) for kernel in kernels}
    sizes = {kernel.path: int(np.asarray(kernel.variable).size) for kernel in kernels}
    total = sum(int(np.asarray(variable).size) for variable in model.trainable_variables)
    return {
        "sparsity": round(sum(zeros.values()) / sum(sizes.values()), 4),
        "weights": sum(sizes.values()),
        "parameters": total,
        "layers": {path: round(zeros[path] / sizes[path], 4) for path in zeros},
    }
