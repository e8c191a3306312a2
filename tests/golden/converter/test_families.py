"""Families of networks through float32, int8 and int16x8, against Keras and TensorFlow Lite Micro.

The worker's code runs in this process, so that TensorFlow is imported once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tflite_micro import runtime as tflm

from midge.converter.job import TFLITE_FILE, Job, Outcome
from midge.converter.recipe import load_recipe
from midge.converter.worker import work

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


def convert(model: Any, recipe: str, folder: Path) -> tuple[Path, Outcome]:
    """Do what the worker does, for one recipe."""
    from keras_networks import samples

    path, data = folder / "model.keras", folder / "calibration.npz"
    model.save(path)
    np.savez(data, **samples(model, CALIBRATION))
    job = Job(model=str(path), name=path.name, recipe=load_recipe(recipe), calibration=str(data))
    return folder / TFLITE_FILE, work(job, folder, lambda stage: None)


def keras_outputs(model: Any, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    outputs = model([inputs[t.name] for t in model.inputs] if len(model.inputs) > 1 else next(iter(inputs.values())))
    return [np.asarray(o) for o in (outputs if isinstance(outputs, list) else [outputs])]


def micro_outputs(path: Path, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Run samples through TensorFlow Lite Micro: quantized on the way in, dequantized on the way out."""
    interpreter: Any = tflm.Interpreter.from_file(str(path), arena_size=1 << 20)
    rows = []
    for i in range(len(arrays[0])):
        interpreter.reset()
        for k, array in enumerate(arrays):
            detail = interpreter.get_input_details(k)
            interpreter.set_input(_quantize(array[i : i + 1], detail), k)
        interpreter.invoke()
        row = []
        for k in range(_outputs(path)):
            detail = interpreter.get_output_details(k)
            row.append(_dequantize(interpreter.get_output(k), detail))
        rows.append(row)
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def _outputs(path: Path) -> int:
    from ai_edge_litert import schema_py_generated as schema

    return int(schema.Model.GetRootAs(path.read_bytes(), 0).Subgraphs(0).OutputsLength())


def _quantize(array: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    dtype = np.dtype(detail["dtype"])
    if dtype.kind == "f":
        return array
    scale, zero = detail["quantization_parameters"]["scales"][0], detail["quantization_parameters"]["zero_points"][0]
    return np.clip(np.round(array / scale) + zero, np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)


def _dequantize(array: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    if array.dtype.kind == "f":
        return array
    scale, zero = detail["quantization_parameters"]["scales"][0], detail["quantization_parameters"]["zero_points"][0]
    return ((array.astype(np.float64) - zero) * scale).astype(np.float32)


# The largest root mean square error over the output's spread that quantization may cost these networks: random weights
# are harder than trained ones.
TOLERANCE = {"float32": 1e-5, "int8": 0.15, "int16x8": 0.05}


@pytest.mark.parametrize("recipe", TOLERANCE)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_converts_and_stays_near_keras(family: str, recipe: str, tmp_path: Path) -> None:
    """The file's outputs, in Keras's order, are Keras's but for what quantization costs."""
    from keras_networks import build, samples

    model = build(family)
    inputs = samples(model, COMPARED)
    expected = keras_outputs(model, inputs)

    path, outcome = convert(model, recipe, tmp_path)
    found = micro_outputs(path, list(inputs.values()))

    assert outcome.layers
    assert "WHILE" not in outcome.operators
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape
        if recipe == "float32":
            assert np.abs(a - b).max() <= TOLERANCE[recipe] * np.abs(a).max()
        else:
            assert np.sqrt(np.mean((a - b) ** 2)) <= TOLERANCE[recipe] * a.std()


@pytest.mark.parametrize(("recipe", "share", "tolerance"), [("float16", 0.65, 1e-2), ("dynamic", 0.5, 0.05)])
def test_float16_and_dynamic_store_less_and_stay_near_keras(
    recipe: str, share: float, tolerance: float, tmp_path: Path
) -> None:
    """Weights of half and a quarter of the size, names and tables aside; what ran a file is said."""
    from keras_networks import build, samples

    from midge.converter.interpreter import run_tflite

    model = build("vgg")
    inputs = samples(model, COMPARED)
    expected = keras_outputs(model, inputs)[0]
    whole = convert(model, "float32", tmp_path)[0].stat().st_size

    path, _ = convert(model, recipe, tmp_path)
    on, found = run_tflite(path, list(inputs.values()))

    assert on in ("host", "litert")
    assert path.stat().st_size < share * whole
    assert np.sqrt(np.mean((expected - found[0]) ** 2)) <= tolerance * expected.std()
