"""Random convolutions, depthwise convolutions and fully connected layers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from oracle import Case, TensorSpec, single

from cases import typical

Array = npt.NDArray[Any]
Rng = np.random.Generator

TYPICAL = 0.35
"""Part of the int8 layers that are as trained networks have them; the others reach further."""

QUANTIZED = ("int8", "int4", "clustered", "sparse")
"""Types of layers with int8 activations, by their weights: `clustered` are int8 of few values, `sparse` with zeros."""

FLOAT_TOLERANCE = 1e-5
"""Greatest difference of float layers, as a part of the largest output; the order of additions is ours."""


def chance(rng: Rng, probability: float) -> bool:
    """Return true with a probability."""
    return bool(rng.random() < probability)


def zero_point(rng: Rng) -> int:
    """Return an int8 zero point, often one of the limits."""
    return int(rng.choice([-128, 127, 0, rng.integers(-128, 128)]))


def extremes(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Return random int8 values; sometimes only extreme ones."""
    if chance(rng, 0.15):
        return rng.choice(np.array([-128, 127], np.int8), shape)
    if chance(rng, 0.05):
        return np.full(shape, rng.choice(np.array([-128, -127, 0, 127], np.int8)), np.int8)
    return rng.integers(-128, 128, shape, dtype=np.int8)


def few_values(rng: Rng, values: Array) -> Array:
    """Replace int8 values by some of a few: neighbours in value stay neighbours."""
    count = int(rng.choice([1, 2, 3, 4, 5, 9, 16, 16, 16, 17]))
    codebook = np.sort(rng.choice(np.arange(-128, 128), count, replace=False)).astype(np.int8)
    found: Array = codebook[(values.astype(np.int64) + 128) * count >> 8]
    return found


