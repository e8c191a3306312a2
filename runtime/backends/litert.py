"""LiteRT behind the same interface as the host runtime, to compare with and to fall back on."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from midge.runtime.backends.backend import TensorInfo
from midge.runtime.errors import InputError, MissingToolError, ModelError
from midge.runtime.graph import Array
from midge.runtime.tflite.reader import read_file

PROVIDERS = (
    ("ai_edge_litert.interpreter", "Interpreter"),
    ("tflite_runtime.interpreter", "Interpreter"),
    ("tensorflow", "lite.Interpreter"),
)
"""Where an interpreter may come from, the preferred one first."""


def find_interpreter() -> tuple[str, Any]:
    """Return the name of the first installed provider, and its interpreter class.

    Raises:
        MissingToolError: none is installed.
    """
    for module_name, attribute in PROVIDERS:
        try:
            found: Any = importlib.import_module(module_name)
        except ImportError:
            continue
        for part in attribute.split("."):
            found = getattr(found, part)
        return module_name.partition(".")[0], found
    raise MissingToolError("no LiteRT interpreter is installed: `pip install ai-edge-litert`")


class LiteRTBackend:
    """A model in LiteRT's interpreter."""

    def __init__(self, path: str | Path) -> None:
        """Verify and load the file.

        Args:
            path: a `.tflite` file; our own verifier reads it first, because LiteRT can die on a damaged one.

        Raises:
            InputError: the file cannot be read or is not a valid model.
            ModelError: LiteRT refuses it.
            MissingToolError: no interpreter is installed.
        """
        graph = read_file(path)
        self.provider, interpreter = find_interpreter()
        try:
            self._interpreter = interpreter(model_content=Path(path).read_bytes(), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: {self.provider} refuses it: {str(error).strip().splitlines()[0]}") from None
        names = [graph.tensors[index].name for index in (*graph.inputs, *graph.outputs)]
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self.inputs = tuple(_describe(detail, name) for detail, name in zip(self._inputs, names, strict=False))
        self.outputs = tuple(
            _describe(detail, name) for detail, name in zip(self._outputs, names[len(self._inputs) :], strict=True)
        )

    def invoke(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once; see `Backend.invoke`."""
        for detail, array in zip(self._inputs, arrays, strict=True):
            self._interpreter.set_tensor(detail["index"], array)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise InputError(f"{self.provider} failed: {str(error).strip().splitlines()[0]}") from None
        return [np.array(self._interpreter.get_tensor(detail["index"])) for detail in self._outputs]

    def reset(self) -> None:
        """Clear the variables."""
        self._interpreter.reset_all_variables()


def _describe(detail: dict[str, Any], name: str) -> TensorInfo:
    scales = detail["quantization_parameters"]["scales"]
    points = detail["quantization_parameters"]["zero_points"]
    dtype = np.dtype(detail["dtype"])
    quantized = len(scales) == 1 and dtype.itemsize < 4
    return TensorInfo(
        name,
        tuple(int(extent) for extent in detail["shape"]),
        str(dtype),
        float(scales[0]) if quantized else None,
        int(points[0]) if quantized else None,
    )
