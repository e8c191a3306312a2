"""Hand a live Keras model to the process that converts it, as a file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from midge.runtime.errors import ConversionError

KERAS_MODULES = ("keras", "tf_keras", "builtins")


def save_live(model: Any, family: str, work: Path) -> tuple[Path, list[str], list[str]]:
    """Write a live model below ``work``; return the path and, for a SavedModel, the names of inputs and outputs.

    A model of Keras's own layers goes as a ``.keras`` file. One with code of the user's (layers, functions, Lambda)
    could not be loaded elsewhere: it is traced here and goes as a SavedModel.

    Raises:
        InputError: The model was never built.
        ConversionError: It can be neither saved nor traced.
    """
    path = work / "model.keras"
    try:
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            portable = _is_portable(json.loads(archive.read("config.json")))
    except Exception:  # a user's get_config may raise anything; tracing needs none
        portable = False
    if portable:
        return path, [], []

    if family == "keras":
        import keras

        if keras.backend.backend() != "tensorflow":
            raise ConversionError(
                f"the model holds code of its own and runs on Keras's {keras.backend.backend()} backend; such a model "
                "converts only under the TensorFlow backend (KERAS_BACKEND=tensorflow)"
            )
    from midge.converter import export
    from midge.converter.network import from_keras

    network = export.unroll_recurrent(from_keras(model))
    folder = work / "saved_model"
    export.save(network, folder)
    return folder, [spec.name for spec in network.inputs], [spec.name for spec in network.outputs]


def _is_portable(config: Any) -> bool:
    """Whether a saved configuration names nothing but Keras's own classes and functions."""
    if isinstance(config, list):
        return all(_is_portable(item) for item in config)
    if not isinstance(config, dict):
        return True
    # Keras writes a lambda given as an activation as a bare {"value": [its bytes, ...]}.
    if config.get("class_name") in ("Lambda", "__lambda__", "function") or config.keys() == {"value"}:
        return False
    if "class_name" in config and (config.get("module") or "keras").split(".")[0] not in KERAS_MODULES:
        return False
    return all(_is_portable(value) for value in config.values())