def with_zeros(rng: Rng, values: Array) -> Array:
    """Replace int8 weights of shape (channels, ...) by zeros: any part of them, in blocks, rows and columns or none."""
    rows = values.reshape(len(values), -1)
    kind = int(rng.integers(0, 8))
    part = rng.choice([0.0, 0.02, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0])
    if kind == 0:
        kept = np.zeros(rows.shape, bool)
        kept.ravel()[rng.integers(0, rows.size, 1 + rows.size // 500)] = True
    elif kind <= 3:
        tall, wide = ((4, 2), (4, 2), (1, 4))[kind - 1]
        blocks = rng.random((-(-rows.shape[0] // tall), -(-rows.shape[1] // wide))) >= part
        kept = blocks.repeat(tall, axis=0).repeat(wide, axis=1)[: rows.shape[0], : rows.shape[1]]
    else:
        kept = rng.random(rows.shape) >= part
    if chance(rng, 0.2):
        kept &= rng.random((len(rows), 1)) >= 0.3
    if chance(rng, 0.2):
        kept &= rng.random((1, rows.shape[1])) >= 0.3
    return (rows * kept).astype(np.int8).reshape(values.shape)


def scale(rng: Rng) -> float:
    """Return an activation's scale."""
    return float(np.float32(10 ** rng.uniform(-3, 1)))


def extent(filter_: int, dilation: int) -> int:
    """Return how far a dilated filter reaches."""
    return (filter_ - 1) * dilation + 1


def output_extent(size: int, reach: int, stride: int, padding: int) -> int:
    """Return the output extent of TFLite's padding rules (0 is SAME, 1 is VALID)."""
    return math.ceil(size / stride) if padding == 0 else math.ceil((size - reach + 1) / stride)


def weight_scales(rng: Rng, count: int, source: float, depth: int) -> tuple[Array, float]:
    """Return weight scales and an output scale that send most sums into int8; at times far from it."""
    scales = 10 ** (rng.uniform(-4, 0, count) if chance(rng, 0.5) else rng.uniform(-3, -1) + rng.uniform(0, 0.6, count))
    typical = source * float(np.median(scales)) * 74 * 74 * math.sqrt(depth) / 60
    factor = 10 ** rng.uniform(-1, 1)
    if chance(rng, 0.1):
        factor = 2.0 ** rng.uniform(-24, 24)
    if chance(rng, 0.05):
        scales *= 2.0 ** rng.uniform(-30, 10, count)
    # Activation bounds in units of the output scale, and the factors, must fit the fixed-point form.
    output = max(typical * factor, 1e-8, source * float(scales.max()) * 2**-29)
    return scales.astype(np.float32), float(np.float32(output))


def bias_values(rng: Rng, count: int, depth: int) -> Array:
    """Return int32 biases of the size of the sums; sometimes the whole range of int32."""
    reach = 2**31 - 1 if chance(rng, 0.05) else min(2**31 - 1, int(74 * 74 * math.sqrt(depth)) + 1)
    return rng.integers(-reach, reach, count, dtype=np.int32, endpoint=True)


def _tensors(
    rng: Rng,
    dtype: str,
    shape: tuple[int, ...],
    weights_shape: tuple[int, ...],
    axis: int,
    output: tuple[int, ...],
    is_typical: bool = False,
) -> tuple[list[TensorSpec | None], TensorSpec, Array]:
    """Return inputs, output and feed of a layer with weights and bias."""
    channels = weights_shape[axis]
    depth = math.prod(weights_shape) // channels
    with_bias = not chance(rng, 0.2)
    if dtype == "dynamic":
        # LiteRT wants one scale per channel for convolutions in groups.
        one_scale = axis == 0 and weights_shape[-1] == shape[-1] and chance(rng, 0.25)
        scales = (10 ** rng.uniform(-3, 0, 1 if one_scale else channels)).astype(np.float32)
        bias = TensorSpec((channels,), "float32", data=rng.normal(0, 1, channels).astype(np.float32))
        # LiteRT's own kernel on x86-64 is wrong for weights of -128, which its converter never writes.
        values = np.maximum(extremes(rng, weights_shape), -127).astype(np.int8)
        weights = TensorSpec(weights_shape, "int8", scales, 0, axis, values)
        feed = (rng.normal(0, 1, shape) + rng.choice([-2, 0, 0, 2])).astype(np.float32)
        return [TensorSpec(shape, "float32"), weights, bias], TensorSpec(output, "float32"), feed
    if dtype == "float32":
        weights = rng.normal(0, 1, weights_shape).astype(np.float32)
        inputs: list[TensorSpec | None] = [
            TensorSpec(shape, "float32"),
            TensorSpec(weights_shape, "float32", data=weights),
            TensorSpec((channels,), "float32", data=rng.normal(0, 1, channels).astype(np.float32))
            if with_bias
            else None,
        ]
        return inputs, TensorSpec(output, "float32"), rng.normal(0, 1, shape).astype(np.float32)
    source_scale = scale(rng)
    count = 1 if chance(rng, 0.25) else channels
    if is_typical:
        source_scale = float(np.float32(10 ** rng.uniform(-2.5, -1)))
        scales, output_scale = typical.scales(rng, count, source_scale, depth)
        values = typical.weights(rng, weights_shape, axis)
    elif chance(rng, 0.15):
        source_scale, scales, output_scale = typical.critical_scales(rng, count)
        values = extremes(rng, weights_shape)
    else:
        scales, output_scale = weight_scales(rng, count, source_scale, depth)
        values = extremes(rng, weights_shape)
    stored = "int4" if dtype == "int4" else "int8"
    if dtype == "int4":
        values = values >> 4
    elif dtype == "clustered":
        values = few_values(rng, values)
    elif dtype == "sparse":
        values = with_zeros(rng, values)
    bias = None
    if with_bias:
        # LiteRT and TensorFlow Lite Micro compare this scale with the product of the others.
        bias_scale = (np.float32(source_scale) * scales).astype(np.float32)
        bias = TensorSpec((channels,), "int32", scale=bias_scale, data=bias_values(rng, channels, depth))
    inputs = [
        TensorSpec(shape, "int8", source_scale, zero_point(rng)),
        TensorSpec(weights_shape, stored, scales, 0, axis, values),
        bias,
    ]
    # The least zero point is what RELU gets from converters; the greatest leaves it a single value.
    output_zero_point = int(rng.choice([-128, -128, -128, 0, zero_point(rng), *rng.integers(-128, 128, 3)]))
    return inputs, TensorSpec(output, "int8", output_scale, output_zero_point), extremes(rng, shape)


def _geometry(rng: Rng) -> tuple[int, ...]:
    """Return height, width, filter height and width, strides, dilations, padding, and the output's height, width."""
    while True:
        height, width = (int(n) for n in rng.integers(1, 15, 2))
        filter_height, filter_width = (int(n) for n in rng.choice([1, 1, 2, 3, 3, 4, 5, 7], 2))
        if chance(rng, 0.25):
            filter_height = filter_width = 1
        stride_height, stride_width = (int(n) for n in rng.choice([1, 1, 1, 2, 3, 5], 2))
        if chance(rng, 0.2):
            stride_height = stride_width = 1
        dilation_height, dilation_width = (int(n) for n in rng.choice([1, 1, 1, 1, 2, 3], 2))
        padding = int(rng.integers(0, 2))
        output_height = output_extent(height, extent(filter_height, dilation_height), stride_height, padding)
        output_width = output_extent(width, extent(filter_width, dilation_width), stride_width, padding)
        if output_height >= 1 and output_width >= 1:
            return (
                height,
                width,
                filter_height,
                filter_width,
                stride_height,
                stride_width,
                dilation_height,
                dilation_width,
                padding,
                output_height,
                output_width,
            )


def _finish(
    kind: str,
    dtype: str,
    tensors: tuple[list[TensorSpec | None], TensorSpec, Array],
    options: Any,
    rng: Rng,
) -> Case:
    inputs, output, feed = tensors
    version = 3 if dtype in QUANTIZED else 1
    oracle = "tflm" if dtype in QUANTIZED else "litert"
    if inputs[-1] is None:
        # Without a bias LiteRT refuses a convolution, and TensorFlow Lite Micro dies of a depthwise one.
        oracle = "litert" if kind == "DEPTHWISE_CONV_2D" else "tflm"
        if oracle == "litert" or chance(rng, 0.5):
            inputs.pop()
    weights = tensors[0][1]
    if kind == "FULLY_CONNECTED" and dtype == "int4" and weights is not None and np.size(weights.scale) > 1:
        oracle = "unpacked"  # TensorFlow Lite Micro wants one scale for int4 weights here
    tolerance = FLOAT_TOLERANCE if dtype == "float32" else 0.0
    case = single(kind, inputs, [output], [feed], options, version, oracle, tolerance)
    return replace(case, is_sum=dtype == "float32")


def conv_2d(rng: Rng, dtype: str) -> Case:
    """Any strides, dilations, paddings, groups and batches; or a shape that networks have."""
    if dtype in QUANTIZED and chance(rng, TYPICAL):
        return _typical_conv(rng, dtype)
    geometry = _geometry(rng)
    while dtype == "sparse" and geometry[2:4] != (1, 1):
        geometry = _geometry(rng)
    height, width, fh, fw, sh, sw, dh, dw, padding, out_height, out_width = geometry
    groups = 1 if dtype == "sparse" else int(rng.choice([1, 1, 1, 2, 3]))
    filter_channels = int(rng.choice([1, 2, 3, 4, 5, 8, 16, 17, rng.integers(1, 71)]))
    if dtype == "sparse" and chance(rng, 0.1):
        filter_channels = int(rng.choice([255, 256, 257, 512, 513, rng.integers(200, 700)]))
    group_channels = int(rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 16, 24, rng.integers(1, 71)]))
    if groups > 1:
        filter_channels, group_channels = min(filter_channels, 5), min(group_channels, 9)
    batches = int(rng.choice([1, 1, 1, 2]))
    channels = groups * group_channels
    tensors = _tensors(
        rng,
        dtype,
        (batches, height, width, groups * filter_channels),
        (channels, fh, fw, filter_channels),
        0,
        (batches, out_height, out_width, channels),
    )
    options = schema.Conv2DOptionsT()
    options.padding = padding
    options.strideH, options.strideW = sh, sw
    options.dilationHFactor, options.dilationWFactor = dh, dw
    options.fusedActivationFunction = int(rng.integers(0, 4))
    return _finish("CONV_2D", dtype, tensors, options, rng)


def _typical_conv(rng: Rng, dtype: str) -> Case:
    shape = typical.conv_shape(rng)
    weights = (shape.outputs, shape.filter_height, shape.filter_width, shape.inputs)
    options = schema.Conv2DOptionsT()
    return _typical(rng, "CONV_2D", dtype, shape, weights, 0, options)


def _typical_depthwise(rng: Rng, dtype: str) -> Case:
    shape = typical.depthwise_shape(rng)
    options = schema.DepthwiseConv2DOptionsT()
    options.depthMultiplier = 1
    weights = (1, shape.filter_height, shape.filter_width, shape.inputs)
    return _typical(rng, "DEPTHWISE_CONV_2D", dtype, shape, weights, 3, options)


def _typical(
    rng: Rng, kind: str, dtype: str, shape: typical.Shape, weights: tuple[int, ...], axis: int, options: Any
) -> Case:
    height = output_extent(shape.height, shape.filter_height, shape.stride_height, shape.padding)
    width = output_extent(shape.width, shape.filter_width, shape.stride_width, shape.padding)
    source, output = (1, shape.height, shape.width, shape.inputs), (1, height, width, shape.outputs)
    options.padding = shape.padding
    options.strideH, options.strideW = shape.stride_height, shape.stride_width
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = typical.pick(rng, (0, 1, 1, 3))
    return _finish(kind, dtype, _tensors(rng, dtype, source, weights, axis, output, True), options, rng)


def depthwise_conv_2d(rng: Rng, dtype: str) -> Case:
    """Any strides, dilations, paddings, depth multipliers and batches; or a shape that networks have."""
    if dtype in QUANTIZED and chance(rng, TYPICAL):
        return _typical_depthwise(rng, dtype)
    height, width, fh, fw, sh, sw, dh, dw, padding, out_height, out_width = _geometry(rng)
    multiplier = int(rng.choice([1, 1, 1, 2, 3, 8]))
    inputs = int(rng.choice([1, 2, 3, 4, 5, 8, 9, 16, 23, 40, rng.integers(1, 71)]))
    batches = int(rng.choice([1, 1, 1, 2]))
    channels = inputs * multiplier
    tensors = _tensors(
        rng,
        dtype,
        (batches, height, width, inputs),
        (1, fh, fw, channels),
        3,
        (batches, out_height, out_width, channels),
    )
    options = schema.DepthwiseConv2DOptionsT()
    options.padding = padding
    options.strideH, options.strideW = sh, sw
    options.dilationHFactor, options.dilationWFactor = dh, dw
    options.depthMultiplier = multiplier
    options.fusedActivationFunction = int(rng.integers(0, 4))
    return _finish("DEPTHWISE_CONV_2D", dtype, tensors, options, rng)


def fully_connected(rng: Rng, dtype: str) -> Case:
    """Inputs of several ranks, with and without kept dimensions; or a shape that networks have."""
    is_typical = dtype in QUANTIZED and chance(rng, TYPICAL)
    depth = int(rng.choice([1, 2, 3, 8, 15, 16, 33, 64, 200, rng.integers(1, 400)]))
    channels = int(rng.choice([1, 2, 3, 4, 5, 8, 10, 16, 31, 64]))
    if is_typical:
        depth = typical.pick(rng, (64, 100, 128, 196, 256, 490, 640, int(rng.integers(500, 1500))))
        channels = typical.pick(rng, (2, 8, 10, 12, 32, 64, 128, int(rng.integers(1, 71))))
        channels = min(channels, typical.MOST_MACS // depth)
    rows = 1 if is_typical else int(rng.choice([1, 1, 1, 2, 3, 5]))
    keep = chance(rng, 0.3)
    if keep:
        leading = (int(rng.integers(1, 4)), rows)
        shape, output = (*leading, depth), (*leading, channels)
    elif depth % 2 == 0 and chance(rng, 0.3):
        shape, output = (rows, 1, 2, depth // 2), (rows, channels)
    else:
        shape, output = (rows, depth), (rows, channels)
    tensors = _tensors(rng, dtype, shape, (channels, depth), 0, output, is_typical)
    options = schema.FullyConnectedOptionsT()
    options.keepNumDims = keep
    options.asymmetricQuantizeInputs = chance(rng, 0.5)
    options.fusedActivationFunction = int(rng.integers(0, 4))
    return _finish("FULLY_CONNECTED", dtype, tensors, options, rng)
