"""The step that prunes: how much goes, what stays, and that it can be interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from midge.converter.data import Dataset
from midge.converter.steps import Prune
from midge.converter.steps.step import Training
from midge.runtime.errors import DataError, InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

UNTRAINED = Training(epochs=0)


def build(family: str) -> Any:
    import keras
    from keras_networks import build as build_family

    keras.backend.clear_session()  # names count from the start
    return build_family(family)


def short() -> Any:
    """A network that is quickly trained, with statistics and weights that are not at rest."""
    import keras
    from keras import layers

    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(image)))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3, activation="relu")(x))
    model = keras.Model(image, layers.Dense(10, "softmax")(x))
    draw = np.random.default_rng(7)
    for variable in model.variables:
        if len(variable.shape) == 1:
            variable.assign(draw.uniform(0.5, 1.5, variable.shape))
    return model


def surroundings(model: Any, folder: Path | None = None, say: Any = None, labels: bool = True) -> tuple[Any, Any]:
    from keras_networks import samples

    from midge.converter.checkpoints import Checkpoints
    from midge.converter.context import Context, State
    from midge.converter.network import from_keras

    network = from_keras(model)
    inputs = tuple(samples(model, 48)[spec.name] for spec in network.inputs)
    data = Dataset("training", inputs, network.predict(inputs)[0].argmax(axis=-1) if labels else None)
    context = Context("model.keras", network, data, None, None, 1, Checkpoints(folder), say or (lambda stage: None))
    return State(network), context


def pruned(step: Prune, model: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    from midge.converter.prune.schedule import check, run

    state, context = surroundings(model, **options)
    check(step, state, context)
    after = run(step, state, context).network.keras_model
    (note,) = context.notes
    return after, dict(note)


def macs_of_file(model: Any) -> int:
    """Count the multiplications of the exported float graph with the runtime's own tables."""
    from midge.converter import export, quantize
    from midge.converter.network import from_keras
    from midge.runtime.passes.count_macs import count_macs
    from midge.runtime.tflite.reader import read_model

    network = export.unroll_recurrent(from_keras(model))
    content = quantize.to_tflite(network, *export.export(network), None, None)
    return sum(operator.macs for operator in count_macs(read_model(content, "model")).operators)


@pytest.mark.parametrize(("family", "most"), [("resnet", 0.45), ("mobilenet_v2", 0.45), ("lstm", 0.5)])
def test_at_least_the_share_of_the_multiplications_goes_and_little_more(family: str, most: float) -> None:
    """One of few recurrent units is much of the whole."""
    model = build(family)
    step = Prune(remove=0.4, multiple_of=1, rounds=1, training=UNTRAINED)

    after, note = pruned(step, model)
    before_macs, after_macs = macs_of_file(model), macs_of_file(after)

    assert (note["before"]["macs"], note["after"]["macs"]) == (before_macs, after_macs)
    assert 0.4 <= 1 - after_macs / before_macs < most
    assert model.count_params() > after.count_params()


@pytest.mark.parametrize("importance", ["magnitude", "batch_norm", "taylor", "activation"])
def test_every_measure_of_importance_removes_parameters_without_labels(importance: str) -> None:
    model = build("resnet")
    step = Prune(remove=0.3, budget="parameters", importance=importance, rounds=1, training=UNTRAINED)  # type: ignore[arg-type]

    after, _ = pruned(step, model, labels=False)

    assert after.count_params() <= 0.7 * model.count_params()


def test_excluded_layers_keep_their_channels_and_others_come_in_multiples() -> None:
    model = build("vgg")
    first = model.layers[1] if model.layers[0].__class__.__name__ == "InputLayer" else model.layers[0]
    step = Prune(remove=0.3, scope="layer", exclude=(first.name,), multiple_of=4, rounds=1, training=UNTRAINED)

    after, note = pruned(step, model)

    assert after.get_layer(first.name).filters == first.filters
    assert first.name not in {group["name"] for group in note["groups"] if group["after"] < group["before"]}
    assert all(group["after"] % 4 == 0 for group in note["groups"] if group["before"] >= 8)


