"""Midge's quantizer on families of networks: against TensorFlow's, and what other runtimes make of its files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tflite_micro import runtime as tflm

import midge
from midge.converter.data import Dataset
from midge.converter.quantizer.execute import divergence, outputs_of, widen
from midge.converter.quantizer.post_training import Settings, quantize
from midge.converter.quantizer.weighted import weights_of
from midge.converter.recipe import load_recipe
from midge.runtime.graph import DType, Graph
from midge.runtime.tflite.reader import read_model
from midge.runtime.tflite.writer import write_model

# TensorFlow and its friends use what NumPy and Python are about to drop.
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
CALIBRATION = 64
COMPARED = 8

RECIPES = {
    "int8": Settings(),
    "int8, tuned": Settings(ranges="mse", bias_correction=True),
    "int8, equalized": Settings(ranges="percentile", equalize=True),
    "int4": Settings(weights="int4", ranges="mse", bias_correction=True),
    "float32 interface": Settings(interface="float32"),
}


@cache
def exported(family: str) -> tuple[bytes, bytes, Dataset]:
    """Return a family's float file, TensorFlow's int8 file of it, and calibration data."""
    from keras_networks import build, samples

    from midge.converter import export, network, quantize

    model = build(family)
    straight = export.unroll_recurrent(network.from_keras(model))
    function, module = export.export(straight)
    inputs = samples(model, CALIBRATION)
    data = Dataset("calibration", tuple(inputs[spec.name] for spec in straight.inputs), None)
    plain = load_recipe("int8").quantize
    return (
        quantize.to_tflite(straight, function, module, None, None),
        quantize.to_tflite(straight, function, module, plain, data),
        data,
    )


def activations(graph: Graph, without: set[str]) -> dict[str, tuple[float, int]]:
    """Return scale and zero point of the activations that no operator of these kinds reads."""
    read = {i for op in graph.operators if op.kind in without for i in op.inputs}
    written = {*graph.inputs, *(i for op in graph.operators for i in op.outputs)}
    found = {}
    for index in written - read - set(graph.outputs):
        quantization = graph.tensors[index].quantization
        if quantization is not None:
            found[graph.tensors[index].name] = quantization.scale, quantization.zero_point
    return found


@pytest.mark.parametrize("family", ["lenet", "vgg", "inception", "resnet", "mobilenet_v2", "autoencoder", "two_headed"])
def test_plain_ranges_are_tensorflows(family: str) -> None:
    """By least and greatest value both quantizers choose the same.

    They part where TensorFlow lets an addition's operand take its result's scale, or keeps all of the range that TANH
    saturates.
    """
    content, theirs, data = exported(family)
    ours = quantize(content, data, Settings()).network.graph

    expected, found = (activations(graph, {"ADD", "TANH"}) for graph in (read_model(theirs), ours))

    shared = set(expected) & set(found)
    assert len(shared) >= 2
    for name in shared:
        assert found[name][0] == pytest.approx(expected[name][0], rel=1e-5), name
        assert found[name][1] == expected[name][1], name


@pytest.mark.parametrize("family", FAMILIES)
def test_int8_is_as_near_to_the_float_network_as_tensorflows(family: str) -> None:
    content, theirs, data = exported(family)
    exact = outputs_of(read_model(content), data)

    ours = quantize(content, data, Settings(ranges="mse", bias_correction=True)).network.graph
    expected, found = (divergence(exact, outputs_of(graph, data)) for graph in (read_model(theirs), ours))

    assert found < 1.1 * expected + 1e-4


@pytest.mark.parametrize(
    ("family", "recipe"),
    [
        pytest.param(family, recipe, marks=() if (i + j) % len(RECIPES) == 0 else pytest.mark.long)
        for i, family in enumerate(FAMILIES)
        for j, recipe in enumerate(RECIPES)
    ],
)
def test_files_run_everywhere_and_the_host_gives_the_bits_of_tflm(family: str, recipe: str, tmp_path: Path) -> None:
    """TensorFlow Lite Micro refuses int4 in fully connected layers per channel: it gets the same weights as int8."""
    content, _, data = exported(family)
    network = quantize(content, data, RECIPES[recipe]).network
    path = tmp_path / "m.tflite"
    path.write_bytes(network.content())
    part = data.first(COMPARED)
    model = midge.load(path)

    expected = micro(write_model(widen(network.graph)), network.graph, part)
    found = model.run(*part.inputs)

    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(other.reshape(one.shape), one)
    for one, other in zip(found, litert(path.read_bytes(), network.graph, part), strict=True):
        steps = 1.0 if one.dtype == np.int8 else 1 / 64
        assert np.abs(one.reshape(other.shape).astype(np.float64) - other).max() <= 3 * steps


@pytest.mark.parametrize("family", ["inception", "resnet", "mobilenet_v2"])
def test_convolutions_with_int4_weights_run_in_tflm_as_they_are(family: str) -> None:
    content, _, data = exported(family)
    network = quantize(content, data, RECIPES["int4"]).network
    graph, part = network.graph, data.first(COMPARED)
    narrow = {i for i, ops in weights_of(network.exact).items() if ops[0].kind != "FULLY_CONNECTED"}
    assert any(graph.tensors[i].dtype is DType.INT4 for i in narrow)

    expected, found = (micro(write_model(g), graph, part) for g in (widen(graph), graph))

    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def stored(graph: Graph, data: Dataset) -> list[np.ndarray]:
    """Return the inputs in the file's type, as TFLM's QUANTIZE rounds: halves away from zero, in float32."""
    found = []
    for index, column in zip(graph.inputs, data.inputs, strict=True):
        values, quantization = np.asarray(column), graph.tensors[index].quantization
        if quantization is not None:
            scaled = values / np.float32(quantization.scale)
            rounded = np.sign(scaled) * np.floor(np.abs(scaled.astype(np.float64)) + 0.5) + quantization.zero_point
            values = np.clip(rounded, -128, 127).astype(np.int8)
        found.append(values)
    return found


def micro(content: bytes, graph: Graph, data: Dataset) -> list[np.ndarray]:
    """Run samples in TensorFlow Lite Micro; outputs in the file's type."""
    interpreter: Any = tflm.Interpreter.from_bytes(content, arena_size=1 << 20)
    rows = []
    for number in range(len(data)):
        interpreter.reset()
        for position, values in enumerate(stored(graph, data)):
            interpreter.set_input(values[number : number + 1], position)
        interpreter.invoke()
        rows.append([interpreter.get_output(position).copy() for position in range(len(graph.outputs))])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def litert(content: bytes, graph: Graph, data: Dataset) -> list[np.ndarray]:
    """Run samples in LiteRT's reference kernels; outputs in the file's type."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    Interpreter(model_content=content).allocate_tensors()  # its default kernels take the file, too
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for number in range(len(data)):
        for detail, values in zip(inputs, stored(graph, data), strict=True):
            interpreter.set_tensor(detail["index"], values[number : number + 1])
        interpreter.invoke()
        rows.append([interpreter.get_tensor(detail["index"]).copy() for detail in outputs])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]
