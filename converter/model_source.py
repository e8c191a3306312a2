"""Tell what kind of model a user has given, without importing TensorFlow."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from midge.runtime.errors import InputError, MissingToolError

EXPECTED = "expected a .keras or .h5 file, a SavedModel directory, or in Python a Keras model"


def check_path(path: Path) -> None:
    """Check that a path holds a model of a kind that Midge converts, by its first bytes.

    Raises:
        InputError: It does not exist or is something else.
    """
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise InputError(f"the directory {path} is no SavedModel: it has no saved_model.pb; {EXPECTED}")
        return
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(f"cannot read the model {path}: {error.strerror or error}; {EXPECTED}") from None
    if start[4:8] == b"TFL3":
        raise InputError(f"{path} is a .tflite file already; {EXPECTED}")
    if path.name == "saved_model.pb":
        raise InputError(f"{path} is one file of a SavedModel; give the directory {path.parent}")
    if not (start.startswith(b"PK\x03\x04") or start == b"\x89HDF\r\n\x1a\n"):
        raise InputError(f"{path} is neither a .keras nor an .h5 file; {EXPECTED}")


def keras_of(model: Any) -> str:
    """Return which Keras a live model belongs to, ``keras`` or ``tf_keras``.

    Raises:
        InputError: It is not a Keras model.
    """
    for base in type(model).__mro__:
        root = base.__module__.split(".")[0]
        if root in ("keras", "tf_keras") and hasattr(model, "get_config") and hasattr(model, "variables"):
            return root
    raise InputError(f"{EXPECTED}; found an object of type {type(model).__module__}.{type(model).__qualname__}")


def require_tensorflow() -> None:
    """Check that the packages of ``midge[convert]`` are installed.

    Raises:
        MissingToolError: One is not.
    """
    for package in ("tensorflow", "keras", "h5py"):
        if importlib.util.find_spec(package) is None:
            raise MissingToolError(f"converting needs {package}, which is not installed: pip install midge[convert]")
