"""Cut out the channels that no output of the model depends on, and those that are constants.

A channel goes where every operator that reads it does without: it has no weight other than zero for it, or the channel
is a constant (all its weights are zero, or its values are always clamped to one) and its share in the reader's sums
moves into the reader's bias. The channels that only fed a dropped channel go with it. `live_channels` says which.
So that kernels find whole groups of channels, some dead ones stay, without any weights: neither are they computed from
anything, nor read, and their scale is another's, since a scale of all zeros can be one that no fast kernel takes.

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
from midge.runtime.passes.live_channels import Channels, Mask, find_channels, make_reader


def drop_dead_channels(graph: Graph) -> Graph:
    """Return the graph without the channels that can go."""
    if not any(tensor.dtype is DType.INT8 and tensor.data is None for tensor in graph.tensors):
        return graph
    ranges = find_ranges(graph)
    found = {index: channels for index, channels in find_channels(graph, ranges).items() if not channels.live.all()}
    return _Cutter(graph, ranges, found).cut() if found else graph


class _Cutter:
    def __init__(self, graph: Graph, ranges: Ranges, channels: dict[int, Channels]) -> None:
        self.graph, self.ranges, self.channels = graph, ranges, channels
        self.tensors: list[Tensor] = list(graph.tensors)

    def cut(self) -> Graph:
        operators = [self._cut_operator(node) for node in self.graph.nodes()]
        for index, channels in self.channels.items():
            tensor = self.tensors[index]
            self.tensors[index] = dataclasses.replace(tensor, shape=(*tensor.shape[:-1], int(channels.kept.sum())))
        return self.graph.replace(tensors=tuple(self.tensors), operators=tuple(operators))

    def _cut_operator(self, node: Node) -> Operator:
        operator = node.operator
        source = None if operator.inputs[0] is None else self.channels.get(operator.inputs[0])
        output = self.channels.get(operator.outputs[0])
        if source is None and output is None:
            return operator
        return _RULES.get(operator.kind, _keep)(self, node, source, output)

    def add(self, tensor: Tensor, data: Array, quantization: Quantization | None) -> int:
        """Add a constant that takes the place of another and return its position."""
        data = np.ascontiguousarray(data)
        data.flags.writeable = False
        self.tensors.append(dataclasses.replace(tensor, shape=data.shape, data=data, quantization=quantization))
        return len(self.tensors) - 1

    def cut_constant(self, tensor: Tensor, axis: int, kept: Mask) -> int:
        """Add a constant of which the entries along one axis are cut; per-channel scales are cut with them."""
        quantization = tensor.quantization
        if quantization is not None and not quantization.per_tensor and quantization.axis == axis:
            quantization = Quantization(quantization.scales[kept], quantization.zero_points[kept], axis)
        return self.add(tensor, np.compress(kept, constant(tensor, "constant"), axis=axis), quantization)

    def cut_outputs(self, tensor: Tensor, axis: int, channels: Channels) -> int:
        """Add weights of which output channels are cut; the dead ones that are kept get zeros and an ordinary scale."""
        data = constant(tensor, "weights").copy()
        np.moveaxis(data, axis, 0)[~channels.live] = 0
        quantization = tensor.quantization
        if quantization is not None and not quantization.per_tensor:
            scales = np.where(channels.live, quantization.scales, quantization.scales[channels.live.argmax()])
            quantization = dataclasses.replace(quantization, scales=scales)
        return self.cut_constant(dataclasses.replace(tensor, data=data, quantization=quantization), axis, channels.kept)

    def new_bias(self, node: Node, channels: Channels | None, moved: Array) -> int | None:
        """Return the position of the bias of the channels kept, with what was moved into it; None for no bias."""
        bias = node.optional_input(2)
        if bias is None and not moved.any():
            return None
        if bias is None:
            bias = Tensor(f"{node.input(1).name}/bias", moved.shape, DType.INT32)
            values = moved
        else:
            values = constant(bias, "bias").reshape(-1) + moved
        quantization = bias.quantization
        if channels is not None:
            values = np.where(channels.live, values, 0)[channels.kept]
            if quantization is not None and not quantization.per_tensor:
                kept = channels.kept
                quantization = Quantization(quantization.scales[kept], quantization.zero_points[kept], 0)
        return self.add(bias, values.astype(np.int32), quantization)


def _with_weights(operator: Operator, weights: int, bias: int | None, **attributes: Any) -> Operator:
    inputs = (operator.inputs[0], weights, *(() if bias is None else (bias,)))
    changed = dataclasses.replace(operator.attributes, **attributes) if attributes else operator.attributes
    return dataclasses.replace(operator, inputs=inputs, attributes=changed)


def _cut_reader(cutter: _Cutter, node: Node, source: Channels | None, output: Channels | None) -> Operator:
    """CONV_2D and FULLY_CONNECTED: rows of the weights go with the output's channels, columns with the input's."""
    tensor = node.input(1)
    weights = constant(tensor, "weights")
    moved = np.zeros(len(weights), np.int64)
    position = node.input_index(1)
    if source is not None:
        reader = make_reader(node, cutter.ranges)
        assert reader is not None
        moved = reader.shares[:, ~source.live].sum(axis=1)
        if output is not None:
            moved[~output.live] = 0
        times = weights.shape[-1] // len(source.live)
        read = np.where(np.tile(source.live, times), weights, 0)
        position = cutter.cut_constant(
            dataclasses.replace(tensor, data=read), weights.ndim - 1, np.tile(source.kept, times)
        )
    if output is not None:
        position = cutter.cut_outputs(cutter.tensors[position], 0, output)
    return _with_weights(node.operator, position, cutter.new_bias(node, output, moved))


def _cut_depthwise(cutter: _Cutter, node: Node, _: Channels | None, output: Channels | None) -> Operator:
    """DEPTHWISE_CONV_2D: its only input channel is kept where there is one, so that its multiplier shrinks."""
    if output is None:
        return node.operator
    weights = cutter.cut_outputs(node.input(1), 3, output)
    bias = cutter.new_bias(node, output, np.zeros(len(output.live), np.int64))
    declared = node.attributes.depth_multiplier
    multiplier = int(output.kept.sum()) if declared and node.input(0).shape[3] == 1 else declared
    return _with_weights(node.operator, weights, bias, depth_multiplier=multiplier)


def _cut_arithmetic(cutter: _Cutter, node: Node, _: Channels | None, output: Channels | None) -> Operator:
    """ADD, SUB and MUL: a constant with as many channels as the output loses the same ones."""
    inputs = list(node.operator.inputs)
    for position in (0, 1):
        tensor = node.input(position)
        if output is not None and tensor.data is not None and channels_of(tensor) == len(output.kept):
            inputs[position] = cutter.cut_constant(tensor, len(tensor.shape) - 1, output.kept)
    return dataclasses.replace(node.operator, inputs=tuple(inputs))


def _cut_concatenation(cutter: _Cutter, node: Node, _: Channels | None, output: Channels | None) -> Operator:
    """CONCATENATION: constants among its inputs lose what the output loses."""
    if output is None:
        return node.operator
    rank = len(node.output().shape)
    last = normalize_axis(node.attributes.axis, rank) == rank - 1
    inputs: list[int] = []
    begin = 0
    for position in range(len(node.operator.inputs)):
        tensor, index = node.input(position), node.input_index(position)
        piece = output.kept[begin : begin + tensor.shape[-1]] if last else output.kept
        begin += tensor.shape[-1] if last else 0
        if tensor.data is None:
            inputs.append(index)
        elif piece.any():
            inputs.append(cutter.cut_constant(tensor, rank - 1, piece))
    return dataclasses.replace(node.operator, inputs=tuple(inputs))


def _cut_reshape(_: _Cutter, node: Node, __: Channels | None, ___: Channels | None) -> Operator:
    """RESHAPE and its kin: the shape is the output's; a second input that says it would now be wrong."""
    return dataclasses.replace(node.operator, inputs=node.operator.inputs[:1])


def _keep(_: _Cutter, node: Node, __: Channels | None, ___: Channels | None) -> Operator:
    return node.operator


_RULES: dict[str, Callable[[_Cutter, Node, Channels | None, Channels | None], Operator]] = {
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
