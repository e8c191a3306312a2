"""Random layers that move data: joins, splits, slices, transpositions, changes of shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from oracle import Case, TensorSpec, single

Array = npt.NDArray[Any]
Rng = np.random.Generator


def random_shape(rng: Rng, least: int = 1, most: int = 6, elements: int = 600) -> tuple[int, ...]:
    """Return a random shape of `least` to `most` axes with at most about `elements` elements."""
    rank = int(rng.integers(least, most + 1))
    shape: list[int] = []
    room = elements
    for _ in range(rank):
        extent = int(rng.integers(1, min(room, int(rng.choice([3, 7, 20]))) + 1))
        shape.append(extent)
        room = max(room // extent, 1)
    rng.shuffle(shape)
    return tuple(shape)


def random_data(rng: Rng, shape: tuple[int, ...], dtype: str) -> Array:
    """Return random values over the whole range of an integer type, or floats around 0."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype == "float32":
        return rng.normal(0, 10, shape).astype(np.float32)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def quantization(rng: Rng, dtype: str) -> dict[str, Any]:
    """Return a random scale and zero point for int8, nothing for other types."""
    if dtype != "int8":
        return {}
    return {"scale": float(np.float32(10 ** rng.uniform(-4, 1))), "zero_point": int(rng.integers(-128, 128))}


def vector(values: Any, dtype: str = "int32") -> TensorSpec:
    """Return a constant vector."""
    data = np.array(values, dtype=dtype)
    return TensorSpec(data.shape, dtype, data=data)


def _oracle(rank: int, most: int = 4) -> str:
    return "tflm" if rank <= most else "litert"


def concatenation(rng: Rng, dtype: str) -> Case:
    """Up to ten tensors joined along any axis, some of them constant."""
    shape = random_shape(rng, elements=200)
    axis = int(rng.integers(0, len(shape)))
    quantized = quantization(rng, dtype)
    inputs, feeds = [], []
    count = int(rng.integers(1, 11))
    constant = rng.random(count) < 0.15
    constant[0] = False
    total = 0
    for fixed in constant:
        extent = int(rng.integers(1, 6))
        piece = (*shape[:axis], extent, *shape[axis + 1 :])
        data = random_data(rng, piece, dtype)
        inputs.append(TensorSpec(piece, dtype, data=data if fixed else None, **quantized))
        if not fixed:
            feeds.append(data)
        total += extent
    options = schema.ConcatenationOptionsT()
    options.axis = axis - len(shape) * int(rng.integers(0, 2))
    options.fusedActivationFunction = 0
    output = TensorSpec((*shape[:axis], total, *shape[axis + 1 :]), dtype, **quantized)
    oracle = "litert" if dtype == "bool" or len(shape) > 4 else "tflm"
    return single("CONCATENATION", inputs, [output], feeds, options, oracle=oracle)


def pack(rng: Rng, dtype: str) -> Case:
    """Tensors stacked along a new axis."""
    shape = random_shape(rng, 1, 5, elements=200)
    axis = int(rng.integers(0, len(shape) + 1))
    count = int(rng.integers(1, 7))
    quantized = quantization(rng, dtype)
    feeds = [random_data(rng, shape, dtype) for _ in range(count)]
    inputs = [TensorSpec(shape, dtype, **quantized) for _ in feeds]
    options = schema.PackOptionsT()
    options.valuesCount = count
    options.axis = axis - (len(shape) + 1) * int(rng.integers(0, 2))
    output = TensorSpec((*shape[:axis], count, *shape[axis:]), dtype, **quantized)
    oracle = "tflm" if dtype in ("int8", "float32", "int32", "int64") else "litert"
    return single("PACK", inputs, [output], feeds, options, oracle=oracle)


def unpack(rng: Rng, dtype: str) -> Case:
    """A tensor taken apart along an axis."""
    shape = random_shape(rng, 2, 6, elements=300)
    axis = int(rng.integers(0, len(shape)))
    quantized = quantization(rng, dtype)
    options = schema.UnpackOptionsT()
    options.num = shape[axis]
    options.axis = axis - len(shape) * int(rng.integers(0, 2))
    outputs = [TensorSpec((*shape[:axis], *shape[axis + 1 :]), dtype, **quantized) for _ in range(shape[axis])]
    oracle = "tflm" if dtype in ("int8", "float32", "int32") else "litert"
    feed = random_data(rng, shape, dtype)
    return single("UNPACK", [TensorSpec(shape, dtype, **quantized)], outputs, [feed], options, oracle=oracle)


