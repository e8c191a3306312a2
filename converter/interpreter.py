"""Run a `.tflite` file with LiteRT on float samples.

It serves where Midge's runtime cannot: for types that it has no kernels for, and to see every intermediate tensor.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from midge.converter.samples import Array, Column
from midge.runtime import model as runtime
from midge.runtime.backends.litert import find_interpreter
from midge.runtime.errors import UnsupportedError

BATCH = 256
"""Samples that are in memory together."""


class Interpreter:
    """A `.tflite` file of batch 1, run one sample at a time on float samples.

    ``keep`` keeps every intermediate tensor, which rules out the fused kernels of XNNPACK.
    """

    def __init__(self, content: bytes, *, keep: bool = False) -> None:
        """Build the interpreter and allocate its tensors."""
        _, interpreter = find_interpreter()
        resolver = sys.modules[interpreter.__module__].OpResolverType
        self._interpreter: Any = interpreter(
            model_content=content,
            experimental_preserve_all_tensors=keep,
            experimental_op_resolver_type=resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES if keep else resolver.AUTO,
        )
        self._interpreter.allocate_tensors()
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self._tensors: Mapping[int, Any] = {d["index"]: d for d in self._interpreter.get_tensor_details()}

    def run(self, arrays: Sequence[Column]) -> list[Array]:
        """Run every sample (axis 0) and return the outputs of all, dequantized."""
        rows = [[self.tensor(detail["index"]).copy() for detail in self._outputs] for _ in self.each_sample(arrays)]
        return [np.concatenate(outputs) for outputs in zip(*rows, strict=True)]

    def each_sample(self, arrays: Sequence[Column]) -> Iterator[int]:
        """Run sample by sample; after each, `tensor` reads any of its tensors."""
        for i in range(len(arrays[0])):
            for detail, array in zip(self._inputs, arrays, strict=True):
                self._interpreter.set_tensor(detail["index"], quantize(array[i : i + 1], detail))
            self._interpreter.reset_all_variables()
            self._interpreter.invoke()
            yield i

    def tensor(self, index: int) -> Array:
        """Return a tensor of the last sample, dequantized to float32 where it is quantized."""
        return dequantize(self._interpreter.get_tensor(index), self._tensors[index])

    def dequantized(self, outputs: Sequence[Array]) -> list[Array]:
        """Bring outputs of this file, in its own types and order, to float32."""
        return [dequantize(array, detail) for array, detail in zip(outputs, self._outputs, strict=True)]


def run_tflite(path: Path, arrays: Sequence[Column]) -> tuple[str, list[Array]]:
    """Run every sample of float arrays through a `.tflite` file; return what ran it and the outputs dequantized.

    Midge's own runtime does it, which gives a board's very bits; LiteRT serves for files that Midge has no kernels for.
    """
    interpreter = Interpreter(path.read_bytes())
    try:
        model = runtime.load(path)
        pieces = [
            model.run(*(np.asarray(array[start : start + BATCH]) for array in arrays))
            for start in range(0, len(arrays[0]), BATCH)
        ]
        outputs = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
        return "host", interpreter.dequantized(outputs)
    except UnsupportedError:
        return "litert", interpreter.run(arrays)


def quantize(values: Array, detail: Mapping[str, Any]) -> Array:
    """Bring values into a tensor's type: ``round(value / scale) + zero_point``, saturated."""
    scale, zero_point = detail["quantization"]
    dtype = np.dtype(detail["dtype"])
    if scale == 0 or values.dtype.kind != "f":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    quantized: Array = np.clip(np.round(values / scale) + zero_point, limits.min, limits.max).astype(dtype)
    return quantized


def dequantize(values: Array, detail: Mapping[str, Any]) -> Array:
    """Bring a tensor back to float32: ``scale * (value - zero_point)``."""
    scale, zero_point = detail["quantization"]
    if scale == 0 or values.dtype.kind == "f":
        return values
    real: Array = ((values.astype(np.float64) - zero_point) * scale).astype(np.float32)
    return real
