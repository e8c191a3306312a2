"""A model ready to run on this host: `midge.load(path).run(*arrays)`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from midge.runtime import native
from midge.runtime.arrays import sample_shape
from midge.runtime.backends.backend import Backend, TensorInfo
from midge.runtime.backends.host import HostBackend
from midge.runtime.errors import DataError, InputError
from midge.runtime.graph import Array, Graph
from midge.runtime.lower import lower
from midge.runtime.passes import run_passes
from midge.runtime.program import Program, Target
from midge.runtime.tflite.reader import read_file


class Model:
    """A model loaded by a backend, with the checks and conveniences that all backends share."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.inputs: tuple[TensorInfo, ...] = backend.inputs
        self.outputs: tuple[TensorInfo, ...] = backend.outputs

    def run(self, *arrays: Array) -> list[Array]:
        """Run the model.

        Args:
            arrays: one per input, in the file's order and in its type; float arrays for a quantized input are
                quantized with the input's scale and zero point. An array of exactly the declared shape is one
                sample; where axis 0 counts samples instead, all inputs must agree on how many.

        Returns:
            The outputs in the file's order, types and declared shapes; for several samples stacked along axis 0
            (in place of a declared batch of 1).

        Raises:
            DataError: the number, shape, type or content of the arrays is wrong.
        """
        if len(arrays) != len(self.inputs):
            names = ", ".join(repr(info.name) for info in self.inputs)
            raise DataError(f"expected {len(self.inputs)} input arrays ({names}), found {len(arrays)}")
        prepared = [_to_input_type(np.asarray(array), info) for array, info in zip(arrays, self.inputs, strict=True)]
        if all(array.shape == info.shape for array, info in zip(prepared, self.inputs, strict=True)):
            return self.backend.invoke(prepared)
        return self._run_samples(prepared)

    def _run_samples(self, arrays: Sequence[Array]) -> list[Array]:
        counts = {_samples(array, info) for array, info in zip(arrays, self.inputs, strict=True)}
        if len(counts) != 1:
            raise DataError(f"the input arrays hold different numbers of samples: {sorted(counts)}")
        collected: list[list[Array]] = [[] for _ in self.outputs]
        for number in range(counts.pop()):
            self.backend.reset()
            sample = [array[number].reshape(info.shape) for array, info in zip(arrays, self.inputs, strict=True)]
            for store, output in zip(collected, self.backend.invoke(sample), strict=True):
                store.append(output)
        self.backend.reset()
        return [
            np.stack([output.reshape(sample_shape(info)) for output in outputs])
            for outputs, info in zip(collected, self.outputs, strict=True)
        ]

    def reset(self) -> None:
        """Clear the state that calls of `run` carry on from one to the next."""
        self.backend.reset()


def _samples(array: Array, info: TensorInfo) -> int:
    expected = sample_shape(info)
    if array.ndim == len(expected) + 1 and array.shape[1:] == expected and len(array):
        return len(array)
    if array.shape == info.shape:
        return 1
    many = ["N", *expected]
    raise DataError(
        f"input {info.name!r}: expected shape {list(info.shape)} for one sample or "
        f"[{', '.join(map(str, many))}] for N samples, found {list(array.shape)}"
    )


def _to_input_type(array: Array, info: TensorInfo) -> Array:
    """Return `array` in the input's own type.

    Raises:
        DataError: it is of another type, or holds NaN or infinity where it would be quantized.
    """
    dtype = np.dtype(info.dtype)
    if array.dtype == dtype:
        return array
    if np.issubdtype(array.dtype, np.floating):
        if np.issubdtype(dtype, np.floating):
            return array.astype(dtype)
        if info.scale is not None and info.zero_point is not None:
            return quantize(array, info.scale, info.zero_point, dtype, info.name)
    wanted = info.dtype if info.scale is None else f"{info.dtype} (or floats, which are quantized)"
    raise DataError(f"input {info.name!r}: expected {wanted}, found {array.dtype}")


def quantize(array: Array, scale: float, zero_point: int, dtype: np.dtype[np.generic], name: str) -> Array:
    """Quantize real values: round(value / scale) + zero_point, halves away from zero, saturated.

    This is TFLite Micro's arithmetic for QUANTIZE: the division is in float32.

    Raises:
        DataError: a value is NaN or infinite.
    """
    values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"input {name!r} holds NaN or infinity, which cannot be quantized")
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite quotient saturates like any large one
        scaled = values / np.float32(scale)
        towards_zero = np.trunc(scaled)
        rest = scaled - towards_zero  # exact, where adding a half would round 0.49999997 up
    rounded = towards_zero.astype(np.float64) + (rest >= 0.5) - (rest <= -0.5) + zero_point
    limits = np.iinfo(dtype)  # type: ignore[type-var]
    quantized: Array = np.clip(rounded, limits.min, limits.max).astype(dtype)
    return quantized


def compile_graph(graph: Graph, target: Target) -> Program:
    """Run the passes on a verified graph and lower it.

    Raises:
        UnsupportedError: an operator that no kernel covers.
    """
    return lower(run_passes(graph), target)


def load(path: str | Path, *, backend: str = "host", keep_tensors: bool = False) -> Model:
    """Read, verify and plan a `.tflite` file.

    Args:
        path: the model file.
        backend: `host` for Midge's own kernels, `litert` for LiteRT (or what is installed of its family).
        keep_tensors: host only: keep every intermediate tensor readable (`model.backend.tensor(index)`).

    Raises:
        InputError: the file cannot be read or is not a model.
        UnsupportedError: it holds an operator, type or shape that no kernel covers.
    """
    if backend == "host":
        program = compile_graph(read_file(path), Target(arch=native.host_arch()))
        return Model(HostBackend(program, keep_tensors=keep_tensors))
    if backend == "litert":
        from midge.runtime.backends.litert import LiteRTBackend

        return Model(LiteRTBackend(path))
    raise InputError(f"unknown backend {backend!r}: expected 'host' or 'litert'")
