"""Midge: a trained Keras model to a microcontroller, and the proof of what it does there."""

from __future__ import annotations

from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from midge.runtime.errors import Error
from midge.runtime.model import Model, load

if TYPE_CHECKING:
    from midge.converter import convert

__all__ = ["Error", "Model", "__version__", "convert", "load"]
__version__ = _version("midge")


def __getattr__(name: str) -> Any:
    # The converter brings TensorFlow; nobody who only runs a model should wait for it.
    if name == "convert":
        from midge.converter import convert

        return convert
    raise AttributeError(f"module 'midge' has no attribute {name!r}")
