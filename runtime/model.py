"""A model ready to run on this host: `midge.load(path).run(*arrays)`."""

from __future__ import annotations

from pathlib import Path


class Model:
    """A compiled model."""


def load(path: str | Path) -> Model:
    """Read, verify and plan a `.tflite` file."""
    raise NotImplementedError
