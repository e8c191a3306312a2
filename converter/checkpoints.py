"""Work in progress, kept on disk so that an interrupted conversion goes on where it was.

A checkpoint is a set of arrays and a JSON document under a name; it is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from midge.converter.samples import Array

_DOCUMENT = "__document__"


class Checkpoints:
    """A folder of checkpoints; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def within(self, name: str) -> Checkpoints:
        """Return the checkpoints of a part of the work."""
        return Checkpoints(None if self.folder is None else self.folder / name)

    def save(self, name: str, arrays: Mapping[str, Array], document: Mapping[str, Any] | None = None) -> None:
        """Keep arrays by name and a document that JSON can hold, in place of what had this name before."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        text = np.frombuffer(json.dumps(document or {}).encode(), np.uint8)
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **{_DOCUMENT: text}, **dict(arrays))
            Path(temporary).replace(self.folder / f"{name}.npz")
        finally:
            Path(temporary).unlink(missing_ok=True)

    def load(self, name: str) -> tuple[dict[str, Array], dict[str, Any]] | None:
        """Return what was kept under a name, or None; what cannot be read counts as absent."""
        if self.folder is None:
            return None
        try:
            with np.load(self.folder / f"{name}.npz", allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            document = json.loads(arrays.pop(_DOCUMENT).tobytes())
        except Exception:  # damaged in any way: the work is done again
            return None
        return arrays, document

    def save_model(self, name: str, model: Any) -> None:
        """Keep a Keras model whole."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{name}.partial.keras"
        model.save(temporary)
        temporary.replace(self.folder / f"{name}.keras")

    def load_model(self, name: str) -> Any | None:
        """Return a Keras model that was kept, or None."""
        if self.folder is None or not (self.folder / f"{name}.keras").is_file():
            return None
        import keras

        try:
            return keras.models.load_model(self.folder / f"{name}.keras", compile=False)
        except Exception:
            return None