def split(rng: Rng, dtype: str) -> Case:
    """A tensor cut into equal pieces."""
    shape = list(random_shape(rng, 1, 5, elements=200))
    axis = int(rng.integers(0, len(shape)))
    count = int(rng.integers(1, 6))
    shape[axis] *= count
    quantized = quantization(rng, dtype)
    options = schema.SplitOptionsT()
    options.numSplits = count
    piece = (*shape[:axis], shape[axis] // count, *shape[axis + 1 :])
    position = vector(axis - len(shape) * int(rng.integers(0, 2)))
    source = TensorSpec(tuple(shape), dtype, **quantized)
    outputs = [TensorSpec(piece, dtype, **quantized) for _ in range(count)]
    oracle = "tflm" if dtype in ("int8", "float32", "int32") else "litert"
    feed = random_data(rng, tuple(shape), dtype)
    return single("SPLIT", [position, source], outputs, [feed], options, oracle=oracle)


def split_v(rng: Rng, dtype: str) -> Case:
    """A tensor cut into pieces of given sizes, one of them perhaps left open."""
    shape = list(random_shape(rng, 1, 5, elements=200))
    axis = int(rng.integers(0, len(shape)))
    sizes = [int(size) for size in rng.integers(1, 5, int(rng.integers(1, 6)))]
    shape[axis] = sum(sizes)
    quantized = quantization(rng, dtype)
    options = schema.SplitVOptionsT()
    options.numSplits = len(sizes)
    outputs = [TensorSpec((*shape[:axis], size, *shape[axis + 1 :]), dtype, **quantized) for size in sizes]
    oracle = "tflm" if dtype in ("int8", "float32", "int32") else "litert"
    if rng.random() < 0.2:
        sizes[int(rng.integers(0, len(sizes)))] = -1
        oracle = "litert"
    position = vector(axis - len(shape) * int(rng.integers(0, 2)))
    source = TensorSpec(tuple(shape), dtype, **quantized)
    feed = random_data(rng, tuple(shape), dtype)
    return single("SPLIT_V", [source, vector(sizes), position], outputs, [feed], options, oracle=oracle)


def slice_(rng: Rng, dtype: str) -> Case:
    """A box cut out of a tensor, with sizes left open here and there."""
    shape = random_shape(rng, 1, 5)
    starts = [int(rng.integers(0, extent)) for extent in shape]
    sizes = [int(rng.integers(1, extent - start + 1)) for extent, start in zip(shape, starts, strict=True)]
    output = tuple(sizes)
    sizes = [
        -1 if start + size == extent and rng.random() < 0.5 else size
        for extent, start, size in zip(shape, starts, sizes, strict=True)
    ]
    quantized = quantization(rng, dtype)
    index = str(rng.choice(["int32", "int64"]))
    inputs = [TensorSpec(shape, dtype, **quantized), vector(starts, index), vector(sizes, index)]
    oracle = "tflm" if dtype in ("int8", "float32", "int32") else "litert"
    feed = random_data(rng, shape, dtype)
    return single("SLICE", inputs, [TensorSpec(output, dtype, **quantized)], [feed], oracle=oracle)


def strided_slice(rng: Rng, dtype: str) -> Case:
    """A slice with steps either way, masks of every kind, and ends beyond the tensor."""
    while True:
        shape = random_shape(rng, 1, 5)
        rank = len(shape)
        starts = [int(rng.integers(-extent - 2, extent + 3)) for extent in shape]
        stops = [int(rng.integers(-extent - 2, extent + 3)) for extent in shape]
        steps = [int(rng.choice([1, 1, 1, 2, 3, -1, -2, -3, 40, -40])) for _ in shape]
        begin_mask, end_mask = (int(rng.integers(0, 2**rank)) for _ in range(2))
        shrink_mask = int(rng.integers(0, 2**rank)) & int(rng.integers(0, 2**rank))
        expected: list[int] = []
        fits = True
        for i, extent in enumerate(shape):
            if shrink_mask >> i & 1:
                steps[i] = 1
                begin_mask &= ~(1 << i)
                fits &= -extent <= starts[i] < extent
                continue
            first = None if begin_mask >> i & 1 else starts[i]
            last = None if end_mask >> i & 1 else stops[i]
            expected.append(len(range(extent)[first : last : steps[i]]))
        if fits and all(expected):
            break
    options = schema.StridedSliceOptionsT()
    options.beginMask, options.endMask, options.shrinkAxisMask = begin_mask, end_mask, shrink_mask
    options.ellipsisMask = options.newAxisMask = 0
    quantized = quantization(rng, dtype)
    oracle = "tflm" if dtype in ("int8", "float32", "int32") and rank <= 4 else "litert"
    while (
        starts and rng.random() < 0.1 and begin_mask & end_mask & ~shrink_mask & 1 << len(starts) - 1 and steps[-1] == 1
    ):
        starts, stops, steps, oracle = starts[:-1], stops[:-1], steps[:-1], "litert"
    inputs = [TensorSpec(shape, dtype, **quantized), vector(starts), vector(stops), vector(steps)]
    feed = random_data(rng, shape, dtype)
    return single(
        "STRIDED_SLICE", inputs, [TensorSpec(tuple(expected), dtype, **quantized)], [feed], options, oracle=oracle
    )


def transpose(rng: Rng, dtype: str) -> Case:
    """Any permutation of up to six axes."""
    shape = random_shape(rng, 1, 6)
    order = [int(axis) for axis in rng.permutation(len(shape))]
    quantized = quantization(rng, dtype)
    output = TensorSpec(tuple(shape[axis] for axis in order), dtype, **quantized)
    oracle = "tflm" if dtype in ("int8", "float32") and len(shape) <= 5 else "litert"
    inputs = [TensorSpec(shape, dtype, **quantized), vector(order)]
    return single("TRANSPOSE", inputs, [output], [random_data(rng, shape, dtype)], oracle=oracle)


def _reshaped(rng: Rng, dtype: str) -> tuple[tuple[int, ...], TensorSpec, Array, dict[str, Any]]:
    shape = random_shape(rng, 1, 5)
    quantized = quantization(rng, dtype)
    return shape, TensorSpec(shape, dtype, **quantized), random_data(rng, shape, dtype), quantized


def reshape(rng: Rng, dtype: str) -> Case:
    """RESHAPE to the axes in another order, or to one axis."""
    shape, source, feed, quantized = _reshaped(rng, dtype)
    options = schema.ReshapeOptionsT()
    new = (-1,) if rng.random() < 0.3 else tuple(int(n) for n in rng.permutation(shape))
    options.newShape = list(new)
    output = TensorSpec(feed.reshape(new).shape, dtype, **quantized)
    return single("RESHAPE", [source, vector(new)], [output], [feed], options)


def squeeze(rng: Rng, dtype: str) -> Case:
    """SQUEEZE of some or all axes of extent 1."""
    shape, source, feed, quantized = _reshaped(rng, dtype)
    options = schema.SqueezeOptionsT()
    ones = [i for i, extent in enumerate(shape) if extent == 1]
    drop = [i for i in ones if rng.random() < 0.5][: len(shape) - 1]
    options.squeezeDims = [i - len(shape) * int(rng.integers(0, 2)) for i in drop]
    kept = tuple(n for i, n in enumerate(shape) if (i not in drop if drop else n != 1))
    return single("SQUEEZE", [source], [TensorSpec(kept, dtype, **quantized)], [feed], options, oracle="litert")


def expand_dims(rng: Rng, dtype: str) -> Case:
    """EXPAND_DIMS at any place."""
    shape, source, feed, quantized = _reshaped(rng, dtype)
    axis = int(rng.integers(0, len(shape) + 1))
    position = vector([axis - (len(shape) + 1) * int(rng.integers(0, 2))])
    output = TensorSpec((*shape[:axis], 1, *shape[axis:]), dtype, **quantized)
    oracle = "tflm" if dtype in ("int8", "float32") else "litert"
    return single("EXPAND_DIMS", [source, position], [output], [feed], schema.ExpandDimsOptionsT(), oracle=oracle)
