"""Small int8 graphs, drawn by hand for tests of the passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import DType, Graph, Operator, Quantization, Tensor, verify
from midge.runtime.lower import check
from midge.runtime.operators.conv_geometry import Conv2D, DepthwiseConv2D
from midge.runtime.operators.elementwise import ArithmeticOptions
from midge.runtime.operators.fully_connected import FullyConnected

SAME, VALID = 0, 1
NONE, RELU, RELU6 = 0, 1, 3


def quantization(scale: float | list[float] = 1.0, zero_point: int = 0, axis: int = 0) -> Quantization:
    scales = np.atleast_1d(np.asarray(scale, np.float32))
    return Quantization(scales, np.full(len(scales), zero_point, np.int64), axis)


class Sketch:
    """A graph in the making. All scales are 1 where nothing else is said, so that a sum is its own result."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []

    def activation(
        self, *shape: int, scale: float = 1.0, zero_point: int = 0, dtype: DType = DType.INT8, name: str = ""
    ) -> int:
        quantized = quantization(scale, zero_point) if dtype in (DType.INT8, DType.UINT8) else None
        self.tensors.append(Tensor(name or f"t{len(self.tensors)}", shape, dtype, quantized))
        return len(self.tensors) - 1

    def constant(
        self,
        values: Any,
        dtype: DType = DType.INT8,
        scale: float | list[float] = 1.0,
        zero_point: int = 0,
        axis: int = 0,
    ) -> int:
        data = np.asarray(values, dtype.numpy)
        quantized = quantization(scale, zero_point, axis) if dtype is DType.INT8 else None
        self.tensors.append(Tensor(f"t{len(self.tensors)}", data.shape, dtype, quantized, data))
        return len(self.tensors) - 1

    def add(self, kind: str, inputs: tuple[int, ...], output: int, attributes: Any = None) -> int:
        self.operators.append(Operator(kind, inputs, (output,), attributes, len(self.operators)))
        return output

    def conv(
        self,
        source: int,
        weights: Any,
        bias: list[int] | None,
        output: int,
        padding: int = VALID,
        fused: int = NONE,
        scale: float | list[float] = 1.0,
    ) -> int:
        """A CONV_2D at stride 1; weights are (output channels, height, width, input channels)."""
        inputs = [source, self.constant(weights, scale=scale)]
        if bias is not None:
            inputs.append(self.constant(bias, DType.INT32))
        return self.add("CONV_2D", tuple(inputs), output, Conv2D(padding, 1, 1, fused))

    def depthwise(self, source: int, weights: Any, bias: list[int], output: int, padding: int = VALID) -> int:
        """A DEPTHWISE_CONV_2D at stride 1; weights are (1, height, width, output channels)."""
        taps = self.constant(weights)
        channels, inputs = self.tensors[taps].shape[3], self.tensors[source].shape[3]
        options = DepthwiseConv2D(padding, 1, 1, channels // inputs)
        return self.add("DEPTHWISE_CONV_2D", (source, taps, self.constant(bias, DType.INT32)), output, options)

    def fully_connected(self, source: int, weights: Any, bias: list[int], output: int) -> int:
        """A FULLY_CONNECTED; weights are (output channels, depth)."""
        inputs = (source, self.constant(weights), self.constant(bias, DType.INT32))
        return self.add("FULLY_CONNECTED", inputs, output, FullyConnected())

    def sum(self, a: int, b: int, output: int) -> int:
        return self.add("ADD", (a, b), output, ArithmeticOptions())

    def pad(self, source: int, before: int, after: int, output: int, value: int | None = None) -> int:
        """A PAD, or with a value a PADV2, along height and width."""
        pairs = self.constant([[0, 0], [before, after], [before, after], [0, 0]], DType.INT32)
        if value is None:
            return self.add("PAD", (source, pairs), output)
        zero_point = self.tensors[output].quantization
        assert zero_point is not None
        return self.add("PADV2", (source, pairs, self.constant(value, zero_point=zero_point.zero_point)), output)

    def graph(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Graph:
        """Return the graph, verified and all its operators checked."""
        graph = Graph("sketch", tuple(self.tensors), tuple(self.operators), inputs, outputs)
        checked(graph)
        return graph


def checked(graph: Graph) -> Graph:
    """Return a graph that is valid and whose operators kernels cover."""
    verify(graph)
    for node in graph.nodes():
        check(node)
    return graph


def kinds(graph: Graph) -> list[str]:
    return [operator.kind for operator in graph.operators]


def data(graph: Graph, operator: int, position: int) -> npt.NDArray[Any]:
    """Return a constant input of an operator."""
    index = graph.operators[operator].inputs[position]
    assert index is not None
    found = graph.tensors[index].data
    assert found is not None
    return found


def output_shape(graph: Graph, operator: int) -> tuple[int, ...]:
    return graph.tensors[graph.operators[operator].outputs[0]].shape
