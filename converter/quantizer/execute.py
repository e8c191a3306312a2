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
from midge.runtime.graph import DType, Graph
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
        model = Model(HostBackend(compile_graph(graph, Target(arch=native.host_arch()))))
    except UnsupportedError:
        return Interpreter(write_model(graph)).run(data.inputs)
    parts = [model.run(*inputs) for inputs, _ in data.batches(BATCH)]
    stored = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    return [_real(values, graph, index) for values, index in zip(stored, graph.outputs, strict=True)]


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


def _real(values: Array, graph: Graph, index: int) -> Array:
    quantization = graph.tensors[index].quantization
    if quantization is None or values.dtype.kind == "f":
        return values
    real: Array = ((values.astype(np.float64) - quantization.zero_point) * quantization.scale).astype(np.float32)
    return real
