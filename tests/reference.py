"""The reference models and their real inputs, which lie beside the repository and are no part of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

SHARED = Path(__file__).parents[1] / ".." / "shared"

INT8_MODELS = (
    "pretrainedResnet_quant",
    "kws_ref_model",
    "vww_96_int8",
    "ad01_int8",
    "str_ww_ref_model",
    "pretrainedResnet_large_int8",
)
FLOAT_MODELS = (
    "pretrainedResnet",
    "vww_96_float",
    "ad01_fp32",
    "pretrainedResnet_large_float",
)
DYNAMIC_RANGE_MODEL = "kws_ref_model_float32"
"""Float activations over int8 weights, whatever its name says."""
ALL_MODELS = (*INT8_MODELS, *FLOAT_MODELS)


def model_path(name: str) -> Path:
    """Return the path of a reference model, or skip the test where the models are not there."""
    path = SHARED / "models" / f"{name}.tflite"
    if not path.exists():
        pytest.skip("the reference models are not beside the repository (../shared/models)")
    return path


def real_inputs(name: str) -> npt.NDArray[np.generic]:
    """Return all real samples that a reference model can take, one along axis 0: int8 as stored, or real values.

    Keyword spotting has none: the result is empty.
    """
    data = SHARED / "data"
    if not data.exists():
        pytest.skip("the reference data are not beside the repository (../shared/data)")
    if "Resnet" in name:
        images = np.load(data / "cifar10_500.npz")["images"]
        return (images.astype(np.int16) - 128).astype(np.int8) if _is_int8(name) else images.astype(np.float32)
    if "vww" in name:
        images = np.load(data / "vww_500.npz")["images"]
        return (images.astype(np.int16) - 128).astype(np.int8) if _is_int8(name) else images.astype(np.float32) / 255
    if "str_ww" in name:
        return np.load(data / "streaming_wakeword_45.npz")["specs"].astype(np.float32)
    if "ad01" in name:
        clip = np.fromfile(data / "anomaly_normal_200x128_f32.bin", np.float32).reshape(200, 128)
        return np.stack([clip[start : start + 5].reshape(640) for start in range(196)])
    return np.zeros((0, 49, 10, 1), np.int8)


def _is_int8(name: str) -> bool:
    return name in INT8_MODELS
