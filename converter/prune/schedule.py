"""Pruning in rounds, with training after each. Imports TensorFlow."""

from __future__ import annotations

from typing import Any

import msgspec

from midge.converter.checkpoints import Checkpoints
from midge.converter.context import Context, State
from midge.converter.cost import check_measurable
from midge.converter.features import feature_loss, same_layers
from midge.converter.fine_tune import fine_tune, layered
from midge.converter.losses import Task
from midge.converter.network import Network, from_keras
from midge.converter.prune.analysis import find_groups
from midge.converter.prune.candidates import check_candidates
from midge.converter.prune.cost import count
from midge.converter.prune.cut import Pruned
from midge.converter.prune.target import Aim, Counted, Measured
from midge.converter.steps import Prune
from midge.converter.steps.prune import MEASURED
from midge.runtime.board import load_board

STAGE = "pruning"


def check(step: Prune, state: State, context: Context) -> None:
    """Refuse what `run` would refuse, as far as that can be told without long work.

    Raises:
        Error: as `run`.
    """
    model = layered(state.network, context, "prune")
    check_candidates(model, step.exclude, context.name)
    task = Task(state.network, context.training_data())
    if step.budget in MEASURED:
        assert step.board is not None
        check_measurable(load_board(step.board))
        return
    Counted(step, state.network, task, context)


def run(step: Prune, state: State, context: Context) -> State:
    """Prune the network in rounds and train it after each against the labels and the network as it came.

    Raises:
        InputError: nothing can be removed, or not as much as the step says.
        ConversionError: the network has no layers, or its training diverges.
        DataError: the labels do not fit the network.
        Error: the network cannot be measured on the board.
    """
    first = layered(state.network, context, "prune")
    check_candidates(first, step.exclude, context.name)
    task = Task(state.network, context.training_data())
    kind = Measured if step.budget in MEASURED else Counted
    aim: Aim = kind(step, state.network, task, context)
    before = {**count(first), **aim.measure(first)}
    begun = _begun(step, context)
    start, now, losses = (1, Pruned(first), []) if begun is None else begun
    for number in range(start, step.rounds + 1):
        if begun is None or number > begun[0]:
            context.say(f"{STAGE}: round {number} of {step.rounds}")
            now = _kept(_cut(step, aim, now, number), losses, number, context)
        losses.append(_train(step, state.network, now, task, number, context))
    after = {**count(now.model), **aim.measure(now.model)}
    context.notes.append(_note(step, first, now, before, after, losses))
    return state.replace(network=from_keras(now.model))


def _cut(step: Prune, aim: Aim, before: Pruned, number: int) -> Pruned:
    last = number == step.rounds
    if step.blocks:
        before = aim.cutter.without_blocks(before, aim.target(number))
    importance = aim.cutter.importance(before)
    after = aim.last(before, importance) if last else aim.cutter.select(before, importance, aim.target(number))
    return aim.cutter.compensate(after)


def _kept(now: Pruned, losses: list[list[float]], number: int, context: Context) -> Pruned:
    """Keep a model on disk and return it as it is read back, so that a resumed run works on the very same one."""
    name, checkpoints = f"cut-{number}", context.checkpoints
    checkpoints.save_model(name, now.model)
    checkpoints.save(name, {}, {"kept": now.kept, "blocks": now.blocks, "losses": losses})
    found = _read(name, checkpoints)
    return now if found is None else found[0]


def _read(name: str, checkpoints: Checkpoints) -> tuple[Pruned, list[list[float]]] | None:
    model, kept = checkpoints.load_model(name), checkpoints.load(name)
    if model is None or kept is None:
        return None
    document = kept[1]
    return Pruned(model, document["kept"], tuple(document["blocks"])), document["losses"]


def _begun(step: Prune, context: Context) -> tuple[int, Pruned, list[list[float]]] | None:
    """Return the last round that an interrupted run began to train, its model, and the losses of those before."""
    for number in range(step.rounds, 0, -1):
        found = _read(f"cut-{number}", context.checkpoints)
        if found is not None:
            return number, *found
    return None


def _train(step: Prune, teacher: Network, now: Pruned, task: Task, number: int, context: Context) -> list[float]:
    epochs = step.training.epochs
    if number < step.rounds:
        epochs = round(step.recovery * epochs)
    points = []
    if step.features > 0:
        groups = find_groups(teacher.keras_model)
        points = same_layers(teacher.keras_model, now.model, groups, now.kept)
    return fine_tune(
        now.model,
        task,
        context,
        msgspec.structs.replace(step.training, epochs=epochs),
        stage=f"{STAGE} round {number}",
        teacher=teacher,
        temperature=step.temperature,
        feature_loss=feature_loss(points, step.features) if points else None,
        # What is left was solved for these statistics; those of few samples would undo it.
        batch_statistics=False,
    )


def _note(
    step: Prune, first: Any, now: Pruned, before: dict[str, int], after: dict[str, int], losses: list[list[float]]
) -> dict[str, Any]:
    groups = [
        {"name": group.name, "before": group.size, "after": len(now.kept.get(group.name, range(group.size)))}
        for group in find_groups(first)
    ]
    return {
        "kind": "prune",
        "budget": step.budget,
        **({} if step.board is None else {"board": step.board}),
        "before": before,
        "after": after,
        "groups": groups,
        "blocks": list(now.blocks),
        "losses": losses,
    }
