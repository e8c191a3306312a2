"""Run graphs on samples and say how far their outputs are from another network's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from midge.converter.data import Dataset
from midge.converter.interpreter import BATCH, Interpreter
from midge.converter.samples import Array
from midge.runtime import native
from midge.runtime.backends.host import HostBackend
from midge.runtime.errors import UnsupportedError
from midge.runtime.graph import DType, Graph, Tensor
from midge.runtime.model import Model, compile_graph
from midge.runtime.program import Target
from midge.runtime.tflite.writer import write_model

LEAST_PROBABILITY = 1 / 512
"""What a stored 0 may stand for: half a step of a softmax's int8."""


def widen(graph: Graph) -> Graph:
    """Return a graph with int4 weights as the int8 ones that compute the same."""
    tensors = (dataclasses.replace(t, dtype=DType.INT8) if t.dtype is DType.INT4 else t for t in graph.tensors)
    return graph.replace(tensors=tuple(tensors))


def outputs_of(graph: Graph, data: Dataset) -> list[Array]:
    """Run samples and return the outputs of all, dequantized.

    Midge's own runtime does it where it has the kernels, else LiteRT.
    """
    graph = widen(graph)
    try:
        model = _load(graph)
    except UnsupportedError:
        return Interpreter(write_model(graph)).run(data.inputs)
    parts = [model.run(*inputs) for inputs, _ in data.batches(BATCH)]
    stored = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    return [dequantize(values, graph.tensors[index]) for values, index in zip(stored, graph.outputs, strict=True)]


class Stepper:
    """Runs a quantized network on samples a few operators at a time; what is no longer needed is forgotten.

    Args:
        graph: of which only constants of operators that have not run may change while it runs.
        data: all its samples are run together.
    """

    def __init__(self, graph: Graph, data: Dataset) -> None:
        self._values: dict[int, Array] = dict(
            zip(graph.inputs, (np.asarray(column[:]) for column in data.inputs), strict=True)
        )
        self._done = 0

    def real(self, graph: Graph, index: int) -> Array:
        """Return a tensor that is computed, and needed later, for all samples, dequantized."""
        values, tensor = self._values[index], graph.tensors[index]
        return values if values.dtype.kind == "f" else dequantize(values, tensor)

    def run_to(self, graph: Graph, end: int) -> None:
        """Run operators up to, not including, that at position ``end``.

        Raises:
            UnsupportedError: Midge has no kernel for one.
        """
        part, later = graph.operators[self._done : end], graph.operators[end:]
        wanted = {i for op in later for i in op.inputs} | set(graph.outputs)
        written = [i for op in part for i in op.outputs]
        outputs = tuple(i for i in written if i in wanted)
        inputs = tuple(dict.fromkeys(i for op in part for i in op.inputs if i in self._values))
        if outputs:
            model = _load(widen(graph.replace(operators=part, inputs=inputs, outputs=outputs, sha256="")))
            found = model.run(*(self._values[i] for i in inputs if i is not None))
            self._values.update(zip(outputs, found, strict=True))
        self._values = {i: values for i, values in self._values.items() if i in wanted}
        self._done = end


def _load(graph: Graph) -> Model:
    return Model(HostBackend(compile_graph(graph, Target(arch=native.host_arch()))))


def each_sample(graph: Graph, data: Dataset) -> Iterator[Interpreter]:
    """Run sample by sample; what is yielded after each reads any of its tensors."""
    interpreter = Interpreter(write_model(widen(graph)), keep=True)
    for _ in interpreter.each_sample(data.inputs):
        yield interpreter


def divergence(exact: Sequence[Array], found: Sequence[Array]) -> float:
    """Return how far outputs are from the exact ones, summed over the outputs; 0 is equal.

    Distributions over classes, and single probabilities: the mean Kullback-Leibler divergence in nats. Other outputs:
    the mean squared error over the variance of the exact ones.
    """
    return sum(_divergence(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(exact, found, strict=True))


def _divergence(exact: Array, found: Array) -> float:
    if exact.min() >= 0 and exact.max() <= 1 + 1e-4:
        if exact.shape[-1] == 1:
            exact, found = (np.concatenate([values, 1 - values], axis=-1) for values in (exact, found))
        if np.abs(exact.sum(axis=-1) - 1).max() < 1e-2:
            return float((_log(exact) * exact - _log(found) * exact).sum(axis=-1).mean())
    variance = exact.var()
    return float(((exact - found) ** 2).mean() / (variance if variance > 0 else 1.0))


def _log(probabilities: Array) -> Array:
    kept = np.maximum(probabilities, LEAST_PROBABILITY)
    logs: Array = np.log(kept / kept.sum(axis=-1, keepdims=True))
    return logs


def dequantize(values: Array, tensor: Tensor) -> Array:
    """Return what stored values of a tensor mean, float32; values of a tensor that is not quantized as they are."""
    quantization = tensor.quantization
    if quantization is None or values.dtype.kind == "f":
        return values
    real: Array = (values.astype(np.float32) - quantization.zero_point) * np.float32(quantization.scale)
    return real
