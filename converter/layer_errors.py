"""How far each layer of a quantized file is from the float file of the same network. Imports TensorFlow."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from midge.converter.data import Dataset
from midge.converter.interpreter import Interpreter
from midge.converter.job import LayerError
from midge.converter.tflite_file import Operator, operators

SAMPLES = 16

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


def layer_errors(float_file: bytes, quantized_file: bytes, samples: Dataset) -> list[LayerError]:
    """Run both files side by side and compare the outputs of the layers that they share, in order of execution.

    Layers are matched by the names of their output tensors, which TensorFlow's converter derives from the network in
    the same way for every type; a layer that has no twin of the same shape is left out.
    """
    pairs = _match(operators(float_file), operators(quantized_file))
    reference, quantized = Interpreter(float_file, keep=True), Interpreter(quantized_file, keep=True)
    sums: dict[int, list[float]] = defaultdict(lambda: [0.0] * 4)
    part = samples.first(SAMPLES)
    for _ in zip(reference.each_sample(part.inputs), quantized.each_sample(part.inputs), strict=True):
        for _, index, twin in pairs:
            exact = reference.tensor(twin).astype(np.float64)
            found = quantized.tensor(index).astype(np.float64)
            if exact.shape != found.shape:
                continue
            total = sums[index]
            total[0] += exact.size
            total[1] += float(exact.sum())
            total[2] += float((exact**2).sum())
            total[3] += float(((found - exact) ** 2).sum())
    return [
        LayerError(layer_name(op.output_names[0]), op.name, relative_rms(*sums[index]))
        for op, index, _ in pairs
        if index in sums
    ]


def _match(reference: list[Operator], quantized: list[Operator]) -> list[tuple[Operator, int, int]]:
    by_name = {name: index for op in reference for name, index in zip(op.output_names, op.outputs, strict=True)}
    return [
        (op, op.outputs[0], by_name[op.output_names[0]])
        for op in quantized
        if op.name not in _CONVERSIONS and op.output_names[0] in by_name
    ]


def relative_rms(count: float, total: float, squares: float, error_squares: float) -> float:
    """Evaluate the formula of `LayerError` from the sums of the values, their squares and the squared errors."""
    mean = total / count
    variance = squares / count - mean * mean
    mean_square = squares / count
    # Below rounding, a variance formed from sums is no spread but noise.
    reference = variance if variance > 1e-12 * mean_square else mean_square
    return float(np.sqrt(error_squares / count / (reference or 1.0)))


def layer_name(tensor_name: str) -> str:
    """Shorten a tensor's name to the layer's: ``model_1/conv_1/Relu;model_1/conv_1/add;..`` is ``model_1/conv_1``."""
    first = tensor_name.split(";")[0]
    return first.rsplit("/", 1)[0] if "/" in first else first
