"""What `midge.load(path).run(...)` promises about shapes, types and batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import midge
from midge.runtime.errors import DataError, InputError, ModelError

DIGITS = Path(__file__).parents[2] / "models" / "digits_int8.tflite"


@pytest.fixture(scope="module")
def model() -> midge.Model:
    return midge.load(DIGITS)


def random(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (count, 8, 8, 1)).astype(np.int8)


def test_inputs_and_outputs_are_described_by_their_keras_names(model: midge.Model) -> None:
    assert [(info.name, info.shape, info.dtype) for info in model.inputs] == [("image", (1, 8, 8, 1), "int8")]
    assert [(info.name, info.shape, info.dtype) for info in model.outputs] == [("digit", (1, 10), "int8")]
    assert model.outputs[0].scale == 1 / 256 and model.outputs[0].zero_point == -128


def test_samples_of_a_batch_give_what_they_give_one_by_one(model: midge.Model) -> None:
    samples = random(5)
    together = model.run(samples)[0]
    one_by_one = [model.run(sample[np.newaxis])[0] for sample in samples]

    assert together.shape == (5, 10)
    np.testing.assert_array_equal(together, np.concatenate(one_by_one))


def test_floats_are_quantized_half_away_from_zero_and_saturated(model: midge.Model) -> None:
    """Scale 1/255, zero point -128: 0.5 is step 127.5, which rounds to 128."""
    info = model.inputs[0]
    assert info.scale is not None and info.zero_point is not None
    values = np.full(info.shape, 0.5, np.float32)
    values[0, 0, 0, 0], values[0, 0, 1, 0] = -5.0, 5.0
    stored = np.full(info.shape, int(np.floor(0.5 / info.scale + 0.5)) + info.zero_point, np.int8)
    stored[0, 0, 0, 0], stored[0, 0, 1, 0] = -128, 127

    np.testing.assert_array_equal(model.run(values)[0], model.run(stored)[0])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((), "expected 1 input arrays"),
        ((random(1), random(1)), "found 2"),
        ((np.zeros((1, 8, 8), np.int8),), r"expected shape \[1, 8, 8, 1\]"),
        ((np.zeros((0, 8, 8, 1), np.int8),), "for N samples"),
        ((np.zeros((1, 8, 8, 1), np.int32),), "found int32"),
        ((np.zeros((1, 8, 8, 1), np.uint8),), "found uint8"),
        ((np.full((1, 8, 8, 1), np.nan, np.float32),), "NaN or infinity"),
        ((np.full((1, 8, 8, 1), np.inf),), "NaN or infinity"),
    ],
)
def test_wrong_arrays_are_refused_and_say_what_was_expected(
    model: midge.Model, arrays: tuple[np.ndarray, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        model.run(*arrays)


def test_kept_tensors_are_those_of_the_last_run() -> None:
    kept = midge.load(DIGITS, keep_tensors=True)
    sample = random(1)
    expected = kept.run(sample)[0]
    graph = kept.backend.program.graph  # type: ignore[attr-defined]

    np.testing.assert_array_equal(kept.backend.tensor(graph.inputs[0]), sample)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(kept.backend.tensor(graph.outputs[0]), expected)  # type: ignore[attr-defined]


def test_overwritten_tensors_are_not_handed_out(model: midge.Model) -> None:
    graph = model.backend.program.graph  # type: ignore[attr-defined]

    with pytest.raises(InputError, match="keep_tensors"):
        model.backend.tensor(graph.operators[0].outputs[0])  # type: ignore[attr-defined]


def test_every_step_is_timed(model: midge.Model) -> None:
    seconds = model.backend.time_steps(2)  # type: ignore[attr-defined]

    assert len(seconds) == 13 and all(0 < second < 1 for second in seconds)


def test_litert_stands_behind_the_same_interface(model: midge.Model) -> None:
    """LiteRT's default kernels round otherwise than TensorFlow Lite Micro, but see the same digits."""
    litert = midge.load(DIGITS, backend="litert")
    images = np.load(Path(__file__).parents[3] / "examples" / "digits" / "test.npz")["x"][:100]

    assert litert.inputs == model.inputs and litert.outputs == model.outputs
    np.testing.assert_array_equal(litert.run(images)[0].argmax(axis=1), model.run(images)[0].argmax(axis=1))


def test_other_files_and_backends_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "model.tflite"
    other.write_bytes(b"PK\x03\x04 this is a Keras file")

    with pytest.raises(ModelError, match="run `midge convert` on it first"):
        midge.load(other)
    with pytest.raises(InputError, match="cannot read"):
        midge.load(tmp_path / "missing.tflite")
    with pytest.raises(InputError, match="unknown backend"):
        midge.load(DIGITS, backend="gpu")
