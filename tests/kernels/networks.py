"""Random int8 networks with much to reduce: dead and constant channels, borders, duplicates, identities, chains.

Every network is one that TensorFlow Lite Micro runs, so that it can be the judge of what the passes make of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from cases.convolution import chance, extent, output_extent
from oracle import Case, OperatorSpec, TensorSpec

Array = npt.NDArray[Any]
Rng = np.random.Generator

LARGEST = 3000
"""Elements of an activation."""


def random_network(rng: Rng) -> Case:
    """Make a network of three to twelve operators on one image, with one or two outputs."""
    return _Network(rng).make()


class _Network:
    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.tensors: list[TensorSpec] = []
        self.operators: list[OperatorSpec] = []
        self.activations: list[int] = []
        """Positions of the input and of what operators wrote, those that others may read."""

    def make(self) -> Case:
        rng = self.rng
        shape = (1, int(rng.integers(1, 9)), int(rng.integers(1, 9)), int(rng.choice([1, 2, 3, 4, 6, 8])))
        source = self.tensor(shape, self.scale(), self.zero_point())
        self.activations.append(source)
        wanted = int(rng.integers(3, 13))
        while len(self.operators) < wanted:
            step = _STEPS[int(rng.choice(len(_STEPS), p=_WEIGHTS))]
            # Mostly the newest tensor, so that networks are deep; at times an older one, so that they branch.
            position = -1 if chance(rng, 0.8) else int(rng.integers(len(self.activations)))
            step(self, self.activations[position])
        outputs = [self.operators[-1].outputs[0]]
        if chance(rng, 0.25):
            extra = int(rng.choice([operator.outputs[0] for operator in self.operators]))
            outputs += [] if extra in outputs else [extra]
        feed = rng.integers(-128, 128, shape, dtype=np.int8)
        return Case(tuple(self.tensors), tuple(self.operators), (source,), tuple(outputs), (feed,))

    # ---- What operators are made of ---------------------------------------------------------------------------------

    def scale(self) -> float:
        return float(np.float32(10 ** self.rng.uniform(-2, -0.5)))

    def zero_point(self) -> int:
        return int(self.rng.choice([-128, -128, 0, 127, self.rng.integers(-128, 128)]))

    def tensor(
        self, shape: tuple[int, ...], scale: Any, zero_point: int = 0, data: Array | None = None, axis: int = 0
    ) -> int:
        dtype = "int8" if data is None else str(data.dtype)
        self.tensors.append(TensorSpec(shape, dtype, scale, zero_point, axis, data))
        return len(self.tensors) - 1

    def indices(self, *values: int) -> int:
        return self.tensor((len(values),), None, data=np.array(values, np.int32))

    def add(self, kind: str, inputs: tuple[int, ...], output: int, options: Any = None, version: int = 1) -> None:
        self.operators.append(OperatorSpec(kind, inputs, (output,), options, version))
        self.activations.append(output)

    def like(self, index: int, shape: tuple[int, ...] | None = None) -> int:
        """Add an activation with the quantization of another."""
        spec = self.tensors[index]
        return self.tensor(spec.shape if shape is None else shape, spec.scale, int(spec.zero_point))

    def weights(self, shape: tuple[int, ...], axis: int, columns: int | None = None) -> Array:
        """Random weights; some outputs (along `axis`) and some inputs (along `columns`) have none but zeros."""
        rng = self.rng
        values = rng.integers(-127, 128, shape, dtype=np.int8)
        for which in (axis, columns):
            if which is not None and chance(rng, 0.7):
                dead = rng.random(shape[which]) < rng.choice([0.2, 0.5, 0.8])
                np.moveaxis(values, which, 0)[dead] = 0
        if columns is not None and chance(rng, 0.5):
            values[rng.random(shape) < 0.4] = 0
        return values

    def weighted(self, kind: str, source: int, values: Array, axis: int, shape: tuple[int, ...], options: Any) -> None:
        """Add an operator with weights whose sums mostly fit int8; some biases push channels beyond its ends."""
        rng = self.rng
        channels = values.shape[axis]
        source_scale = float(np.float32(self.tensors[source].scale))
        scales = (10 ** rng.uniform(-2.5, -1.5, channels if chance(rng, 0.7) else 1)).astype(np.float32)
        depth = values.size // channels
        output_scale = float(np.float32(source_scale * np.median(scales) * 74 * 74 * np.sqrt(depth) / 50))
        bias_scale = np.float32(source_scale) * scales
        reach = int(74 * 74 * np.sqrt(depth)) + 1
        biases = rng.integers(-reach, reach + 1, channels).astype(np.int64)
        far = rng.random(channels) < rng.choice([0.0, 0.2])
        biases[far] *= 50
        bias = self.tensor((channels,), bias_scale, data=biases.astype(np.int32))
        weights = self.tensor(values.shape, scales, data=values, axis=axis)
        output = self.tensor(shape, output_scale, self.zero_point())
        inputs = (source, weights) if kind != "DEPTHWISE_CONV_2D" and chance(rng, 0.1) else (source, weights, bias)
        self.add(kind, inputs, output, options, 3)

    # ---- Operators --------------------------------------------------------------------------------------------------

    def geometry(self, options: Any, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
        """Fill in strides, dilations and padding; return filter and output extents, or None for no output."""
        rng = self.rng
        filters = [int(n) for n in rng.choice([1, 1, 2, 3, 3], 2)]
        if chance(rng, 0.4):
            filters = [1, 1]
        options.padding = int(rng.integers(0, 2))
        options.strideH, options.strideW = (int(n) for n in rng.choice([1, 1, 1, 2], 2))
        options.dilationHFactor, options.dilationWFactor = (int(n) for n in rng.choice([1, 1, 1, 2], 2))
        options.fusedActivationFunction = int(rng.choice([0, 1, 1, 3]))
        found = [
            output_extent(shape[1 + i], extent(filters[i], dilation), stride, options.padding)
            for i, (dilation, stride) in enumerate(
                ((options.dilationHFactor, options.strideH), (options.dilationWFactor, options.strideW))
            )
        ]
        return (filters[0], filters[1], found[0], found[1]) if min(found) >= 1 else None

    def conv(self, source: int) -> None:
        shape = self.tensors[source].shape
        if len(shape) != 4:
            return
        options = schema.Conv2DOptionsT()
        extents = self.geometry(options, shape)
        channels = int(self.rng.choice([1, 2, 3, 4, 6, 8, 12]))
        if extents is None:
            return
        values = self.weights((channels, extents[0], extents[1], shape[3]), 0, 3)
        self.weighted("CONV_2D", source, values, 0, (shape[0], extents[2], extents[3], channels), options)

    def depthwise(self, source: int) -> None:
        shape = self.tensors[source].shape
        if len(shape) != 4:
            return
        options = schema.DepthwiseConv2DOptionsT()
        extents = self.geometry(options, shape)
        options.depthMultiplier = int(self.rng.choice([1, 1, 2, 4])) if shape[3] < 9 else 1
        channels = shape[3] * options.depthMultiplier
        if extents is None:
            return
        values = self.weights((1, extents[0], extents[1], channels), 3)
        self.weighted("DEPTHWISE_CONV_2D", source, values, 3, (shape[0], extents[2], extents[3], channels), options)

    def fully_connected(self, source: int) -> None:
        shape = self.tensors[source].shape
        depth = int(np.prod(shape)) if chance(self.rng, 0.5) else shape[-1]
        if depth > 600:
            return
        rows = int(np.prod(shape)) // depth
        channels = int(self.rng.choice([1, 2, 5, 8]))
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = int(self.rng.choice([0, 1]))
        flat = source
        if len(shape) != 2 or shape[1] != depth:
            flat = self.like(source, (rows, depth))
            self.add("RESHAPE", (source, self.indices(rows, depth)), flat, schema.ReshapeOptionsT())
        self.weighted("FULLY_CONNECTED", flat, self.weights((channels, depth), 0, 1), 0, (rows, channels), options)

    def arithmetic(self, source: int) -> None:
        rng = self.rng
        spec = self.tensors[source]
        kind = str(rng.choice(["ADD", "ADD", "SUB", "MUL"]))
        way = int(rng.integers(0, 4))
        others = [i for i in self.activations if self.tensors[i].shape == spec.shape]
        if way == 0:
            other = int(rng.choice(others))
        else:
            shape = ((), (spec.shape[-1],), spec.shape)[way - 1]
            if way == 2 and chance(rng, 0.5):
                shape = (1,) * (len(spec.shape) - 1) + shape
            other = self.tensor(shape, self.scale(), self.zero_point(), rng.integers(-128, 128, shape, dtype=np.int8))
        a, b = float(spec.scale), float(self.tensors[other].scale)
        output_scale = a * b * 100 if kind == "MUL" else max(a, b) * 10 ** rng.uniform(-0.5, 0.5)
        options = {"ADD": schema.AddOptionsT, "SUB": schema.SubOptionsT, "MUL": schema.MulOptionsT}[kind]()
        options.fusedActivationFunction = int(rng.choice([0, 0, 1, 3]))
        if kind != "MUL":
            options.potScaleInt16 = False
        inputs = (source, other) if chance(rng, 0.5) else (other, source)
        self.add(kind, inputs, self.tensor(spec.shape, float(np.float32(output_scale)), self.zero_point()), options, 2)

    def pad(self, source: int) -> None:
        rng = self.rng
        spec = self.tensors[source]
        if len(spec.shape) != 4:
            return
        pairs = np.zeros((4, 2), np.int32)
        if chance(rng, 0.9):
            pairs[1:3] = rng.integers(0, int(rng.choice([2, 3])), (2, 2))
        if chance(rng, 0.05):
            pairs[3] = (0, 1)
        shape = tuple(int(n + sum(pair)) for n, pair in zip(spec.shape, pairs, strict=True))
        inputs = [source, self.tensor((4, 2), None, data=pairs)]
        kind, options = "PAD", schema.PadOptionsT()
        if chance(rng, 0.3):
            kind, options = "PADV2", schema.PadV2OptionsT()
            value = int(spec.zero_point) if chance(rng, 0.5) else int(rng.integers(-128, 128))
            inputs.append(self.tensor((), spec.scale, int(spec.zero_point), np.array(value, np.int8)))
        self.add(kind, tuple(inputs), self.like(source, shape), options)
        if chance(rng, 0.7):
            (self.conv if chance(rng, 0.5) else self.depthwise)(self.activations[-1])

    def pool(self, source: int) -> None:
        rng = self.rng
        shape = self.tensors[source].shape
        if len(shape) != 4:
            return
        options = schema.Pool2DOptionsT()
        options.padding = int(rng.integers(0, 2))
        options.filterHeight, options.filterWidth = (int(n) for n in rng.choice([1, 1, 2, 3], 2))
        options.strideH, options.strideW = (int(n) for n in rng.choice([1, 1, 2], 2))
        if chance(rng, 0.2):
            options.filterHeight = options.filterWidth = options.strideH = options.strideW = 1
        options.fusedActivationFunction = int(rng.choice([0, 0, 1]))
        height = output_extent(shape[1], options.filterHeight, options.strideH, options.padding)
        width = output_extent(shape[2], options.filterWidth, options.strideW, options.padding)
        if min(height, width) >= 1:
            output = self.like(source, (shape[0], height, width, shape[3]))
            self.add(str(rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), (source,), output, options, 2)

    def mean(self, source: int) -> None:
        shape = self.tensors[source].shape
        if len(shape) != 4:
            return
        options = schema.ReducerOptionsT()
        options.keepDims = chance(self.rng, 0.5)
        output = (shape[0], 1, 1, shape[3]) if options.keepDims else (shape[0], shape[3])
        scale = self.tensors[source].scale if chance(self.rng, 0.5) else self.scale()
        target = self.tensor(output, scale, self.zero_point())
        self.add("MEAN", (source, self.indices(1, 2)), target, options, 2)

    def unary(self, source: int) -> None:
        rng = self.rng
        kinds = ["RELU", "RELU", "RELU6", "LOGISTIC", "TANH", "LEAKY_RELU", "HARD_SWISH", "QUANTIZE", "QUANTIZE"]
        kind = str(rng.choice(kinds))
        options: Any = None
        spec = self.tensors[source]
        same = chance(rng, 0.8 if kind == "RELU" else 0.5)
        output = (
            self.like(source) if same or kind == "RELU6" else self.tensor(spec.shape, self.scale(), self.zero_point())
        )
        if kind in ("LOGISTIC", "TANH"):
            fixed = (
                {"scale": 1 / 256, "zero_point": -128} if kind == "LOGISTIC" else {"scale": 1 / 128, "zero_point": 0}
            )
            self.tensors[output] = dataclasses.replace(spec, **fixed)
        elif kind == "LEAKY_RELU":
            options = schema.LeakyReluOptionsT()
            options.alpha = float(np.float32(rng.choice([0.1, 0.3])))
        elif kind == "HARD_SWISH":
            ratio = 10 ** rng.uniform(-1.5, 1)
            self.tensors[output] = dataclasses.replace(spec, scale=float(np.float32(spec.scale * ratio)))
            options = schema.HardSwishOptionsT()
        elif kind == "QUANTIZE":
            options = schema.QuantizeOptionsT()
        self.add(kind, (source,), output, options)

    def through_floats(self, source: int) -> None:
        """DEQUANTIZE and back; the floats are no input of anything else."""
        spec = self.tensors[source]
        floats = self.tensor(spec.shape, None)
        self.tensors[floats] = TensorSpec(spec.shape, "float32")
        self.add("DEQUANTIZE", (source,), floats, schema.DequantizeOptionsT())
        self.activations.pop()
        output = (
            self.like(source) if chance(self.rng, 0.3) else self.tensor(spec.shape, self.scale(), self.zero_point())
        )
        self.add("QUANTIZE", (floats,), output, schema.QuantizeOptionsT())

    def concatenation(self, source: int) -> None:
        """With itself, with others of its quantization, or with constants; or alone."""
        rng = self.rng
        spec = self.tensors[source]
        options = schema.ConcatenationOptionsT()
        axis = len(spec.shape) - 1 if chance(rng, 0.7) else int(rng.integers(0, len(spec.shape)))
        options.axis = axis - len(spec.shape) if chance(rng, 0.3) else axis
        others = [
            i
            for i in self.activations
            if self.tensors[i].shape == spec.shape
            and (self.tensors[i].scale, self.tensors[i].zero_point) == (spec.scale, spec.zero_point)
        ]
        pieces = [source] + [int(rng.choice(others)) for _ in range(int(rng.integers(0, 3)))]
        if chance(rng, 0.4):
            data = rng.integers(-128, 128, spec.shape, dtype=np.int8)
            pieces.append(self.tensor(spec.shape, spec.scale, int(spec.zero_point), data))
        rng.shuffle(pieces)
        total = len(pieces) * spec.shape[axis]
        shape = (*spec.shape[:axis], total, *spec.shape[axis + 1 :])
        if np.prod(shape) <= LARGEST:
            self.add("CONCATENATION", tuple(pieces), self.like(source, shape), options)

    def reshape(self, source: int) -> None:
        """To the same shape, flat, with the channels split, or with an axis more."""
        shape = self.tensors[source].shape
        elements = int(np.prod(shape))
        choices: list[tuple[int, ...]] = [shape, (1, elements), (1, 1, 1, elements)]
        if len(shape) == 4:
            choices.append((shape[0], 1, shape[1] * shape[2], shape[3]))
            if shape[3] % 2 == 0:
                choices.append((shape[0], shape[1], shape[2] * 2, shape[3] // 2))
        target = choices[int(self.rng.integers(len(choices)))]
        self.add("RESHAPE", (source, self.indices(*target)), self.like(source, target), schema.ReshapeOptionsT())

    def transpose(self, source: int) -> None:
        shape = self.tensors[source].shape
        order = [int(axis) for axis in self.rng.permutation(len(shape))]
        if chance(self.rng, 0.4):
            order = [*(int(axis) for axis in self.rng.permutation(len(shape) - 1)), len(shape) - 1]
        output = self.like(source, tuple(shape[axis] for axis in order))
        self.add("TRANSPOSE", (source, self.indices(*order)), output, schema.TransposeOptionsT())

    def cut(self, source: int) -> None:
        """A slice, often of everything."""
        shape = self.tensors[source].shape
        begin = [int(self.rng.integers(0, n)) if chance(self.rng, 0.2) else 0 for n in shape]
        size = [n - b for n, b in zip(shape, begin, strict=True)]
        inputs = (source, self.indices(*begin), self.indices(*size))
        self.add("SLICE", inputs, self.like(source, tuple(size)), schema.SliceOptionsT())

    def again(self, _: int) -> None:
        """The same operator once more, and the sum of both results."""
        if not self.operators:
            return
        operator = self.operators[int(self.rng.integers(len(self.operators)))]
        if self.tensors[operator.outputs[0]].dtype != "int8":
            return
        first, second = operator.outputs[0], self.like(operator.outputs[0])
        self.operators.append(dataclasses.replace(operator, outputs=(second,)))
        options = schema.AddOptionsT()
        options.potScaleInt16 = False
        self.add("ADD", (first, second), self.like(first), options, 2)


Step = Callable[[_Network, int], None]

_CHANCES: tuple[tuple[Step, float], ...] = (
    (_Network.conv, 8),
    (_Network.depthwise, 5),
    (_Network.fully_connected, 1.5),
    (_Network.arithmetic, 3),
    (_Network.pad, 5),
    (_Network.pool, 2),
    (_Network.mean, 0.4),
    (_Network.unary, 4),
    (_Network.through_floats, 0.7),
    (_Network.concatenation, 1.5),
    (_Network.reshape, 1.2),
    (_Network.transpose, 0.6),
    (_Network.cut, 0.6),
    (_Network.again, 2),
)
_STEPS = [step for step, _ in _CHANCES]
_WEIGHTS = np.array([weight for _, weight in _CHANCES]) / sum(weight for _, weight in _CHANCES)
