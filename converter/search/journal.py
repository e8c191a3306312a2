"""Finished trials on disk, so that an interrupted search goes on where it was."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from midge.converter.prepare import Made
from midge.runtime.errors import Error


class Journal:
    """A folder with one file for each finished recipe, and checkpoints of those that train."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder; it is made when something is kept."""
        self.folder = folder

    def checkpoints(self, key: str) -> Path:
        """Return the folder for a recipe's work in progress."""
        return self.folder / "checkpoints" / key

    def load(self, key: str) -> Made | None:
        """Return what a recipe has made, or None; what cannot be read counts as absent."""
        try:
            return msgspec.json.decode(self._file(key).read_bytes(), type=Made)
        except (OSError, msgspec.DecodeError):
            return None

    def save(self, key: str, made: Made) -> None:
        """Keep what a recipe has made; the file is there whole or not at all.

        Raises:
            Error: it cannot be written.
        """
        path = self._file(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{key}.", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.json.encode(made))
                Path(name).replace(path)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise Error(
                f"cannot keep a finished trial in {path.parent}: {error.strerror or error}; make room there, or name "
                "another folder with --work (work=)"
            ) from None

    def _file(self, key: str) -> Path:
        return self.folder / "trials" / f"{key}.json"
