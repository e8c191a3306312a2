"""Random pools and means."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from oracle import Case, TensorSpec, single

from cases import typical
from cases.convolution import FLOAT_TOLERANCE, TYPICAL, Rng, chance, extremes, output_extent, scale, zero_point


def _pool(kind: str, rng: Rng, dtype: str) -> Case:
    while True:
        height, width = (int(n) for n in rng.integers(1, 16, 2))
        filter_height, filter_width = (int(n) for n in rng.choice([1, 2, 2, 3, 3, 5, 8], 2))
        stride_height, stride_width = (int(n) for n in rng.choice([1, 2, 2, 3, 6], 2))
        padding = int(rng.integers(0, 2))
        output_height = output_extent(height, filter_height, stride_height, padding)
        output_width = output_extent(width, filter_width, stride_width, padding)
        if output_height >= 1 and output_width >= 1:
            break
    batches, channels = int(rng.choice([1, 1, 2])), int(rng.choice([1, 2, 3, 4, 7, 8, 17, 32]))
    if dtype == "int8" and chance(rng, TYPICAL):
        _, height, width, channels = typical.image(rng)
        batches, padding = 1, 1
        if chance(rng, 0.5):  # of the whole image
            filter_height, filter_width, stride_height, stride_width = height, width, height, width
        else:
            filter_height, filter_width = min(height, 2), min(width, 2)
            stride_height = stride_width = 2
        output_height = output_extent(height, filter_height, stride_height, padding)
        output_width = output_extent(width, filter_width, stride_width, padding)
    shape, output_shape = (batches, height, width, channels), (batches, output_height, output_width, channels)
    options = schema.Pool2DOptionsT()
    options.padding = padding
    options.strideH, options.strideW = stride_height, stride_width
    options.filterHeight, options.filterWidth = filter_height, filter_width
    options.fusedActivationFunction = int(rng.integers(0, 4))
    if dtype == "float32":
        feed = rng.normal(0, 3, shape).astype(np.float32)
        source, output = TensorSpec(shape, dtype), TensorSpec(output_shape, dtype)
        return single(kind, [source], [output], [feed], options, 1, "litert", FLOAT_TOLERANCE)
    quantization = (scale(rng), zero_point(rng))
    source, output = TensorSpec(shape, dtype, *quantization), TensorSpec(output_shape, dtype, *quantization)
    return single(kind, [source], [output], [extremes(rng, shape)], options, 2)


def average_pool_2d(rng: Rng, dtype: str) -> Case:
    """Any filter, stride and padding."""
    return _pool("AVERAGE_POOL_2D", rng, dtype)


def max_pool_2d(rng: Rng, dtype: str) -> Case:
    """Any filter, stride and padding."""
    return _pool("MAX_POOL_2D", rng, dtype)


def mean(rng: Rng, dtype: str) -> Case:
    """Any axes of up to five, some of them negative or repeated, kept or not; the same or another output scale.

    A part has the image that networks average at their end.
    """
    rank = int(rng.integers(1, 6))
    shape = tuple(int(n) for n in rng.integers(1, 8 if rank > 3 else 14, rank))
    count = int(rng.integers(1, min(rank, 3) + 1))
    axes = [int(axis) for axis in rng.choice(rank, count, replace=False)]
    if dtype == "int8" and chance(rng, TYPICAL):
        shape, rank, axes = typical.image(rng), 4, [1, 2]
    elif rank == 4 and chance(rng, 0.4):
        axes = [1, 2] if chance(rng, 0.7) else [2, 1]
    keep = chance(rng, 0.5)
    reduced = set(axes)
    if keep:
        output_shape = tuple(1 if axis in reduced else n for axis, n in enumerate(shape))
    else:
        output_shape = tuple(n for axis, n in enumerate(shape) if axis not in reduced)
    written = [axis - rank if chance(rng, 0.2) else axis for axis in axes]
    if chance(rng, 0.1):
        written.append(written[0])
    # TensorFlow Lite Micro reserves room for four axes, two of them reduced.
    oracle = "tflm" if rank <= 4 and len(written) <= 2 else "litert"
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    axis_tensor = TensorSpec((len(written),), "int32", data=np.array(written, np.int32))
    if dtype == "float32":
        feed = rng.normal(0, 3, shape).astype(np.float32)
        inputs = [TensorSpec(shape, dtype), axis_tensor]
        return single("MEAN", inputs, [TensorSpec(output_shape, dtype)], [feed], options, 1, "litert", FLOAT_TOLERANCE)
    source = (scale(rng), zero_point(rng))
    target = source if chance(rng, 0.4) else (float(np.float32(source[0] * 2 ** rng.uniform(-3, 3))), zero_point(rng))
    inputs = [TensorSpec(shape, dtype, *source), axis_tensor]
    output = TensorSpec(output_shape, dtype, *target)
    return single("MEAN", inputs, [output], [extremes(rng, shape)], options, 2, oracle)