def test_a_branch_that_adds_nothing_goes_before_channels_do() -> None:
    import keras

    model = build("resnet")
    from midge.converter.prune import find_blocks

    block = find_blocks(model)[0]
    last = [model.get_layer(name) for name in block.layers if model.get_layer(name).weights][-1]
    for variable in last.trainable_variables:
        variable.assign(keras.ops.zeros_like(variable))
    for variable in last.non_trainable_variables:
        variable.assign(keras.ops.zeros_like(variable) if "mean" in variable.name else keras.ops.ones_like(variable))

    _, note = pruned(Prune(remove=0.85, blocks=True, rounds=1, least=0.1, training=UNTRAINED), model)

    assert block.name in note["blocks"]


def test_interrupted_pruning_ends_with_the_same_weights(tmp_path: Path) -> None:
    import keras

    step = Prune(remove=0.4, rounds=2, recovery=0.5, training=Training(epochs=2, batch=16, shift=0.1))

    def weights(folder: Path, say: Any = None) -> list[np.ndarray]:
        keras.utils.set_random_seed(7)
        after, _ = pruned(step, short(), folder=folder, say=say)
        return [np.asarray(v) for v in after.variables]

    def stop(stage: str) -> None:
        if "round 2: epoch 1 of" in stage:
            raise KeyboardInterrupt

    whole = weights(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        weights(tmp_path / "parts", stop)
    said: list[str] = []
    resumed = weights(tmp_path / "parts", said.append)

    assert all((a == b).all() for a, b in zip(whole, resumed, strict=True))
    assert not any("round 1" in stage for stage in said)


def test_what_is_cut_without_training_has_the_widths_of_what_is_cut_and_trained() -> None:
    """A search probes recipes without their training, for what they cost."""
    step = Prune(remove=0.5, rounds=2, training=Training(epochs=1, batch=16))
    trained, probed = (pruned(one, short())[1] for one in (step, msgspec.structs.replace(step, training=UNTRAINED)))

    assert trained["groups"] == probed["groups"]
    assert trained["losses"] != probed["losses"]


def test_what_cannot_be_pruned_is_refused_before_any_training() -> None:
    from midge.converter.prune.schedule import check

    state, context = surroundings(build("resnet"))
    with pytest.raises(InputError, match=r"no layer 'conv9' to exclude.*conv2d"):
        check(Prune(remove=0.5, exclude=("conv9",)), state, context)
    with pytest.raises(InputError, match="nothing to prune"):
        check(Prune(remove=0.5, exclude=("*",)), state, context)
    with pytest.raises(InputError, match=r"100% of the macs.*at most [0-9.]+ % can"):
        check(Prune(remove=0.999), state, context)
    context.train.labels[0] = 10
    with pytest.raises(DataError, match="from 0 to 9"):
        check(Prune(remove=0.5), state, context)


def test_a_network_without_hidden_channels_is_refused_with_the_reason() -> None:
    import keras

    row = keras.Input((8,), name="row")
    model = keras.Model(row, keras.layers.Dense(3)(row))
    from midge.converter.prune.schedule import check

    with pytest.raises(InputError, match=r"nothing to prune in model.keras.*output"):
        check(Prune(remove=0.5), *surroundings(model))


def test_from_python_the_model_that_was_given_is_left_alone() -> None:
    from keras_networks import samples

    from midge.converter.prune import prune

    model = build("vgg")
    before = [np.asarray(v) for v in model.variables]
    after = prune(model, samples(model, 32), 0.5, rounds=1, training=Training(epochs=1, batch=16))

    assert all((a == np.asarray(b)).all() for a, b in zip(before, model.variables, strict=True))
    assert after.count_params() < model.count_params()
    with pytest.raises(InputError, match="remove must be 0 or more"):
        prune(model, samples(model, 32), 1.5)
