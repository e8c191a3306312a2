"""Random layers of the activations, SOFTMAX, QUANTIZE, DEQUANTIZE and PAD."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from oracle import Case, TensorSpec, single

from cases.movement import Array, Rng, random_data, random_shape, vector

FLOAT_TOLERANCE = 1e-5


def _zero_point(rng: Rng) -> int:
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))


def _input(rng: Rng, dtype: str, scale: float) -> tuple[TensorSpec, Array]:
    """Random values, or for int8 now and then all 256."""
    shape = random_shape(rng, 1, 5)
    data = random_data(rng, shape, dtype)
    if dtype != "int8":
        data = data * np.float32(scale)
        data.flat[0] = abs(data.flat[0])  # The tolerance is a part of the greatest output: let there be one.
        return TensorSpec(shape, dtype), data
    if rng.random() < 0.5:
        shape, data = (1, 256), np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    return TensorSpec(shape, dtype, scale, _zero_point(rng)), data


def _scale(rng: Rng, low: float, high: float) -> float:
    return float(np.float32(10 ** rng.uniform(low, high)))


def _unary(
    rng: Rng,
    kind: str,
    dtype: str,
    quantized: dict[str, Any],
    options: Any = None,
    scale: float | None = None,
    **judge: Any,
) -> Case:
    source, feed = _input(rng, dtype, _scale(rng, -4, 1) if scale is None else scale)
    free = quantized["scale"] not in (1 / 128, 1 / 256) and judge.get("oracle") != "litert"
    if dtype == "int8" and free and rng.random() < 0.3:
        # Ratios of small numbers are where rounding shows: there LiteRT leaves TensorFlow Lite Micro by one step.
        ratio = rng.choice([1, 2, 3, 5, 7, 10]) / rng.choice([1, 2, 3, 4, 9, 11])
        quantized = {**quantized, "scale": float(np.float32(source.scale * ratio))}
    output = TensorSpec(source.shape, dtype, **(quantized if dtype == "int8" else {}))
    return single(kind, [source], [output], [feed], options, **judge)


def logistic(rng: Rng, dtype: str) -> Case:
    """LOGISTIC; on int8 its output quantization is fixed."""
    tolerance = 0.0 if dtype == "int8" else FLOAT_TOLERANCE
    return _unary(rng, "LOGISTIC", dtype, {"scale": 1 / 256, "zero_point": -128}, tolerance=tolerance)


def tanh(rng: Rng, dtype: str) -> Case:
    """TANH; on int8 its output quantization is fixed."""
    tolerance = 0.0 if dtype == "int8" else FLOAT_TOLERANCE
    return _unary(rng, "TANH", dtype, {"scale": 1 / 128, "zero_point": 0}, tolerance=tolerance)


def _free(rng: Rng) -> dict[str, Any]:
    return {"scale": _scale(rng, -4, 1), "zero_point": _zero_point(rng)}


def relu(rng: Rng, dtype: str) -> Case:
    """RELU between any two quantizations."""
    return _unary(rng, "RELU", dtype, _free(rng))


def relu6(rng: Rng, dtype: str) -> Case:
    """RELU6. TensorFlow Lite Micro forgets to rescale: it judges only where input and output are quantized alike."""
    if dtype != "int8" or rng.random() < 0.5:
        return _unary(rng, "RELU6", dtype, _free(rng), oracle="tflm" if dtype == "float32" else "litert")
    source, feed = _input(rng, dtype, _scale(rng, -4, 1))
    output = TensorSpec(source.shape, dtype, source.scale, source.zero_point)
    return single("RELU6", [source], [output], [feed])


def relu_0_to_1(rng: Rng, dtype: str) -> Case:
    """RELU_0_TO_1."""
    return _unary(rng, "RELU_0_TO_1", dtype, _free(rng), oracle="litert")


def relu_n1_to_1(rng: Rng, dtype: str) -> Case:
    """RELU_N1_TO_1."""
    return _unary(rng, "RELU_N1_TO_1", dtype, _free(rng), oracle="litert")


def leaky_relu(rng: Rng, dtype: str) -> Case:
    """LEAKY_RELU, also with factors above 1 and below 0."""
    options = schema.LeakyReluOptionsT()
    options.alpha = float(np.float32(rng.choice([0.01, 0.2, 0.3, 1.5, -0.5, rng.uniform(0, 1)])))
    return _unary(rng, "LEAKY_RELU", dtype, _free(rng), options)


def hard_swish(rng: Rng, dtype: str) -> Case:
    """HARD_SWISH; the input's scale is at most about 128 times the output's."""
    scale = _scale(rng, -3, 1)
    output = {"scale": float(np.float32(scale * 10 ** rng.uniform(-2, 1.5))), "zero_point": _zero_point(rng)}
    tolerance = 0.0 if dtype == "int8" else 1e-6
    return _unary(rng, "HARD_SWISH", dtype, output, schema.HardSwishOptionsT(), scale, tolerance=tolerance)


def softmax(rng: Rng, dtype: str) -> Case:
    """SOFTMAX over up to 300 classes, from flat to steep."""
    shape = random_shape(rng, 1, 4, elements=100)
    depth = int(rng.choice([1, 2, 10, 35, 200, 300]))
    shape = (*shape[:-1], depth)
    options = schema.SoftmaxOptionsT()
    options.beta = float(np.float32(rng.choice([1.0, 1.0, 0.5, 3.0])))
    feed = random_data(rng, shape, dtype)
    if rng.random() < 0.3:
        feed = (feed / feed.dtype.type(16)).astype(feed.dtype)
    if dtype == "float32":
        spec = TensorSpec(shape, dtype)
        return single("SOFTMAX", [spec], [TensorSpec(shape, dtype)], [feed], options, tolerance=FLOAT_TOLERANCE)
    source = TensorSpec(shape, dtype, _scale(rng, -4, 2), _zero_point(rng))
    return single("SOFTMAX", [source], [TensorSpec(shape, dtype, 1 / 256, -128)], [feed], options)


def quantize(rng: Rng, dtype: str) -> Case:
    """QUANTIZE: floats to int8, or one 8-bit quantization to another; halves are frequent."""
    shape = random_shape(rng, 1, 5)
    target = str(rng.choice(["int8", "uint8"])) if dtype == "int8" else "int8"
    scale = _scale(rng, -4, 1)
    low = 128 if target == "uint8" else 0
    output = TensorSpec(shape, target, scale, _zero_point(rng) + low)
    if dtype == "float32":
        feed = (rng.integers(-600, 600, shape) * np.float32(0.5)).astype(np.float32) * np.float32(scale)
        if rng.random() < 0.5:
            feed = (rng.normal(0, 100, shape) * scale).astype(np.float32)
        return single("QUANTIZE", [TensorSpec(shape, dtype)], [output], [feed], schema.QuantizeOptionsT())
    source_scale = scale if rng.random() < 0.2 else float(np.float32(scale * 10 ** rng.uniform(-4, 4)))
    zero_point = _zero_point(rng) + (128 if dtype == "uint8" else 0)
    source = TensorSpec(shape, dtype, source_scale, zero_point)
    return single("QUANTIZE", [source], [output], [random_data(rng, shape, dtype)], schema.QuantizeOptionsT())


def dequantize(rng: Rng, dtype: str) -> Case:
    """DEQUANTIZE to floats."""
    shape = random_shape(rng, 1, 5)
    source = TensorSpec(shape, dtype, _scale(rng, -6, 3), _zero_point(rng) + (128 if dtype == "uint8" else 0))
    feed = random_data(rng, shape, dtype)
    return single("DEQUANTIZE", [source], [TensorSpec(shape, "float32")], [feed], schema.DequantizeOptionsT())


def _pad(rng: Rng, kind: str, dtype: str) -> Case:
    shape = random_shape(rng, 1, 5, elements=200)
    pairs = rng.integers(0, 4, (len(shape), 2)) * (rng.random((len(shape), 1)) < 0.6)
    result = tuple(int(n + sum(pair)) for n, pair in zip(shape, pairs, strict=True))
    quantized = {"scale": _scale(rng, -4, 1), "zero_point": _zero_point(rng)} if dtype == "int8" else {}
    inputs = [TensorSpec(shape, dtype, **quantized), vector(pairs)]
    options: Any = schema.PadOptionsT()
    if kind == "PADV2":
        options = schema.PadV2OptionsT()
        inputs.append(TensorSpec((), dtype, data=random_data(rng, (), dtype), **quantized))
    oracle = "tflm" if dtype in ("int8", "float32", "int32") and len(shape) <= 4 else "litert"
    feed = random_data(rng, shape, dtype)
    return single(kind, inputs, [TensorSpec(result, dtype, **quantized)], [feed], options, oracle=oracle)


def pad(rng: Rng, dtype: str) -> Case:
    """PAD, with borders on some axes or on none."""
    return _pad(rng, "PAD", dtype)


def padv2(rng: Rng, dtype: str) -> Case:
    """PADV2: the same with any value."""
    return _pad(rng, "PADV2", dtype)
