"""A float graph and the ranges of its activations in, the integer network out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from midge.converter.quantizer.assign import Range, assign
from midge.converter.quantizer.integer import Grid, IntegerNetwork
from midge.converter.quantizer.prepare import prepare, rule_of, tied_inputs
from midge.converter.quantizer.rules import RULES
from midge.converter.quantizer.scales import (
    LEVELS,
    channel_quantization,
    quantize_activation,
    quantize_bias,
    quantize_weights,
    safe_scales,
    weight_scales,
)
from midge.converter.quantizer.weighted import weights_of
from midge.runtime.graph import Array, DType, Graph, Node, Operator, Quantization, Tensor, verify
from midge.runtime.passes.rewrite import same_quantization

DEQUANTIZE_VERSION = 2
"""The least that takes int8."""


def quantize_network(
    exact: Graph,
    ranges: Mapping[int, Range],
    bits: Mapping[int, int] | None = None,
    *,
    interface: Literal["int8", "float32"] = "int8",
) -> IntegerNetwork:
    """Quantize a float graph to int8 activations, and weights of 8 or 4 bits per output channel.

    Args:
        exact: the float graph; constants that cannot be shared as integers get copies, see `prepare`.
        ranges: least and greatest value by tensor, of graph inputs and of outputs of operators.
        bits: by tensor of weights: 8 or 4; those that are not named get 8.
        interface: the type of the graph's inputs and outputs.

    Raises:
        UnsupportedError: an operator has no rule.
    """
    exact = prepare(exact)
    return _Quantizer(exact, assign(exact, ranges), bits or {}).build(interface)


class _Quantizer:
    def __init__(self, exact: Graph, assigned: Mapping[int, Quantization], bits: Mapping[int, int]) -> None:
        self._exact = exact
        self._assigned = assigned
        self._bits = bits
        self._tensors = [self._activation(i, t) for i, t in enumerate(exact.tensors)]
        self._operators: list[Operator] = []
        self._requantized: dict[tuple[int, float, int], int] = {}

    def build(self, interface: str) -> IntegerNetwork:
        for weights, users in weights_of(self._exact).items():
            self._store_weights(weights, users)
        for node in self._exact.nodes():
            self._add(node)
        inputs, outputs = self._exact.inputs, self._exact.outputs
        if interface == "float32":
            inputs = tuple(self._float_input(i) for i in inputs)
            outputs = tuple(self._float_output(i) for i in outputs)
        graph = self._exact.replace(
            tensors=tuple(self._tensors), operators=tuple(self._operators), inputs=inputs, outputs=outputs, sha256=""
        )
        verify(graph)
        grids = {
            index: Grid(np.arange(-LEVELS[bits], LEVELS[bits] + 1, dtype=np.int8))
            for index, bits in self._bits.items()
            if bits != 8
        }
        return IntegerNetwork(self._exact, graph, grids)

    def _activation(self, index: int, tensor: Tensor) -> Tensor:
        """Return an activation, or a constant that is stored like one, as int8."""
        quantization = self._assigned.get(index)
        if tensor.dtype is not DType.FLOAT32 or quantization is None:
            return tensor
        data = None if tensor.data is None else _frozen(quantize_activation(tensor.data, quantization))
        return dataclasses.replace(tensor, dtype=DType.INT8, quantization=quantization, data=data)

    def _store_weights(self, index: int, users: list[Operator]) -> None:
        """Quantize weights for all operators that use them, and the bias of each."""
        tensor = self._exact.tensors[index]
        assert tensor.data is not None
        axis, bits = RULES[users[0].kind].channel_axis, self._bits.get(index, 8)
        assert axis is not None
        scales = weight_scales(tensor.data, axis, bits)
        for op in users:
            input_scale, output_scale = self._scales_around(op)
            scales = safe_scales(scales, self._float_bias(op), input_scale, output_scale)
        quantization = channel_quantization(scales, axis)
        self._tensors[index] = dataclasses.replace(
            tensor,
            dtype=DType.INT8 if bits == 8 else DType.INT4,
            quantization=quantization,
            data=_frozen(quantize_weights(tensor.data, quantization, bits)),
        )
        for op in users:
            self._store_bias(op, quantization)

    def _store_bias(self, op: Operator, weights: Quantization) -> None:
        index = op.inputs[2] if len(op.inputs) > 2 else None
        bias = self._float_bias(op)
        if index is None or bias is None:
            return
        products = self._scales_around(op)[0] * weights.scales.astype(np.float64)
        self._tensors[index] = dataclasses.replace(
            self._exact.tensors[index],
            dtype=DType.INT32,
            quantization=channel_quantization(products, 0),
            data=_frozen(quantize_bias(bias, products)),
        )

    def _float_bias(self, op: Operator) -> Array | None:
        index = op.inputs[2] if len(op.inputs) > 2 else None
        return None if index is None else self._exact.tensors[index].data

    def _scales_around(self, op: Operator) -> tuple[float, float]:
        assert op.inputs[0] is not None
        return self._assigned[op.inputs[0]].scale, self._assigned[op.outputs[0]].scale

    def _add(self, node: Node) -> None:
        """Add an operator, behind the QUANTIZE operators that its inputs need."""
        rule, op = rule_of(node), node.operator
        inputs, version = op.inputs, op.version
        if any(self._tensors[i].dtype is DType.INT8 for i in op.outputs):
            wanted = self._tensors[op.outputs[0]].quantization
            tied = tied_inputs(node, rule)
            assert wanted is not None
            inputs = tuple(self._requantize(i, wanted) if i is not None and i in tied else i for i in inputs)
            version = max(version, self._version(node))
        self._operators.append(dataclasses.replace(op, inputs=inputs, version=version))

    def _version(self, node: Node) -> int:
        rule, op = rule_of(node), node.operator
        weights = None if rule.channel_axis is None or op.inputs[1] is None else self._tensors[op.inputs[1]]
        if weights is not None and weights.dtype is DType.INT4:
            assert rule.int4_version is not None
            return rule.int4_version
        if op.kind == "FULLY_CONNECTED":
            if len(op.inputs) == 2:
                return 6
            return 5 if node.attributes.keep_num_dims else rule.version
        if op.kind == "MUL":
            one, two = (self._tensors[i].quantization for i in op.inputs if i is not None)
            out = self._tensors[op.outputs[0]].quantization
            assert one is not None and two is not None and out is not None
            return 3 if one.scale * two.scale >= out.scale else rule.version
        return rule.version

    def _requantize(self, index: int, wanted: Quantization) -> int:
        """Return a tensor that holds what tensor ``index`` holds, in the wanted quantization."""
        tensor = self._tensors[index]
        assert tensor.quantization is not None
        target = dataclasses.replace(tensor, name=f"{tensor.name}_requantized", quantization=wanted)
        if same_quantization(tensor, target):
            return index
        key = (index, wanted.scale, wanted.zero_point)
        if key not in self._requantized:
            self._requantized[key] = self._convert("QUANTIZE", index, target, 1)
        return self._requantized[key]

    def _convert(self, kind: str, source: int, target: Tensor, version: int) -> int:
        self._tensors.append(target)
        self._operators.append(self._conversion(kind, source, len(self._tensors) - 1, version))
        return len(self._tensors) - 1

    def _conversion(self, kind: str, source: int, target: int, version: int) -> Operator:
        return Operator(
            kind, (source,), (target,), index=len(self._exact.operators) + len(self._tensors), version=version
        )

    def _float_input(self, index: int) -> int:
        tensor = self._tensors[index]
        if tensor.dtype is not DType.INT8:
            return index
        self._tensors.append(dataclasses.replace(tensor, dtype=DType.FLOAT32, quantization=None))
        self._tensors[index] = dataclasses.replace(tensor, name=f"{tensor.name}_int8")
        self._operators.insert(0, self._conversion("QUANTIZE", len(self._tensors) - 1, index, 1))
        return len(self._tensors) - 1

    def _float_output(self, index: int) -> int:
        tensor = self._tensors[index]
        if tensor.dtype is not DType.INT8:
            return index
        self._tensors[index] = dataclasses.replace(tensor, name=f"{tensor.name}_int8")
        target = dataclasses.replace(tensor, dtype=DType.FLOAT32, quantization=None)
        return self._convert("DEQUANTIZE", index, target, DEQUANTIZE_VERSION)


def _frozen(data: Array) -> Array:
    fixed = np.asarray(data)
    fixed.flags.writeable = False
    return fixed
