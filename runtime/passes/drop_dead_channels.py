"""Cut out the channels that no output of the model depends on, and those that are constants.

A channel goes where every operator that reads it does without: it has no weight other than zero for it, or the channel
is a constant (all its weights are zero, or its values are always clamped to one) and its share in the reader's sums
moves into the reader's bias. The channels that only fed a dropped channel go with it. `live_channels` says which.

Exact because integer sums are exact: a product with a zero weight adds nothing, and a share moved into the bias is the
same summand, taken only where every window has it (no padding, or the constant is the zero point that padding means)
and where the new bias fits 32 bits whatever is moved. Floats stay: their sums depend on the order and on infinities.

Demands: every operator has passed its row's check. Inputs and outputs of the model keep their channels, and every
tensor keeps at least one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from midge.runtime.graph import Array, DType, Graph, Node, Operator, Quantization, Tensor
from midge.runtime.operators.boxes import normalize_axis
from midge.runtime.operators.row import constant
from midge.runtime.passes.channel_ranges import Ranges, channels_of, find_ranges
from midge.runtime.passes.live_channels import Mask, find_live, make_reader


def drop_dead_channels(graph: Graph) -> Graph:
    """Return the graph without the channels that can go."""
    if not any(tensor.dtype is DType.INT8 and tensor.data is None for tensor in graph.tensors):
        return graph
    ranges = find_ranges(graph)
    live = {index: mask for index, mask in find_live(graph, ranges).items() if not mask.all()}
    return _Cutter(graph, ranges, live).cut() if live else graph


class _Cutter:
    def __init__(self, graph: Graph, ranges: Ranges, live: dict[int, Mask]) -> None:
        self.graph, self.ranges, self.live = graph, ranges, live
        self.tensors: list[Tensor] = list(graph.tensors)

    def cut(self) -> Graph:
        operators = [self._cut_operator(node) for node in self.graph.nodes()]
        for index, mask in self.live.items():
            tensor = self.tensors[index]
            self.tensors[index] = dataclasses.replace(tensor, shape=(*tensor.shape[:-1], int(mask.sum())))
        return self.graph.replace(tensors=tuple(self.tensors), operators=tuple(operators))

    def _cut_operator(self, node: Node) -> Operator:
        operator = node.operator
        source = None if operator.inputs[0] is None else self.live.get(operator.inputs[0])
        output = self.live.get(operator.outputs[0])
        if source is None and output is None:
            return operator
        return _RULES.get(operator.kind, _keep)(self, node, source, output)

    def add(self, tensor: Tensor, data: Array, quantization: Quantization | None) -> int:
        """Add a constant that takes the place of another and return its position."""
        data = np.ascontiguousarray(data)
        data.flags.writeable = False
        self.tensors.append(dataclasses.replace(tensor, shape=data.shape, data=data, quantization=quantization))
        return len(self.tensors) - 1

    def cut_constant(self, tensor: Tensor, axis: int, mask: Mask) -> int:
        """Add a constant of which the entries along one axis are cut; per-channel scales are cut with them."""
        quantization = tensor.quantization
        if quantization is not None and not quantization.per_tensor and quantization.axis == axis:
            quantization = Quantization(quantization.scales[mask], quantization.zero_points[mask], axis)
        return self.add(tensor, np.compress(mask, constant(tensor, "constant"), axis=axis), quantization)

    def new_bias(self, node: Node, rows: Mask, moved: Array) -> int | None:
        """Return the position of the bias of the rows left, with what was moved into it; None for no bias."""
        bias = node.optional_input(2)
        if bias is None:
            if not moved.any():
                return None
            tensor = Tensor(f"{node.input(1).name}/bias", moved.shape, DType.INT32)
            return self.add(tensor, moved[rows].astype(np.int32), None)
        values = constant(bias, "bias").reshape(-1) + moved
        quantization = bias.quantization
        if quantization is not None and not quantization.per_tensor:
            quantization = Quantization(quantization.scales[rows], quantization.zero_points[rows], 0)
        return self.add(bias, values[rows].astype(np.int32), quantization)


def _with_weights(operator: Operator, weights: int, bias: int | None, **attributes: Any) -> Operator:
    inputs = (operator.inputs[0], weights, *(() if bias is None else (bias,)))
    changed = dataclasses.replace(operator.attributes, **attributes) if attributes else operator.attributes
    return dataclasses.replace(operator, inputs=inputs, attributes=changed)


def _cut_reader(cutter: _Cutter, node: Node, source: Mask | None, output: Mask | None) -> Operator:
    """CONV_2D and FULLY_CONNECTED: rows of the weights go with the output's channels, columns with the input's."""
    weights = constant(node.input(1), "weights")
    rows = np.ones(len(weights), np.bool_) if output is None else output
    moved = np.zeros(len(weights), np.int64)
    position = node.input_index(1)
    tensor = node.input(1)
    if source is not None:
        reader = make_reader(node, cutter.ranges)
        assert reader is not None
        moved[rows] = reader.shares[rows][:, ~source].sum(axis=1)
        columns = np.tile(source, weights.shape[-1] // len(source))
        position = cutter.cut_constant(tensor, weights.ndim - 1, columns)
    if output is not None:
        position = cutter.cut_constant(cutter.tensors[position], 0, rows)
    return _with_weights(node.operator, position, cutter.new_bias(node, rows, moved))


def _cut_depthwise(cutter: _Cutter, node: Node, _: Mask | None, output: Mask | None) -> Operator:
    """DEPTHWISE_CONV_2D: its only input channel is kept where there is one, so that its multiplier shrinks."""
    if output is None:
        return node.operator
    weights = cutter.cut_constant(node.input(1), 3, output)
    bias = cutter.new_bias(node, output, np.zeros(len(output), np.int64))
    declared = node.attributes.depth_multiplier
    multiplier = int(output.sum()) if declared and node.input(0).shape[3] == 1 else declared
    return _with_weights(node.operator, weights, bias, depth_multiplier=multiplier)


def _cut_arithmetic(cutter: _Cutter, node: Node, _: Mask | None, output: Mask | None) -> Operator:
    """ADD, SUB and MUL: a constant with as many channels as the output loses the same ones."""
    inputs = list(node.operator.inputs)
    for position in (0, 1):
        tensor = node.input(position)
        if output is not None and tensor.data is not None and channels_of(tensor) == len(output):
            inputs[position] = cutter.cut_constant(tensor, len(tensor.shape) - 1, output)
    return dataclasses.replace(node.operator, inputs=tuple(inputs))


def _cut_concatenation(cutter: _Cutter, node: Node, _: Mask | None, output: Mask | None) -> Operator:
    """CONCATENATION: constants among its inputs lose what the output loses."""
    if output is None:
        return node.operator
    rank = len(node.output().shape)
    last = normalize_axis(node.attributes.axis, rank) == rank - 1
    inputs: list[int] = []
    begin = 0
    for position in range(len(node.operator.inputs)):
        tensor, index = node.input(position), node.input_index(position)
        piece = output[begin : begin + tensor.shape[-1]] if last else output
        begin += tensor.shape[-1] if last else 0
        if tensor.data is None:
            inputs.append(index)
        elif piece.any():
            inputs.append(cutter.cut_constant(tensor, rank - 1, piece))
    return dataclasses.replace(node.operator, inputs=tuple(inputs))


def _cut_reshape(_: _Cutter, node: Node, __: Mask | None, ___: Mask | None) -> Operator:
    """RESHAPE and its kin: the shape is the output's; a second input that says it would now be wrong."""
    return dataclasses.replace(node.operator, inputs=node.operator.inputs[:1])


def _keep(_: _Cutter, node: Node, __: Mask | None, ___: Mask | None) -> Operator:
    return node.operator


_RULES: dict[str, Callable[[_Cutter, Node, Mask | None, Mask | None], Operator]] = {
    "ADD": _cut_arithmetic,
    "CONCATENATION": _cut_concatenation,
    "CONV_2D": _cut_reader,
    "DEPTHWISE_CONV_2D": _cut_depthwise,
    "EXPAND_DIMS": _cut_reshape,
    "FULLY_CONNECTED": _cut_reader,
    "MUL": _cut_arithmetic,
    "RESHAPE": _cut_reshape,
    "SQUEEZE": _cut_reshape,
    "SUB": _cut_arithmetic,
}
