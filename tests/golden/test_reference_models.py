"""The host runtime against TensorFlow Lite Micro, bit for bit, on whole networks and real inputs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from reference import DYNAMIC_RANGE_MODEL, FLOAT_MODELS, INT8_MODELS, SHARED, model_path, real_inputs
from tflite_micro import runtime as tflm

import midge
from midge.runtime.model import compile_graph, quantize
from midge.runtime.program import Target
from midge.runtime.tflite.reader import read_file

RANDOM_SAMPLES = 100
RANDOM_FLOAT_SAMPLES = 5
REAL_FLOAT_SAMPLES = 10


@pytest.mark.parametrize("name", INT8_MODELS)
def test_int8_models_equal_tflite_micro_on_real_and_random_inputs(name: str) -> None:
    """Every output byte is the same on every real sample and on a hundred random inputs."""
    path = model_path(name)
    model = midge.load(path)
    info = model.inputs[0]
    assert info.scale is not None and info.zero_point is not None
    real = real_inputs(name)
    if real.dtype != np.int8:
        real = quantize(real, info.scale, info.zero_point, np.dtype(np.int8), info.name)
    rng = np.random.default_rng(7)
    random = rng.integers(-128, 128, (RANDOM_SAMPLES, *info.shape[1:]), np.int8)
    oracle = tflm.Interpreter.from_file(str(path), arena_size=1 << 20)

    for number, sample in enumerate(np.concatenate([real, random])):
        oracle.set_input(sample.reshape(info.shape), 0)
        oracle.invoke()
        expected = oracle.get_output(0)

        np.testing.assert_array_equal(model.run(sample.reshape(info.shape))[0], expected, f"sample {number}")


@pytest.mark.parametrize("name", FLOAT_MODELS)
def test_float_models_agree_with_litert(name: str) -> None:
    """Outputs differ by at most 1e-5 of the largest one."""
    path = model_path(name)
    model, litert = midge.load(path), midge.load(path, backend="litert")
    info = model.inputs[0]
    rng = np.random.default_rng(7)
    random: npt.NDArray[np.float32] = rng.standard_normal((RANDOM_FLOAT_SAMPLES, *info.shape[1:])).astype(np.float32)
    samples = np.concatenate([real_inputs(name)[:REAL_FLOAT_SAMPLES], random])

    for sample in samples:
        expected = litert.run(sample.reshape(info.shape).astype(np.float32))[0]
        found = model.run(sample.reshape(info.shape).astype(np.float32))[0]

        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_the_dynamic_range_model_agrees_with_litert_reference_kernels() -> None:
    """LiteRT's fast kernels leave its own reference by 2 % here, so the reference is what counts."""
    path = model_path(DYNAMIC_RANGE_MODEL)
    model = midge.load(path)
    oracle = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    oracle.allocate_tensors()
    rng = np.random.default_rng(7)

    for _ in range(20):
        sample = rng.standard_normal(model.inputs[0].shape).astype(np.float32)
        oracle.set_tensor(oracle.get_input_details()[0]["index"], sample)
        oracle.invoke()
        expected = oracle.get_tensor(oracle.get_output_details()[0]["index"])

        assert np.abs(model.run(sample)[0] - expected).max() <= 1e-5 * np.abs(expected).max()


def test_resnet8_classifies_441_of_500_cifar_images() -> None:
    """The published accuracy of the reference arithmetic on these images."""
    model = midge.load(model_path("pretrainedResnet_quant"))
    labels = np.load(SHARED / "data" / "cifar10_500.npz")["labels"]
    scores = model.run(real_inputs("pretrainedResnet_quant"))[0]

    assert int((scores.argmax(axis=1) == labels).sum()) == 441


def test_half_of_the_visual_wake_words_need_not_be_computed() -> None:
    """Most of its weights are zeros in whole channels; what the file declares stays what is reported."""
    path = model_path("vww_96_int8")
    program = compile_graph(read_file(path), Target())
    convolutions = [node for node in program.graph.nodes() if "CONV" in node.operator.kind]
    weights = sum(node.input(1).elements for node in convolutions)

    assert program.macs == 7_489_664
    # 49.8 % and 14 %, and what dead channels that fill groups of four up add to that.
    assert 0.498 <= program.executed_macs / program.macs <= 0.505
    assert 0.139 <= weights / 207_600 <= 0.15
