"""Midge: a trained Keras model to a microcontroller, and the proof of what it does there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midge.converter import convert
    from midge.converter.distill import distill
    from midge.converter.prune import prune
    from midge.converter.search import fit
    from midge.converter.sparsify import sparsify
    from midge.runtime.errors import Error
    from midge.runtime.model import Model, load

    __version__: str

__all__ = ["Error", "Model", "__version__", "convert", "distill", "fit", "load", "prune", "sparsify"]

_HOMES = {
    "Error": "midge.runtime.errors",
    "Model": "midge.runtime.model",
    "convert": "midge.converter",
    "distill": "midge.converter.distill",
    "fit": "midge.converter.search",
    "load": "midge.runtime.model",
    "prune": "midge.converter.prune",
    "sparsify": "midge.converter.sparsify",
}


def __getattr__(name: str) -> Any:
    # Nobody who runs a model should wait for the converter, nor the command line for NumPy before it says its version.
    if name == "__version__":
        return import_module("importlib.metadata").version("midge")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'midge' has no attribute {name!r}")
