"""Students: which are derived, which are refused, and that training is repeatable and can be resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter.data import Dataset
from midge.converter.steps import Distill
from midge.converter.steps.step import Training
from midge.runtime.errors import DataError, Error, InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

SHORT = Training(epochs=2, batch=16)


def surroundings(model: Any, labels: bool = True, folder: Path | None = None, say: Any = None) -> tuple[Any, Any]:
    """Return the state and the context of a step on a network of the test families."""
    from keras_networks import samples

    from midge.converter.checkpoints import Checkpoints
    from midge.converter.context import Context, State
    from midge.converter.network import from_keras

    network = from_keras(model)
    inputs = tuple(samples(model, 48)[spec.name] for spec in network.inputs)
    classes = network.predict(inputs)[0].argmax(axis=-1) if labels else None
    data = Dataset("training", inputs, classes)
    context = Context("model.keras", network, data, None, None, 1, Checkpoints(folder), say or (lambda stage: None))
    return State(network), context


def build(family: str) -> Any:
    import keras
    from keras_networks import build as build_family

    keras.backend.clear_session()  # names count from the start
    return build_family(family)


def widths(model: Any) -> dict[str, int]:
    return {
        layer.name: layer.get_config().get("filters", layer.get_config().get("units"))
        for layer in model.layers
        if {"filters", "units"} & set(layer.get_config())
    }


def test_half_the_channels_rounded_up_to_a_multiple_of_four() -> None:
    from midge.converter.distill import run

    state, context = surroundings(build("mlp"))
    student = run(Distill(width=0.6, training=SHORT), state, context).network.keras_model

    assert list(widths(student).values()) == [20, 12, 4]  # 0.6 * 32 = 19.2, 0.6 * 16 = 9.6; the outputs stay
    assert context.notes[0]["student_parameters"] == 21 * 20 + 21 * 12 + 13 * 4


@pytest.mark.parametrize(
    "family",
    [
        "inception",
        "lstm",
        "two_headed",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("resnet", "mobilenet_v2", "gru", "autoencoder")),
    ],
)
def test_students_of_all_families_learn(family: str) -> None:
    from midge.converter.distill import run

    teacher = build(family)
    before = [np.asarray(v) for v in teacher.variables]
    state, context = surroundings(teacher, labels=False)
    student = run(Distill(width=0.5, training=Training(epochs=4, batch=16)), state, context).network

    assert student.keras_model.count_params() < teacher.count_params()
    assert [spec.shape for spec in student.outputs] == [spec.shape for spec in state.network.outputs]
    assert context.notes[0]["losses"][-1] < context.notes[0]["losses"][0]
    assert context.notes[0]["compared_layers"]
    assert all((old == np.asarray(new)).all() for old, new in zip(before, teacher.variables, strict=True))


def test_depth_removes_the_last_blocks_of_a_stage() -> None:
    import keras
    from keras import layers

    from midge.converter.student import blocks_to_remove

    x = image = keras.Input((8, 8, 4))
    for stage in (4, 8):
        x = layers.Conv2D(stage, 1)(x)
        for number in range(3):
            y = layers.Conv2D(stage, 3, padding="same", activation="relu")(x)
            x = layers.Add(name=f"add_{stage}_{number}")([x, y])
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))

    assert blocks_to_remove(model, 1.0) == []
    assert blocks_to_remove(model, 0.5) == ["add_4_2", "add_8_2"]
    assert blocks_to_remove(model, 0.0) == [f"add_{stage}_{number}" for stage in (4, 8) for number in range(3)]


def test_inner_tensors_are_compared_channel_by_channel() -> None:
    """With all its channels a student is its teacher: the loss between inner tensors is zero."""
    import tensorflow as tf

    from midge.converter.features import feature_loss, same_layers
    from midge.converter.fine_tune import copy_model
    from midge.converter.prune import find_groups, remove_channels
    from midge.converter.prune.activations import run

    teacher = build("resnet")
    images = [tf.random.stateless_normal([4, 16, 16, 3], [1, 2])]
    _, wanted = run(teacher, images)
    same = copy_model(teacher)
    points = same_layers(teacher, same)

    # The second block's first convolution and its shortcut read the same tensor.
    read = ["re_lu", "re_lu_1", "re_lu_2", "re_lu_3", "global_average_pooling2d"]
    assert [point.teacher[0] for point in points] == read
    assert float(feature_loss(points, 1.0)(wanted, run(same, images)[1])) == 0.0

    groups = find_groups(teacher)
    keep = {group.name: list(range(1, group.size, 2)) for group in groups}
    narrow = remove_channels(teacher, keep)
    _, found = run(narrow, images)
    chosen = same_layers(teacher, narrow, groups, keep)
    expected = []
    for point in chosen:
        whole, half = wanted[point.teacher].numpy()[..., 1::2], found[point.student].numpy()
        expected.append(np.mean((whole - half) ** 2) / (whole.var() + 1e-6))

    assert [point.teacher for point in chosen] == [point.teacher for point in points]
    assert float(feature_loss(chosen, 2.0)(wanted, found)) == pytest.approx(2 * np.mean(expected), rel=1e-4)


def test_a_student_of_another_architecture_is_compared_by_how_samples_relate() -> None:
    from keras_networks import samples

    from midge.converter.distill import distill

    teacher, student = build("vgg"), build("resnet")
    trained = distill(teacher, samples(teacher, 32), student, training=SHORT, seed=2)

    assert trained is not student
    assert trained.count_params() == student.count_params()


def test_the_student_in_a_file(tmp_path: Path) -> None:
    from midge.converter.distill import run

    path = tmp_path / "student.keras"
    build("resnet").save(path)
    state, context = surroundings(build("vgg"))
    after = run(Distill(student=str(path), initialise="random", training=SHORT), state, context)

    assert after.network.keras_model.count_params() == build("resnet").count_params()
    assert context.notes[0]["compared_layers"]


def test_a_student_that_trains_alone_sees_nothing_of_the_teacher() -> None:
    from midge.converter.distill import run

    alone = Distill(width=0.5, initialise="random", features=0.0, training=Training(epochs=2, batch=16, teacher=0.0))
    weights = []
    for scale in (1.0, 3.0):
        teacher = build("mlp")
        state, context = surroundings(teacher)
        teacher.layers[-1].kernel.assign(scale * teacher.layers[-1].kernel)
        import keras

        keras.utils.set_random_seed(5)
        student = run(alone, state, context).network.keras_model
        weights.append([np.asarray(v) for v in student.variables])

    assert all((a == b).all() for a, b in zip(*weights, strict=True))


@pytest.mark.parametrize(
    ("family", "other", "complaint"),
    [
        ("mlp", "lenet", r"inputs of the student.*\[20, 20, 1\].*expected those of its teacher.*\[20\]"),
        ("vgg", "inception", r"inputs of the student|outputs of the student.*\[6\].*\[10\]"),
    ],
)
def test_a_student_of_other_inputs_or_outputs_is_refused(
    family: str, other: str, complaint: str, tmp_path: Path
) -> None:
    from midge.converter.distill import check

    path = tmp_path / "student.keras"
    build(other).save(path)
    state, context = surroundings(build(family))

    with pytest.raises(InputError, match=complaint):
        check(Distill(student=str(path)), state, context)


def test_a_missing_student_a_wrong_label_and_a_network_without_hidden_channels_are_refused_before_training() -> None:
    import keras

    from midge.converter.distill import check

    def refused(kind: type[Error], complaint: str, step: Distill, state: Any, context: Any) -> None:
        with pytest.raises(kind, match=complaint):
            check(step, state, context)

    state, context = surroundings(build("mlp"))
    refused(InputError, "gone.keras", Distill(student="gone.keras"), state, context)
    context.train.labels[3] = 4
    refused(DataError, "from 0 to 3", Distill(), state, context)
    flat = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    context.train.labels[3] = 0
    inputs = (np.zeros((48, 4), np.float32),)
    import dataclasses

    from midge.converter.context import State
    from midge.converter.network import from_keras

    network = from_keras(flat)
    data = Dataset("training", inputs, np.zeros(48, np.int64))
    refused(
        InputError, "no student can be derived", Distill(), State(network), dataclasses.replace(context, train=data)
    )


def test_an_interrupted_training_ends_with_the_same_student(tmp_path: Path) -> None:
    import keras

    from midge.converter.distill import run

    step = Distill(width=0.5, training=Training(epochs=4, batch=16))

    def student(folder: Path | None, say: Any = None) -> list[np.ndarray]:
        keras.utils.set_random_seed(7)
        state, context = surroundings(build("vgg"), folder=folder, say=say)
        return [np.asarray(v) for v in run(step, state, context).network.keras_model.variables]

    def stop(stage: str) -> None:
        if "epoch 3 of" in stage:
            raise KeyboardInterrupt

    whole = student(None)
    with pytest.raises(KeyboardInterrupt):
        student(tmp_path, stop)
    resumed = student(tmp_path)

    assert all((a == b).all() for a, b in zip(whole, resumed, strict=True))
