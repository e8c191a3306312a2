"""The trained MLPerf Tiny models, from their Keras files to int8, in the way that users convert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from reference import SHARED

from midge.converter import ConversionResult, convert, load_recipe


def model(name: str) -> Path:
    path = SHARED / "models" / name
    if not path.exists():
        pytest.skip("the reference models are not beside the repository (../shared/models)")
    return path


def data(name: str) -> dict[str, np.ndarray]:
    with np.load(SHARED / "data" / name) as archive:
        return dict(archive)


def every_other(arrays: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Halve a set; both halves keep the order, and so about the same share of every class."""
    return {k: v[::2] for k, v in arrays.items()}, {k: v[1::2] for k, v in arrays.items()}


def to_int8(path: Path, folder: Path, **options: Any) -> ConversionResult:
    """Convert, and check what holds of every conversion to int8."""
    stages: list[str] = []
    result = convert(path, "int8", output=folder / "out.tflite", progress=stages.append, **options)

    assert sorted(p.name for p in folder.iterdir()) == ["out.recipe.toml", "out.report.json", "out.tflite"]
    assert result.bytes == (folder / "out.tflite").stat().st_size
    assert load_recipe(folder / "out.recipe.toml") == load_recipe("int8")
    report = json.loads((folder / "out.report.json").read_text())
    assert report["result"] == json.loads(result.json()) == msgspec.to_builtins(result)
    assert len(result.layers) == sum(result.operators.values())
    assert stages[0] == "starting TensorFlow"
    return result


def test_resnet_loses_at_most_one_point(tmp_path: Path) -> None:
    """Half of the images calibrate, the other half judge; the network takes raw bytes, 0 to 255."""
    path = model("pretrainedResnet.h5")
    calibration, evaluation = every_other(data("cifar10_500.npz"))

    accuracy = to_int8(path, tmp_path, calibration=calibration, evaluate=evaluation).accuracy

    assert accuracy is not None
    assert accuracy.samples == 250
    assert accuracy.before > 0.85
    assert abs(accuracy.after - accuracy.before) <= 0.01


def test_visual_wake_words_take_images_from_zero_to_one(tmp_path: Path) -> None:
    """A file that Keras 3 refuses as it is; bytes reach the network through the input scale."""
    path = model("vww_96.h5")
    calibration, evaluation = every_other({k: v[::5] for k, v in data("vww_500.npz").items()})

    accuracy = to_int8(path, tmp_path, calibration=calibration, evaluate=evaluation, input_scale=1 / 255).accuracy

    assert accuracy is not None
    assert accuracy.before > 0.8
    assert abs(accuracy.after - accuracy.before) <= 0.04  # two of 50 images


def test_anomaly_detection_is_judged_by_how_it_rebuilds_its_input(tmp_path: Path) -> None:
    path = model("ad01.h5")
    clip = np.fromfile(SHARED / "data" / "anomaly_normal_200x128_f32.bin", np.float32).reshape(200, 128)
    windows = np.stack([clip[start : start + 5].reshape(640) for start in range(196)])

    accuracy = to_int8(path, tmp_path, calibration=windows[::2], evaluate=windows[1::2]).accuracy

    assert accuracy is not None
    assert accuracy.metric == "mean squared error"
    assert accuracy.after == pytest.approx(accuracy.before, rel=0.02)


def test_streaming_wake_words_keep_their_accuracy(tmp_path: Path) -> None:
    """Labels are stored as floats."""
    path = model("str_ww_ref_model.h5")
    file = SHARED / "data" / "streaming_wakeword_45.npz"

    accuracy = to_int8(path, tmp_path, calibration=file, evaluate=file).accuracy

    assert accuracy is not None
    assert abs(accuracy.after - accuracy.before) <= 1 / 45


def test_the_keyword_model_converts_from_its_directory(tmp_path: Path) -> None:
    path = model("kws_ref_model")
    random = np.random.default_rng(1).normal(size=(100, 49, 10, 1))

    result = to_int8(path, tmp_path, calibration=random)

    assert result.accuracy is None
    assert result.operators == {
        "CONV_2D": 5,
        "DEPTHWISE_CONV_2D": 4,
        "AVERAGE_POOL_2D": 1,
        "FULLY_CONNECTED": 1,
        "SOFTMAX": 1,
    }
    assert max(layer.rms_error for layer in result.layers) < 0.15
