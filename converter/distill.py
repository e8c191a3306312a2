"""Distillation. Imports TensorFlow."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from midge.converter.context import Context, State
from midge.converter.data import Dataset
from midge.converter.data_sources import Source
from midge.converter.export import compute_in_float32
from midge.converter.features import Point, feature_loss, same_layers, same_stages
from midge.converter.fine_tune import copy_model, fine_tune, layered
from midge.converter.live_context import live_context
from midge.converter.load import load
from midge.converter.losses import Task
from midge.converter.model_source import check_path
from midge.converter.network import Network, from_keras
from midge.converter.prune.analysis import find_groups
from midge.converter.prune.groups import Group
from midge.converter.prune.importance import measure
from midge.converter.steps import Distill
from midge.converter.steps.settings import settings
from midge.converter.steps.step import Training
from midge.converter.student import blocks_to_remove, derive, reinitialise
from midge.converter.tensor_spec import TensorSpec
from midge.runtime.errors import ConversionError, InputError

STAGE = "distilling"


@dataclass(frozen=True)
class _Student:
    network: Network
    points: Sequence[Point]
    """Where its inner tensors are compared with the teacher's."""
    removed: Sequence[str] = ()
    """The blocks of the teacher that it lacks."""
    statistics_hold: bool = False
    """Whether its batch normalisation sees what the teacher's did: weights were solved for that, and no block went."""


def distill(
    teacher: Any,
    train: Source,
    student: Any = None,
    *,
    width: float = 0.5,
    depth: float = 1.0,
    initialise: Literal["teacher", "random"] = "teacher",
    importance: Literal["magnitude", "batch_norm", "taylor", "activation"] = "magnitude",
    temperature: float = 4.0,
    features: float = 1.0,
    training: Training | None = None,
    seed: int = 0,
    say: Callable[[str], None] | None = None,
) -> Any:
    """Return a student that has learnt from a teacher.

    Args:
        teacher: a Keras 3 model; it is left alone.
        train: samples in the teacher's units, with labels or without, in any form that `midge.convert` takes.
        student: a Keras 3 model with the teacher's inputs and outputs, which is left alone too; None derives one.
        width: as all settings down to ``training``: see `midge.converter.steps.Distill`, whose defaults they have.
        depth: share of the repeated blocks that stay.
        initialise: "teacher" or "random" weights to begin with.
        importance: by which measure channels stay.
        temperature: softens the teacher's outputs.
        features: weight of the loss between inner tensors.
        training: epochs and so on.
        seed: of all that is random.
        say: told each epoch.

    Raises:
        InputError: a setting is out of range, or the student's inputs or outputs are not the teacher's.
        ConversionError: the model has no graph of layers, or the training diverges.
        DataError: the data do not fit the teacher.
    """
    step = settings(
        Distill,
        width=width,
        depth=depth,
        initialise=initialise,
        importance=importance,
        temperature=temperature,
        features=features,
        training=training,
    )
    state, context = live_context(teacher, train, seed, say)
    return run(step, state, context, student).network.keras_model


def check(step: Distill, state: State, context: Context, student: Any = None) -> None:
    """Refuse what `run` would refuse, without training.

    Raises:
        Error: as `run`.
    """
    data = context.training_data()
    if step.student is None and student is None:
        model = layered(state.network, context, "distill")
        if step.width < 1 or step.depth < 1:
            _refuse_equal(step, find_groups(model), blocks_to_remove(model, step.depth), context)
        Task(state.network, data)
        return
    given = _given(step, state.network, context, student)
    Task(given.network, data)


