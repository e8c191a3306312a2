"""How far each layer of a quantized file is from the float file of the same network."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from midge.converter.data import Dataset
from midge.converter.interpreter import Interpreter
from midge.converter.job import LayerError
from midge.converter.tflite_file import Operator, operators, output_tensors

SAMPLES = 16

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True)
class LayerNames:
    """The names of a Keras model's layers, to find in the names that TensorFlow gives to tensors.

    ``numbered``: Keras 3 enters most layers twice, to build and to call them, and TensorFlow numbers the second time:
    what is called ``conv_1`` there comes from the layer ``conv``, if the model has one.
    """

    known: frozenset[str] = frozenset()
    numbered: bool = False

    def layer_of(self, tensor_name: str) -> str:
        """Find the layer that a tensor's name speaks of: ``net/conv/Relu;net/conv/add`` is ``conv``.

        The first of the names is that of the last of the fused operations; its parts are nested models and layers.
        """
        first = tensor_name.split(";")[0]
        parts = first.split("/")[:-1] if "/" in first else [first]
        layers = [layer for layer in map(self._known, parts) if layer]
        return "/".join(layers) or "/".join(parts)

    def _known(self, part: str) -> str | None:
        stem = re.sub(r"_\d+$", "", part)
        candidates = (stem, part) if self.numbered else (part, stem)
        return next((name for name in candidates if name in self.known), None)


def layer_errors(float_file: bytes, quantized_file: bytes, samples: Dataset, names: LayerNames) -> list[LayerError]:
    """Run both files side by side and compare the outputs of the layers that they share, in order of execution.

    Up to `SAMPLES` of the samples serve.
    """
    pairs = match(operators(float_file), operators(quantized_file))
    reference, quantized = Interpreter(float_file, keep=True), Interpreter(quantized_file, keep=True)
    part = samples.first(SAMPLES)
    sums = np.zeros((len(pairs), 4))
    for _ in zip(reference.each_sample(part.inputs), quantized.each_sample(part.inputs), strict=True):
        for total, (exact_op, op) in zip(sums, pairs, strict=True):
            exact = reference.tensor(exact_op.outputs[0]).astype(np.float64)
            found = quantized.tensor(op.outputs[0]).astype(np.float64)
            total += exact.size, exact.sum(), (exact**2).sum(), ((found - exact) ** 2).sum()
    results = output_tensors(quantized_file)
    return [
        LayerError(
            results.get(op.outputs[0]) or names.layer_of(op.output_names[0]),
            op.name,
            relative_rms(*(float(s) for s in total)),
        )
        for total, (_, op) in zip(sums, pairs, strict=True)
    ]


def match(reference: list[Operator], quantized: list[Operator]) -> list[tuple[Operator, Operator]]:
    """Pair the operators of two files of one network; what has no twin is left out.

    TensorFlow's converter names a tensor after the network's layers in the same way for every type, mostly. Where the
    two files have the same operators with the same shapes in the same order, order decides for those whose names
    differ.
    """
    ours = [op for op in quantized if op.name not in _CONVERSIONS]
    theirs = [op for op in reference if op.name not in _CONVERSIONS]
    by_name = {op.output_names[0]: op for op in theirs}
    in_order: list[Operator | None] = [None] * len(ours)
    if [(op.name, op.shape) for op in ours] == [(op.name, op.shape) for op in theirs]:
        in_order = list(theirs)
    pairs = []
    for op, twin in zip(ours, in_order, strict=True):
        named = by_name.get(op.output_names[0], twin)
        if named is not None and named.shape == op.shape:
            pairs.append((named, op))
    return pairs


def relative_rms(count: float, total: float, squares: float, error_squares: float) -> float:
    """Evaluate the formula of `LayerError` from the sums of the values, their squares and the squared errors."""
    mean = total / count
    mean_square = squares / count
    variance = mean_square - mean * mean
    # Below rounding, a variance formed from sums is no spread but noise.
    reference = variance if variance > 1e-12 * mean_square else mean_square
    return float(np.sqrt(error_squares / count / (reference or 1.0)))
