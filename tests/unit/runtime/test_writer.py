"""What is written is what is read: graphs through `.tflite` bytes and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reference import FLOAT_MODELS, INT8_MODELS, model_path

from midge.runtime.graph import DType, Graph
from midge.runtime.tflite.reader import read_file, read_model
from midge.runtime.tflite.writer import write_model

DIGITS = Path(__file__).parents[2] / "models" / "digits_int8.tflite"


def same(a: Graph, b: Graph) -> bool:
    """Whether two graphs agree in everything but the hash of the file."""
    assert [(o.kind, o.inputs, o.outputs, o.attributes, o.version) for o in a.operators] == [
        (o.kind, o.inputs, o.outputs, o.attributes, o.version) for o in b.operators
    ]
    assert (a.inputs, a.outputs) == (b.inputs, b.outputs)
    for one, other in zip(a.tensors, b.tensors, strict=True):
        assert (one.name, one.shape, one.dtype) == (other.name, other.shape, other.dtype)
        assert (one.data is None) == (other.data is None)
        if one.data is not None and other.data is not None:
            np.testing.assert_array_equal(one.data, other.data)
        assert (one.quantization is None) == (other.quantization is None)
        if one.quantization is not None and other.quantization is not None:
            np.testing.assert_array_equal(one.quantization.scales, other.quantization.scales)
            np.testing.assert_array_equal(one.quantization.zero_points, other.quantization.zero_points)
            assert one.quantization.axis == other.quantization.axis
    return True


def test_a_written_graph_reads_back_the_same() -> None:
    graph = read_file(DIGITS)

    assert same(graph, read_model(write_model(graph)))


@pytest.mark.parametrize("name", [*INT8_MODELS, *FLOAT_MODELS])
def test_reference_models_read_back_the_same(name: str) -> None:
    graph = read_file(model_path(name))

    assert same(graph, read_model(write_model(graph)))


def test_the_oracle_computes_the_same_with_the_written_file() -> None:
    from tflite_micro import runtime

    written = write_model(read_file(DIGITS))
    images = np.random.default_rng(0).integers(-128, 128, (5, 1, 8, 8, 1), np.int8)
    expected, found = (
        runtime.Interpreter.from_bytes(content, arena_size=1 << 18) for content in (DIGITS.read_bytes(), written)
    )
    for image in images:
        for interpreter in (expected, found):
            interpreter.set_input(image, 0)
            interpreter.invoke()
        np.testing.assert_array_equal(found.get_output(0), expected.get_output(0))


def test_constants_start_at_multiples_of_sixteen_bytes() -> None:
    written = write_model(read_file(DIGITS))
    graph = read_model(written)
    large = max((t for t in graph.tensors if t.dtype is DType.INT8 and t.data is not None), key=lambda t: t.elements)
    assert large.data is not None

    assert written.index(large.data.tobytes()) % 16 == 0
