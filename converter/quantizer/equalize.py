"""Cross-layer equalisation: scale channels between layers so that quantization treats them alike.

After Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction (2019), with the channels'
ranges on calibration data in place of those of the first layer's weights, whose scales are per channel anyway.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from midge.converter.data import Dataset
from midge.converter.interpreter import Interpreter
from midge.converter.quantizer.execute import each_sample
from midge.converter.quantizer.rules import RULES
from midge.converter.quantizer.weighted import weights_of
from midge.runtime.graph import Graph, Node, Tensor
from midge.runtime.passes.rewrite import count_readers
from midge.runtime.tflite.writer import write_model

Values = NDArray[np.float64]

SAMPLES = 128
"""On which ranges are observed."""
CHECKED = 4
"""On which the outputs' bits are compared."""
MOST = 16
"""How far a channel may be scaled, as an exponent of two: products then stay far from float32's limits."""

_LINEAR = (0, 1)
"""Fused activations that pass positive factors on: none, and RELU."""

_CARRIES = ("AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN", "PAD", "RELU", "RESHAPE")
"""Operators that may carry a positive factor of each channel (the last axis) on to their output."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two layers that may be scaled against each other."""

    first: Node
    second: Node
    between: int
    """The tensor that the second reads."""


def equalize(exact: Graph, data: Dataset) -> Graph:
    """Return a float graph that computes the same and is easier to quantize.

    Channel by channel, what one layer hands to the next is divided by a power of two that the next one's weights are
    multiplied with: such factors pass through float arithmetic without rounding, so that every output keeps its bits.
    A depthwise layer takes all of the difference between its channels' ranges, since its weights have a scale for each;
    other layers take half of it.

    Args:
        exact: float, prepared.
        data: on which the ranges of channels are observed.
    """
    found = pairs(exact)
    if not found:
        return exact
    ranges = _channel_ranges(exact, [pair.between for pair in found], data.first(SAMPLES))
    scaled = exact
    for pair in found:
        scaled = _scale(scaled, pair, _exponents(pair, ranges[pair.between]))
    part = data.first(CHECKED)
    before, after = (Interpreter(write_model(graph), keep=True).run(part.inputs) for graph in (exact, scaled))
    same = all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    return scaled if same else exact


def pairs(exact: Graph) -> list[Pair]:
    """Find layers with weights of which one is the only reader of the other, but for what only carries it on."""
    readers, users = count_readers(exact), weights_of(exact)
    written = {index: node for node in exact.nodes() for index in node.operator.outputs}
    found = []
    for node in exact.nodes():
        if not _is_weighted(node) or node.operator.inputs[0] is None:
            continue
        between = index = node.operator.inputs[0]
        while readers[index] == 1 and index in written and _carries(written[index]):
            index = written[index].input_index(0)
        first = written.get(index)
        if first is None or readers[index] != 1 or not _is_weighted(first):
            continue
        if first.attributes.fused_activation not in _LINEAR:
            continue
        if all(len(users[n.input_index(1)]) == 1 for n in (first, node)) and _by_last_axis(first, node):
            found.append(Pair(first, node, between))
    return found


def _is_weighted(node: Node) -> bool:
    rule = RULES.get(node.operator.kind)
    return rule is not None and rule.channel_axis is not None


def _by_last_axis(first: Node, second: Node) -> bool:
    """Whether the channels that one layer writes are those that the other's weights know."""
    channels = second.input(0).shape[-1]
    known = channels if second.operator.kind == "DEPTHWISE_CONV_2D" else second.input(1).shape[-1]
    return first.output().shape[-1] == channels == known


def _carries(node: Node) -> bool:
    """Whether an operator hands positive factors of its input's last axis on."""
    if node.operator.kind not in _CARRIES or getattr(node.attributes, "fused_activation", 0) not in _LINEAR:
        return False
    before, after = node.input(0).shape, node.output().shape
    if node.operator.kind == "MEAN":
        axes = node.input(1).data
        return axes is not None and all(axis % len(before) != len(before) - 1 for axis in axes.ravel().tolist())
    return len(before) > 0 and len(after) > 0 and before[-1] == after[-1]


def _channel_ranges(exact: Graph, indices: Sequence[int], data: Dataset) -> dict[int, Values]:
    """Return the greatest magnitude in each channel of some tensors."""
    ranges: dict[int, Values] = {i: np.zeros(exact.tensors[i].shape[-1]) for i in indices}
    for interpreter in each_sample(exact, data):
        for index, greatest in ranges.items():
            values = np.abs(interpreter.tensor(index)).reshape(-1, len(greatest))
            np.maximum(greatest, values.max(axis=0), out=greatest)
    return ranges


def _exponents(pair: Pair, ranges: Values) -> NDArray[np.int64]:
    """Return by which power of two each channel is to be divided before the second layer."""
    weights = pair.second.input(1).data
    assert weights is not None
    if pair.second.operator.kind == "DEPTHWISE_CONV_2D":
        wanted, live = ranges, ranges > 0
    else:
        own = np.abs(weights.reshape(-1, len(ranges)).astype(np.float64)).max(axis=0)
        live = (ranges > 0) & (own > 0)
        wanted = np.sqrt(ranges / np.where(live, own, 1.0))
    if not live.any():
        return np.zeros(len(ranges), np.int64)
    logs = np.log2(np.where(live, wanted, 1.0))
    exponents = np.round(np.where(live, logs - logs[live].mean(), 0.0))
    return np.clip(exponents, -MOST, MOST).astype(np.int64)


def _scale(graph: Graph, pair: Pair, exponents: NDArray[np.int64]) -> Graph:
    """Divide what the first layer writes by powers of two, and multiply the second one's weights with them."""
    tensors = list(graph.tensors)
    axis = RULES[pair.first.operator.kind].channel_axis
    assert axis is not None
    _multiply(tensors, pair.first.input_index(1), -exponents, axis)
    if pair.first.optional_input(2) is not None:
        _multiply(tensors, pair.first.input_index(2), -exponents, 0)
    if pair.second.operator.kind == "DEPTHWISE_CONV_2D":
        exponents = np.repeat(exponents, pair.second.input(1).shape[3] // len(exponents))
    _multiply(tensors, pair.second.input_index(1), exponents, -1)
    return graph.replace(tensors=tuple(tensors), sha256="")


def _multiply(tensors: list[Tensor], index: int, exponents: NDArray[np.int64], axis: int) -> None:
    data = tensors[index].data
    assert data is not None
    shape = [1] * data.ndim
    shape[axis] = -1
    scaled = np.ldexp(data, exponents.reshape(shape)).astype(np.float32)
    scaled.flags.writeable = False
    tensors[index] = dataclasses.replace(tensors[index], data=scaled)
