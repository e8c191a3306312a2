"""Load what users have: `.keras`, `.h5` of any age, SavedModel directories. Imports TensorFlow."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import tensorflow as tf

from midge.converter.keras_config import drop_legacy_arguments, refuse_code
from midge.converter.network import Network, from_keras, from_saved_model
from midge.runtime.errors import ConversionError, Error, InputError, MissingToolError


def load(path: Path, work: Path) -> Network:
    """Load a model file or directory; `model_source.check_path` has accepted it.

    ``work`` is a folder for temporary files.

    Raises:
        InputError: The file is damaged, or holds no whole model.
        ConversionError: The model holds code or layers that cannot be rebuilt from the file.
    """
    if path.is_dir():
        return _load_saved_model(path)
    if zipfile.is_zipfile(path):
        return from_keras(_load_keras(path))
    return from_keras(_load_h5(path, work))


def _load_keras(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        try:
            config = json.loads(archive.read("config.json"))
            metadata = json.loads(archive.read("metadata.json"))
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} is a zip file but not a Keras model: {error}") from None
    refuse_code(config, path)
    if str(metadata.get("keras_version", "3")).startswith("2."):
        return _load_with_tf_keras(path)
    return _load_with_keras(path)


def _load_h5(path: Path, work: Path) -> Any:
    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
    except OSError as error:
        raise InputError(f"cannot read {path} as an HDF5 file: {error}") from None
    if text is None:
        raise InputError(
            f"{path} holds weights only; expected a whole model as model.save() writes it, with its architecture"
        )
    config = json.loads(text)
    refuse_code(config, path)
    modern = work / "modern.h5"
    shutil.copyfile(path, modern)
    modern.chmod(0o600)
    with h5py.File(modern, "r+") as file:
        file.attrs["model_config"] = json.dumps(drop_legacy_arguments(config))
    try:
        return _load_with_keras(modern)
    except Error as first:
        try:
            return _load_with_tf_keras(path)
        except Error:
            raise type(first)(str(first).replace(str(modern), str(path))) from None
    finally:
        modern.unlink()


def _load_with_keras(path: Path) -> Any:
    import keras

    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises every kind of exception here
        raise _explain(path, error) from None


def _load_with_tf_keras(path: Path) -> Any:
    try:
        import tf_keras
    except ImportError:
        raise MissingToolError(
            f"{path} was written by Keras 2 and needs tf_keras: pip install midge[convert]"
        ) from None
    try:
        return tf_keras.models.load_model(path, compile=False)
    except Exception as error:
        raise _explain(path, error) from None


def _explain(path: Path, error: Exception) -> Error:
    text = str(error)
    unknown = re.search(r"(?:Could not locate class|Unknown layer:?|Unknown object:?) '?(\w+)'?", text)
    if unknown:
        return ConversionError(
            f"{path} holds {unknown[1]!r}, a class that is not part of Keras and not in the file: load the model "
            "yourself and pass it to midge.convert()"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return InputError(f"Keras cannot load {path}: {(lines or [type(error).__name__])[0][:400]}")


def _load_saved_model(path: Path) -> Network:
    code = b"Lambda"
    metadata = path / "keras_metadata.pb"
    graph = path / "saved_model.pb"
    holds_code = any(code in file.read_bytes() for file in (metadata, graph) if file.is_file())
    if not holds_code:
        # Through tf_keras an export of Keras 2 has its layers, so that recurrent ones can be unrolled.
        try:
            model = _load_with_tf_keras(path)
            if getattr(model, "inputs", None):
                return from_keras(model)
        except (Error, AttributeError, TypeError):
            pass
    try:
        loaded = tf.saved_model.load(str(path))
    except Exception as error:
        raise InputError(f"TensorFlow cannot load the SavedModel {path}: {str(error).splitlines()[0][:400]}") from None
    return from_saved_model(loaded, where=str(path))
