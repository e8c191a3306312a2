"""Networks trained in their integers: what training computed is what the file computes, bit for bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tflite_micro import runtime as tflm

from midge.converter.data import Dataset
from midge.converter.steps.step import Training
from midge.runtime.errors import ConversionError
from midge.runtime.graph import DType, Graph
from midge.runtime.model import quantize
from midge.runtime.tflite.writer import write_model

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
SAMPLES = 48
SHORT = Training(epochs=1, batch=16, learning_rate=1e-2)


def integers(network: Any, data: Dataset, bits: int = 8) -> Any:
    """Quantize a network; ``bits`` are those of all weights but the first and the last."""
    from midge.converter import export
    from midge.converter.quantize import to_tflite
    from midge.converter.quantizer.network import quantize_network, weights_of
    from midge.converter.quantizer.observe import observe
    from midge.converter.quantizer.ranges import choose_ranges
    from midge.runtime.tflite.reader import read_model

    straight = export.unroll_recurrent(network)
    function, module = export.export(straight)
    content = to_tflite(straight, function, module, None, None)
    graph = read_model(content)
    ranges = choose_ranges(observe(graph, content, data.inputs), "minmax")
    return quantize_network(graph, ranges, dict.fromkeys(list(weights_of(graph))[1:-1], bits))


def family(name: str) -> tuple[Any, Dataset]:
    """Return a network and samples labelled by itself; without labels where it rebuilds its input."""
    import keras
    from keras_networks import build, samples

    from midge.converter.network import from_keras

    keras.backend.clear_session()  # names count from the start
    model = build(name)
    network = from_keras(model)
    inputs = tuple(samples(model, SAMPLES)[spec.name] for spec in network.inputs)
    labels = None if name == "autoencoder" else network.predict(inputs)[0].argmax(axis=-1)
    return network, Dataset("training", inputs, labels)


def simulated(network: Any, inputs: tuple[Any, ...]) -> list[np.ndarray]:
    """Evaluate all samples in the training graph."""
    import tensorflow as tf

    from midge.converter.qat.simulator import Simulator

    simulator = Simulator(network)
    run = tf.function(lambda *tensors: simulator.run(tensors), autograph=False)
    batches = [tuple(tf.constant(x[start : start + 50]) for x in inputs) for start in range(0, len(inputs[0]), 50)]
    parts = [[np.asarray(output) for output in run(*batch)] for batch in batches]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def as_int8(graph: Graph) -> Graph:
    """Return a graph with int4 weights stored as int8: the oracle's fully connected kernel takes no others."""
    tensors = [dataclasses.replace(t, dtype=DType.INT8) if t.dtype is DType.INT4 else t for t in graph.tensors]
    return graph.replace(tensors=tuple(tensors))


def exported(network: Any, inputs: tuple[Any, ...]) -> list[np.ndarray]:
    """Run all samples through the file in TensorFlow Lite Micro; outputs as they are stored."""
    interpreter: Any = tflm.Interpreter.from_bytes(write_model(as_int8(network.graph)), arena_size=1 << 21)
    tensors = [network.graph.tensors[i] for i in network.graph.inputs]
    stored = [
        quantize(x, t.quantization.scale, t.quantization.zero_point, np.dtype(np.int8), t.name)
        for x, t in zip(inputs, tensors, strict=True)
    ]
    rows = []
    for i in range(len(inputs[0])):
        interpreter.reset()
        for k, x in enumerate(stored):
            interpreter.set_input(x[i : i + 1], k)
        interpreter.invoke()
        rows.append([np.array(interpreter.get_output(k)) for k in range(len(network.graph.outputs))])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def assert_exported_as_simulated(network: Any, inputs: tuple[Any, ...]) -> None:
    for found, wanted in zip(simulated(network, inputs), exported(network, inputs), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("name", "bits"), [*((name, 8) for name in FAMILIES), ("lenet", 4), ("lstm", 4)])
def test_a_trained_network_is_exported_as_it_was_simulated(name: str, bits: int) -> None:
    from midge.converter.qat.train import train_integers

    network, data = family(name)
    start = integers(network, data, bits)
    trained = train_integers(start, network, data, SHORT)

    assert trained.loss_after < trained.loss_before
    assert_exported_as_simulated(trained.network, data.inputs)


def test_a_residual_network_is_exported_as_it_was_simulated_on_500_images() -> None:
    from reference import SHARED

    from midge.converter import export
    from midge.converter.load import load
    from midge.converter.qat.train import train_integers

    path, data = SHARED / "models" / "pretrainedResnet.h5", SHARED / "data" / "cifar10_500.npz"
    if not path.exists() or not data.exists():
        pytest.skip("the reference models and data are not beside the repository (../shared)")
    network = export.compute_in_float32(load(path, path.parent))
    images = np.load(data)["images"].astype(np.float32)
    labels = np.load(data)["labels"]
    tuning = Dataset("training", (images[:64],), labels[:64])
    trained = train_integers(integers(network, tuning), network, tuning, SHORT)

    assert_exported_as_simulated(trained.network, (images,))


@pytest.mark.parametrize("name", ["lenet", "gru"])
def test_a_network_is_simulated_as_its_file_computes_before_training_too(name: str) -> None:
    network, data = family(name)

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
    start = integers(network, data, 4)
    trained = train_integers(start, network, Dataset("calibration", data.inputs, None), SHORT)

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
