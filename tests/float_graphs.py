"""Small float graphs, written by hand, for tests that need no TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from midge.converter.data import Dataset
from midge.converter.interpreter import Interpreter
from midge.runtime.graph import DType, Graph, Operator, Tensor
from midge.runtime.operators.conv_geometry import Conv2D, DepthwiseConv2D
from midge.runtime.operators.fully_connected import FullyConnected
from midge.runtime.tflite.reader import read_model
from midge.runtime.tflite.writer import write_model

Values = np.ndarray[Any, Any]

NONE, RELU = 0, 1
SAME, VALID = 0, 1


class Network:
    """A float graph under construction; every method returns the position of what it adds."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self._tensors: list[Tensor] = []
        self._operators: list[Operator] = []
        self._inputs: list[int] = []

    def input(self, *shape: int) -> int:
        self._inputs.append(self._activation(shape))
        return self._inputs[-1]

    def constant(self, values: Values) -> int:
        data = np.array(values)
        data.flags.writeable = False
        kind = DType.FLOAT32 if data.dtype == np.float32 else DType.INT32
        self._tensors.append(Tensor(f"constant_{len(self._tensors)}", data.shape, kind, data=data))
        return len(self._tensors) - 1

    def normal(self, *shape: int, spread: Values | float = 1.0) -> int:
        return self.constant((self.random.normal(size=shape) * spread).astype(np.float32))

    def operator(self, kind: str, inputs: list[int], shape: tuple[int, ...], attributes: Any = None) -> int:
        output = self._activation(shape)
        self._operators.append(Operator(kind, tuple(inputs), (output,), attributes, index=len(self._operators)))
        return output

    def conv(
        self,
        x: int,
        channels: int,
        size: int = 3,
        *,
        stride: int = 1,
        padding: int = SAME,
        act: int = NONE,
        dilation: int = 1,
        spread: Values | float = 0.3,
    ) -> int:
        shape = self._tensors[x].shape
        inputs = [x, self.normal(channels, size, size, shape[3], spread=spread), self.normal(channels)]
        options = Conv2D(padding, stride, stride, act, dilation, dilation)
        return self.operator("CONV_2D", inputs, self._image(shape, size, stride, padding, dilation, channels), options)

    def depthwise(
        self, x: int, multiplier: int = 1, size: int = 3, *, stride: int = 1, padding: int = SAME, act: int = NONE
    ) -> int:
        shape = self._tensors[x].shape
        channels = shape[3] * multiplier
        inputs = [x, self.normal(1, size, size, channels, spread=0.3), self.normal(channels)]
        options = DepthwiseConv2D(padding, stride, stride, multiplier, act, 1, 1)
        return self.operator(
            "DEPTHWISE_CONV_2D", inputs, self._image(shape, size, stride, padding, 1, channels), options
        )

    def dense(self, x: int, units: int, *, act: int = NONE, bias: bool = True, spread: Values | float = 0.3) -> int:
        depth = self._tensors[x].shape[-1]
        inputs = [x, self.normal(units, depth, spread=spread), *([self.normal(units)] if bias else [])]
        return self.operator("FULLY_CONNECTED", inputs, (1, units), FullyConnected(act))

    def graph(self, *outputs: int) -> Graph:
        """Return the graph as it is read from its own file."""
        graph = Graph("test", tuple(self._tensors), tuple(self._operators), tuple(self._inputs), outputs)
        return read_model(write_model(graph))

    def _activation(self, shape: tuple[int, ...]) -> int:
        self._tensors.append(Tensor(f"tensor_{len(self._tensors)}", tuple(shape), DType.FLOAT32))
        return len(self._tensors) - 1

    @staticmethod
    def _image(
        shape: tuple[int, ...], size: int, stride: int, padding: int, dilation: int, channels: int
    ) -> tuple[int, ...]:
        window = 1 if padding == SAME else (size - 1) * dilation + 1
        rows, columns = (-(-(extent - window + 1) // stride) for extent in shape[1:3])
        return 1, rows, columns, channels


def samples(graph: Graph, count: int = 32, seed: int = 1) -> Dataset:
    """Make calibration data, standard normal."""
    random = np.random.default_rng(seed)
    arrays = tuple(
        random.standard_normal((count, *graph.tensors[i].shape[1:])).astype(np.float32) for i in graph.inputs
    )
    return Dataset("calibration", arrays, None)


def litert(graph: Graph, data: Dataset) -> list[Values]:
    """Run a graph in LiteRT, without the kernels that fuse."""
    return Interpreter(write_model(graph), keep=True).run(data.inputs)