def run(step: Distill, state: State, context: Context, student: Any = None) -> State:
    """Train a student against the labels and the network as it came, its teacher, and return it in its place.

    ``student`` is a live Keras model, instead of what the step names.

    Raises:
        InputError: the student's file is missing or is no model; its inputs or outputs are not the teacher's; or the
            teacher has nothing that could be made smaller.
        ConversionError: the teacher has no layers to derive a student from, or the training diverges.
        DataError: the labels do not fit the network.
    """
    teacher, data = state.network, context.training_data()
    if step.student is None and student is None:
        made = _derived(step, teacher, context, data)
    else:
        made = _given(step, teacher, context, student)
    model = made.network.keras_model
    losses = fine_tune(
        model,
        Task(made.network, data),
        context,
        step.training,
        stage=STAGE,
        teacher=teacher,
        teacher_task=Task(teacher, data),
        temperature=step.temperature,
        feature_loss=feature_loss(made.points, step.features) if made.points else None,
        batch_statistics=not made.statistics_hold,
    )
    note = {
        "kind": "distill",
        "teacher_parameters": _parameters(teacher),
        "student_parameters": _parameters(made.network),
        "removed_blocks": list(made.removed),
        "compared_layers": [point.teacher[0] for point in made.points],
        "losses": losses,
    }
    context.notes.append(note)
    return state.replace(network=from_keras(model))


def _derived(step: Distill, teacher: Network, context: Context, data: Dataset) -> _Student:
    model = layered(teacher, context, "distill")
    groups = find_groups(model)
    _refuse_equal(step, groups, blocks_to_remove(model, step.depth), context)
    importance = measure(step.importance, teacher, groups, data, Task(teacher, data))
    student = derive(model, groups, importance, step.width, step.depth, data)
    trained = student.model if step.initialise == "teacher" else reinitialise(student.model)
    points = same_layers(model, trained, groups, student.keep) if step.features > 0 else []
    holds = step.initialise == "teacher" and not student.blocks
    return _Student(from_keras(trained), points, student.blocks, statistics_hold=holds)


def _refuse_equal(step: Distill, groups: Sequence[Group], blocks: Sequence[str], context: Context) -> None:
    """Refuse to train a student that could be no smaller than its teacher, where a smaller one is asked for."""
    if (step.width < 1 and groups) or blocks or (step.width == 1 and step.depth == 1):
        return
    raise InputError(
        f"no student can be derived from {context.name}: it has no hidden channels that can be removed and no repeated "
        "residual blocks that the depth would take out; give a model as 'student'"
    )


def _given(step: Distill, teacher: Network, context: Context, student: Any) -> _Student:
    """Return the student that the user gives, as a copy that may be trained."""
    if student is not None:
        network, name = compute_in_float32(from_keras(student)), f"the student {student.name!r}"
    else:
        assert step.student is not None
        path, name = Path(step.student), f"the student {step.student}"
        check_path(path)
        with tempfile.TemporaryDirectory(prefix="midge-") as folder:
            network = compute_in_float32(load(path, Path(folder)))
    _compare(teacher.inputs, network.inputs, "inputs", context.name, name)
    _compare(teacher.outputs, network.outputs, "outputs", context.name, name)
    if teacher.batch is not None:
        raise ConversionError(
            f"{context.name} takes exactly {teacher.batch} samples at a time and cannot teach; give a Keras model"
        )
    model = copy_model(layered(network, context, "distill"))
    if step.initialise == "random":
        model = reinitialise(model)
    points = same_stages(teacher.keras_model, model) if step.features > 0 and teacher.keras_model is not None else []
    return _Student(from_keras(model), points)


def _compare(
    teacher: Sequence[TensorSpec], student: Sequence[TensorSpec], what: str, teacher_name: str, student_name: str
) -> None:
    wanted, found = [[(spec.shape, spec.dtype) for spec in specs] for specs in (teacher, student)]
    if wanted != found:
        raise InputError(
            f"the {what} of {student_name} are {_listed(student)}; expected those of its teacher, {teacher_name}: "
            f"{_listed(teacher)}"
        )


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{spec.name!r} {list(spec.shape)} {spec.dtype}" for spec in specs)


def _parameters(network: Network) -> int | None:
    return None if network.keras_model is None else int(network.keras_model.count_params())
