"""Networks trained in their integers: what training computed is what the file computes, bit for bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from integer_networks import assert_exported_as_simulated, exported, family, integers

from midge.converter.data import Dataset
from midge.converter.steps.step import Training
from midge.runtime.errors import ConversionError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

# Spelled out, so that collecting the tests does not import TensorFlow.
FAMILIES = (
    "mlp",
    "lenet",
    "vgg",
    "inception",
    "resnet",
    "mobilenet_v2",
    "autoencoder",
    "simple_rnn",
    "lstm",
    "gru",
    "two_headed",
)
SHORTEST = ("mlp", "mobilenet_v2", "simple_rnn", "two_headed")
"""The others take minutes: `pytest --long`."""
FOUR_BITS = (("lenet", "int4"), ("simple_rnn", "int4"))
DIGITS = Path(__file__).parents[3] / "examples" / "digits"
SHORT = Training(epochs=1, batch=16, learning_rate=3e-3)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        *(pytest.param(name, "int8", marks=() if name in SHORTEST else pytest.mark.long) for name in FAMILIES),
        *(pytest.param(*case, marks=() if case == FOUR_BITS[0] else pytest.mark.long) for case in FOUR_BITS),
    ],
)
def test_a_trained_network_is_exported_as_it_was_simulated(name: str, weights: Literal["int8", "int4"]) -> None:
    from midge.converter.qat.train import train_integers

    network, data = family(name)
    start = integers(network, data, weights)
    trained = train_integers(start, network, data, SHORT)

    assert trained.loss_after < trained.loss_before
    assert_exported_as_simulated(trained.network, data.inputs)


def test_the_steps_of_training_compute_what_the_file_computes() -> None:
    import tensorflow as tf
    from keras.models import load_model

    from midge.converter.checkpoints import Checkpoints
    from midge.converter.losses import Task
    from midge.converter.network import from_keras
    from midge.converter.qat.simulator import Simulator
    from midge.converter.training import train

    network = from_keras(load_model(DIGITS / "digits.keras"))
    with np.load(DIGITS / "test.npz") as file:
        images, digits = file["x"], file["y"]
    data = Dataset("training", (images,), digits)
    simulator = Simulator(integers(network, data), learn_scales=True)
    task = Task(network, data)

    def repeat(loss: Any, data: Dataset, after_step: Any) -> None:
        quiet: dict[str, Any] = {"checkpoints": Checkpoints(None), "say": lambda _: None, "stage": "steps"}
        train(loss, simulator.variables, data, SHORT, seed=0, after_step=after_step, **quiet)

    repeat(lambda x, y: task.against_labels(simulator.run_real(x), x, y), data, simulator.limit)
    # The same steps again, each taken back, so that one network computes all of them: what did they compute?
    trained = [np.asarray(variable) for variable in simulator.variables]
    computed = tf.Variable(tf.fill((len(images), 10), 1000.0))

    def watched(x: Any, numbers: Any) -> Any:
        (outputs,) = simulator.run(x)
        computed.scatter_nd_update(numbers[:, None], outputs)
        return tf.reduce_mean(tf.square(outputs - tf.one_hot(tf.gather(digits, numbers), 10, 127.0, -128.0)))

    def take_back() -> None:
        for variable, value in zip(simulator.variables, trained, strict=True):
            variable.assign(value)

    repeat(watched, Dataset("training", (images,), np.arange(len(images))), take_back)

    np.testing.assert_array_equal(computed.numpy(), exported(simulator.export(), (images,))[0])


def test_a_network_is_simulated_as_its_file_computes_before_training_too() -> None:
    network, data = family("simple_rnn")  # its steps share weights, while their biases are corrected apart

    assert_exported_as_simulated(integers(network, data), data.inputs)


def test_the_same_seed_trains_the_same_integers_and_another_does_not() -> None:
    from midge.converter.qat.train import train_integers

    network, data = family("mlp")
    start = integers(network, data)
    files = [train_integers(start, network, data, SHORT, seed=seed).network.content() for seed in (1, 1, 2)]

    assert files[0] == files[1]
    assert files[0] != files[2]


def test_interrupted_training_ends_with_the_same_integers(tmp_path: Path) -> None:
    from midge.converter.checkpoints import Checkpoints
    from midge.converter.qat.train import train_integers

    network, data = family("mlp")
    start = integers(network, data)
    training = Training(epochs=3, batch=16, learning_rate=1e-2)
    straight = train_integers(start, network, data, training)

    def interrupt(stage: str) -> None:
        if "epoch 2 of 3" in stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_integers(start, network, data, training, checkpoints=Checkpoints(tmp_path), say=interrupt)
    said: list[str] = []
    resumed = train_integers(start, network, data, training, checkpoints=Checkpoints(tmp_path), say=said.append)

    assert "going on after epoch" in said[0]
    assert resumed.network.content() == straight.network.content()


def test_pruned_weights_stay_zero() -> None:
    from midge.converter.network import from_keras
    from midge.converter.qat.train import train_integers

    network, data = family("mlp")
    model = network.keras_model
    kernel = model.layers[1].kernel
    pruned = np.random.default_rng(1).random(kernel.shape) < 0.5
    kernel.assign(np.where(pruned, 0, kernel.numpy()))
    network = from_keras(model)
    start = integers(network, data)
    trained = train_integers(start, network, data, SHORT).network
    index = start.graph.operators[1].inputs[1]

    assert (trained.graph.tensors[index].data[pruned.T] == 0).all()
    assert (trained.graph.tensors[index].data != start.graph.tensors[index].data).any()


def test_without_labels_the_teacher_is_enough() -> None:
    from midge.converter.qat.train import train_integers

    network, data = family("mlp")
    start = integers(network, data, "int4")
    training = Training(epochs=6, batch=16, learning_rate=3e-3)
    trained = train_integers(start, network, Dataset("calibration", data.inputs, None), training)

    assert trained.loss_after < trained.loss_before


def test_an_operator_that_cannot_be_trained_through_is_named() -> None:
    from midge.converter.qat.train import train_integers
    from midge.runtime.errors import UnsupportedError

    network, data = family("mlp")
    start = integers(network, data)
    operators = list(start.graph.operators)
    operators[1] = dataclasses.replace(operators[1], kind="SVDF")
    broken = start.replace(graph=start.graph.replace(operators=tuple(operators)))

    with pytest.raises(UnsupportedError, match=r"SVDF cannot be trained through"):
        train_integers(broken, network, data, SHORT)


def test_a_network_that_tensorflow_quantized_is_refused() -> None:
    from midge.converter.checkpoints import Checkpoints
    from midge.converter.context import Context, State
    from midge.converter.qat.train import run
    from midge.converter.steps import Qat

    network, data = family("mlp")
    context = Context("model.keras", network, data, data, None, 0, Checkpoints(None), lambda stage: None)

    with pytest.raises(ConversionError, match=r"Midge's own quantizer.*recipe int8"):
        run(Qat(), State(network, content=b""), context)
