"""Sparse networks: which layers, and that zeros reach the integers of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter.data import Dataset
from midge.converter.steps import Sparsify
from midge.converter.steps.step import Training
from midge.runtime.errors import DataError, InputError
from midge.runtime.operators.variants.blocks import BLOCKS
from midge.runtime.tflite.reader import read_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

SHORT = Training(epochs=2, batch=16)


def build(family: str) -> Any:
    import keras
    from keras_networks import build as build_family

    keras.backend.clear_session()  # names count from the start
    return build_family(family)


def surroundings(model: Any, folder: Path | None = None, say: Any = None) -> tuple[Any, Any]:
    from keras_networks import samples

    from midge.converter.checkpoints import Checkpoints
    from midge.converter.context import Context, State
    from midge.converter.network import from_keras

    network = from_keras(model)
    inputs = tuple(samples(model, 48)[spec.name] for spec in network.inputs)
    data = Dataset("training", inputs, network.predict(inputs)[0].argmax(axis=-1))
    context = Context("model.keras", network, data, None, None, 1, Checkpoints(folder), say or (lambda stage: None))
    return State(network), context


def chosen(family: str, **settings: Any) -> list[str]:
    from midge.converter.sparsity.layers import choose_kernels

    return [kernel.path for kernel in choose_kernels(build(family), **settings)]


def test_small_first_and_last_layers_and_depthwise_ones_stay_dense() -> None:
    assert chosen("resnet") == ["conv2d_1", "conv2d_2", "conv2d_3", "conv2d_4", "conv2d_5"]
    names = chosen("mobilenet_v2")
    assert len(names) == 6 and not any("depthwise" in name for name in names)


def test_large_first_and_last_layers_do_not() -> None:
    assert chosen("mlp") == ["dense", "dense_1"]  # of 640, 512 and 64 weights
    assert len(chosen("autoencoder")) == 4 - 2 + 2  # of 640, 64, 64 and 640


def test_layers_are_chosen_and_left_out_by_name() -> None:
    assert chosen("resnet", layers=["conv2d*"], exclude=["conv2d_?"]) == ["conv2d"]
    assert chosen("mobilenet_v2", layers=["depthwise_conv2d_1"]) == ["depthwise_conv2d_1"]
    assert chosen("lstm", layers=["lstm"]) == ["lstm", "lstm.recurrent_kernel"]


@pytest.mark.parametrize("settings", [{"layers": ["conv9"]}, {"exclude": ["conv9"]}])
def test_a_name_that_fits_no_layer_is_refused_with_those_that_there_are(settings: Any) -> None:
    with pytest.raises(InputError, match=r"'conv9'.*there are conv2d, conv2d_1"):
        chosen("resnet", **settings)


def test_nothing_to_make_sparse_and_wrong_labels_are_refused_before_training() -> None:
    from midge.converter.sparsify import check

    state, context = surroundings(build("resnet"))
    with pytest.raises(InputError, match="nothing to make sparse"):
        check(Sparsify(sparsity=0.5, exclude=("*",)), state, context)
    context.train.labels[0] = 10
    with pytest.raises(DataError, match="from 0 to 9"):
        check(Sparsify(sparsity=0.5), state, context)


@pytest.mark.parametrize(
    ("family", "pattern"),
    [
        pytest.param(family, pattern, marks=() if i == j else pytest.mark.long)
        for i, family in enumerate(("resnet", "mobilenet_v2", "autoencoder"))
        for j, pattern in enumerate(("unstructured", "2:4", f"{BLOCKS[0][0]}x{BLOCKS[0][1]}"))
    ],
)
def test_zeros_survive_the_conversion(family: str, pattern: str, tmp_path: Path) -> None:
    """What is zero in Keras is zero in int8, where the kernels look for it."""
    from keras_networks import samples

    from midge.converter.job import TFLITE_FILE, Job
    from midge.converter.recipe import Recipe, load_recipe
    from midge.converter.worker import work

    model = build(family)
    path, data = tmp_path / "model.keras", tmp_path / "data.npz"
    model.save(path)
    np.savez(data, **samples(model, 48))
    step = Sparsify(sparsity=0.5, pattern=pattern, training=SHORT)
    recipe = Recipe(1, "mine", "", (step, *load_recipe("int8").steps))
    job = Job(model=str(path), name=path.name, recipe=recipe, train=str(data), calibration=str(data))
    outcome = work(job, tmp_path, lambda _: None)

    note = outcome.notes[0]
    rows = [
        node.input(1).data.reshape(len(node.input(1).data), -1)
        for node in read_model((tmp_path / TFLITE_FILE).read_bytes(), "out").nodes()
        if node.operator.kind in ("CONV_2D", "FULLY_CONNECTED")
    ]
    sparse = [matrix for matrix in rows if np.mean(matrix == 0) > 0.3]

    assert 0.5 <= note["sparsity"] < 0.53
    assert len(sparse) == len(note["layers"])
    zeros = sum(int(np.sum(matrix == 0)) for matrix in sparse)
    assert zeros >= 0.5 * note["weights"]
    if pattern not in ("unstructured", "2:4"):
        tall, wide = BLOCKS[0]
        for matrix in sparse:
            padded = np.pad(matrix, ((0, -matrix.shape[0] % tall), (0, -matrix.shape[1] % wide)))
            cells = padded.reshape(padded.shape[0] // tall, tall, -1, wide).any(axis=(1, 3))
            assert 0.3 < np.mean(~cells) < 0.7


def test_weights_that_stay_are_the_least_squares_solution() -> None:
    """Of what the layer computed before, from what the sparse network feeds it, held near the weights that it had."""
    import keras

    from midge.converter.checkpoints import Checkpoints
    from midge.converter.context import Context, State
    from midge.converter.network import from_keras
    from midge.converter.sparsify import run

    keras.utils.set_random_seed(4)
    layers = [keras.layers.Dense(n, name=name) for n, name in ((12, "first"), (7, "middle"), (3, "last"))]
    model = keras.Sequential([keras.Input((9,)), *layers])
    samples = np.random.default_rng(1).normal(size=(40, 9)).astype(np.float32)
    step = Sparsify(sparsity=0.5, rounds=1, layers=("middle",), training=Training(epochs=0))
    network = from_keras(model)
    context = Context(
        "m", network, Dataset("training", (samples,), None), None, None, 1, Checkpoints(None), lambda stage: None
    )
    sparse = run(step, State(network), context).network.keras_model

    kernel, bias = (np.asarray(v, np.float64) for v in model.get_layer("middle").variables)
    read = samples.astype(np.float64) @ np.asarray(layers[0].kernel) + np.asarray(layers[0].bias)
    computed = read @ kernel + bias
    stays = np.abs(kernel) > np.sort(np.abs(kernel).ravel())[kernel.size // 2 - 1]
    held = 1e-3 * (read**2).sum() / 12
    expected = np.zeros((13, 7))
    for column in range(7):
        rows = np.flatnonzero(stays[:, column])
        system = np.concatenate([read[:, rows], np.ones((40, 1))], axis=1)
        near = np.sqrt(held) * np.eye(len(rows) + 1)
        before = np.append(kernel[rows, column], bias[column])
        found = np.linalg.lstsq(
            np.concatenate([system, near]), np.concatenate([computed[:, column], near @ before]), rcond=None
        )[0]
        expected[np.append(rows, 12), column] = found

    found_kernel, found_bias = (np.asarray(v) for v in sparse.get_layer("middle").variables)
    np.testing.assert_array_equal(found_kernel != 0, stays)
    np.testing.assert_allclose(np.concatenate([found_kernel, found_bias[None]]), expected, atol=2e-5)
    np.testing.assert_array_equal(sparse.get_layer("first").kernel, layers[0].kernel)


@pytest.mark.parametrize(("rounds", "moment"), [(4, "round 3 of"), (4, "epoch 2 of"), (0, "epoch 2 of")])
def test_an_interrupted_training_ends_with_the_same_weights(rounds: int, moment: str, tmp_path: Path) -> None:
    import keras

    from midge.converter.sparsify import run

    step = Sparsify(sparsity=0.75, rounds=rounds, ramp=0.7, training=Training(epochs=4, batch=16))
    stages: list[str] = []

    def sparse(folder: Path | None, say: Any = None) -> list[np.ndarray]:
        keras.utils.set_random_seed(7)
        state, context = surroundings(build("mlp"), folder, say)
        return [np.asarray(v) for v in run(step, state, context).network.keras_model.variables]

    def stop(stage: str) -> None:
        if moment in stage:
            raise KeyboardInterrupt

    whole = sparse(None)
    with pytest.raises(KeyboardInterrupt):
        sparse(tmp_path, stop)
    resumed = sparse(tmp_path, stages.append)

    assert all((a == b).all() for a, b in zip(whole, resumed, strict=True))
    assert not any(f": {moment.split()[0]} 1 of" in stage for stage in stages)


def test_recurrent_weights_become_zero_while_the_network_trains() -> None:
    """Their layers cannot be solved."""
    from midge.converter.sparsify import run

    stages: list[str] = []
    state, context = surroundings(build("gru"), say=stages.append)
    run(Sparsify(sparsity=0.5, training=SHORT), state, context)

    assert not any("round" in stage for stage in stages)
    assert min(context.notes[0]["layers"].values()) >= 0.5


def test_from_python_the_model_that_was_given_is_left_alone() -> None:
    from keras_networks import samples

    from midge.converter.sparsify import sparsify

    model = build("vgg")
    before = [np.asarray(v) for v in model.variables]
    sparse = sparsify(model, samples(model, 32), sparsity=0.9, scope="global", training=SHORT)

    assert all((a == np.asarray(b)).all() for a, b in zip(before, model.variables, strict=True))
    kernels = [np.asarray(v) for v in sparse.trainable_variables if v.name == "kernel"][1:-1]
    assert sum(int((k == 0).sum()) for k in kernels) == int(np.ceil(0.9 * sum(k.size for k in kernels)))


def test_settings_from_python_are_checked_as_those_of_a_recipe() -> None:
    from midge.converter.sparsify import sparsify

    with pytest.raises(InputError, match="sparsity must be 0 or more"):
        sparsify(build("mlp"), np.zeros((4, 20), np.float32), sparsity=2.0)


def test_what_ran_before_does_not_change_what_dropout_drops() -> None:
    """A model that is read from a checkpoint has dropout as it began, one that was trained just now has not."""
    import keras

    from midge import sparsify

    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((8,)), dense(16, "relu"), keras.layers.Dropout(0.5), dense(9), dense(3)])
    x = np.random.default_rng(0).normal(size=(48, 8)).astype(np.float32)

    def weights() -> list[Any]:
        return sparsify(model, (x, np.arange(48) % 3), sparsity=0.5, rounds=0, training=SHORT).get_weights()

    before = weights()
    model(x, training=True)

    for a, b in zip(before, weights(), strict=True):
        np.testing.assert_array_equal(a, b)
