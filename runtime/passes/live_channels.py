"""Which channels of the activations the outputs of the model depend on.

The channels of a tensor are the entries of its last axis. An operator with weights reads those channels that it has a
weight other than zero for; where a channel is a constant its share can move into the bias, and it is not read either.
Every other operator that works channel by channel ties the channels of its inputs and outputs together: they are kept
or dropped as one. Whatever an operator without such a rule reads or writes is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import INT32_MAX
from midge.runtime.graph import DType, Graph, Node
from midge.runtime.operators.boxes import normalize_axis
from midge.runtime.operators.conv_geometry import conv_geometry
from midge.runtime.operators.reduce import reduced_axes
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.passes.channel_ranges import Ranges, channels_of, touches_padding

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.int64]

MOST_CHANNELS = 1 << 16
"""Of a tensor; those of a longer last axis are all kept."""

MOST_FOLLOWED = 1 << 20
"""Channels of all tensors together; those of further tensors are all kept, so that a file cannot ask for much work."""

GROUP = 4
"""Channels that kernels compute or load together: a word of int8 values. Dead channels fill the last group of a tensor
up, because what is left over by itself costs more: on the Cortex-M4 groups of 1, 2, 4 and 8 gave 5,018,000, 5,012,000,
5,001,000 and 5,101,000 instructions for vww_96_int8, and Winograd's form takes whole ones only.
"""

_CHANNEL_BY_CHANNEL = frozenset(
    """
    AVERAGE_POOL_2D COPY HARD_SWISH LEAKY_RELU LOGISTIC LOOKUP MAX_POOL_2D QUANTIZE RELU RELU6 RELU_0_TO_1
    RELU_N1_TO_1 TANH
    """.split()
)
"""Operators of one input whose output channel i needs nothing but input channel i."""

_RESHAPES = frozenset(("EXPAND_DIMS", "RESHAPE", "SQUEEZE"))


@dataclass(frozen=True, eq=False)
class Reader:
    """An operator with weights that sums over all channels of its input."""

    node: Node
    weights: Values
    """Shape (output channels, products for one input channel, input channels)."""
    shares: Values
    """What each input channel adds to each sum where it is a constant, shape (output channels, input channels)."""
    foldable: Mask
    """Input channels whose share can move into the bias."""


def make_reader(node: Node, ranges: Ranges) -> Reader | None:
    """Describe a CONV_2D or FULLY_CONNECTED; None where its input has no channels of its own."""
    channels = channels_of(node.input(0))
    data = constant(node.input(1), "weights")
    if data.size // len(data) % channels or (node.operator.kind == "CONV_2D" and data.shape[3] != channels):
        return None
    weights = data.reshape(len(data), -1, channels).astype(np.int64)
    source = ranges[node.input_index(0)]
    values = np.where(source.constant, source.low - per_tensor(node.input(0)).zero_point, 0)
    shares = weights.sum(axis=1) * values
    padded = node.operator.kind == "CONV_2D" and touches_padding(conv_geometry(node))
    # In the border a constant other than the zero point is replaced by the zero point.
    foldable = source.constant & ((values == 0) | (not padded))
    bias = node.optional_input(2)
    greatest = np.abs(shares).sum(axis=1)
    if bias is not None:
        greatest = greatest + np.abs(constant(bias, "bias").reshape(-1).astype(np.int64))
    if (greatest > INT32_MAX).any():
        foldable &= values == 0
    return Reader(node, weights, shares, foldable)


@dataclass(frozen=True, eq=False)
class Channels:
    """Which channels of a tensor stay."""

    live: Mask
    """Those that an output depends on; never none."""
    kept: Mask
    """These, and dead ones that fill the last group up."""


def find_channels(graph: Graph, ranges: Ranges) -> dict[int, Channels]:
    """Return which channels must stay and which should, for each int8 activation that channels can be cut from.

    Args:
        graph: its operators have passed their rows' checks.
        ranges: of its tensors.
    """
    return _Liveness(graph, ranges).find()


class _Liveness:
    def __init__(self, graph: Graph, ranges: Ranges) -> None:
        self.graph = graph
        self.start: dict[int, int] = {}
        count = 0
        for index in dict.fromkeys((*graph.inputs, *(i for op in graph.operators for i in op.outputs))):
            tensor = graph.tensors[index]
            if tensor.dtype is not DType.INT8 or not tensor.shape:
                continue
            if 1 <= tensor.shape[-1] <= MOST_CHANNELS and count + tensor.shape[-1] <= MOST_FOLLOWED:
                self.start[index] = count
                count += tensor.shape[-1]
        self.live = np.zeros(count, np.bool_)
        self.parent = list(range(count))
        self.readers: list[Reader] = []
        for index in (*graph.inputs, *graph.outputs):
            self._keep(index)
        for node in graph.nodes():
            self._visit(node, ranges)
        self.class_of = np.array([self._class(channel) for channel in range(count)], np.int64)

    def find(self) -> dict[int, Channels]:
        self._spread()
        # A tensor without channels would be none: one that nothing depends on stays, and what it depends on.
        for index in reversed(self.start):
            if not self._of(index).any():
                self.live[self.start[index]] = True
                self._spread()
        kept = self._fill_up()
        return {index: Channels(self._of(index), self._of(index, kept)) for index in self.start}

    def _fill_up(self) -> Mask:
        """Return the live channels and as many dead ones as fill groups of channels up, where there are some."""
        kept = self.live.copy()
        members = np.argsort(self.class_of, kind="stable")
        begins = np.searchsorted(self.class_of[members], np.arange(len(kept) + 1))
        for index in self.start:
            mask = self._of(index, kept)
            missing = -int(mask.sum()) % GROUP
            names, members_here = np.unique(self._of(index, self.class_of)[~mask], return_counts=True)
            # Of a flattened image a class has many channels, which do not fill a group.
            single = names[members_here == 1]
            for name in single[:missing] if len(single) >= missing else ():
                kept[members[begins[name] : begins[name + 1]]] = True
        return kept

    def _of(self, index: int, values: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Return a tensor's part of an array over all channels, `live` if no other is given."""
        start = self.start[index]
        return (self.live if values is None else values)[start : start + self.graph.tensors[index].shape[-1]]

    def _ids(self, index: int) -> npt.NDArray[np.int64] | None:
        """Return the positions of a tensor's channels, or None where its channels are not followed."""
        if index not in self.start:
            return None
        return np.arange(self.graph.tensors[index].shape[-1]) + self.start[index]

    def _keep(self, index: int) -> None:
        if index in self.start:
            self._of(index)[:] = True

    def _tie(self, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> None:
        """Let each pair of channels be kept or dropped together."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            first, second = self._class(a), self._class(b)
            self.parent[max(first, second)] = min(first, second)

    def _class(self, channel: int) -> int:
        """Return the least member of a channel's class (union-find with path halving)."""
        parent = self.parent
        while parent[channel] != channel:
            parent[channel] = channel = parent[parent[channel]]
        return channel

    def _spread(self) -> None:
        """Mark as live whatever live channels depend on."""
        before = -1
        while (now := int(self.live.sum())) != before:
            before = now
            classes = np.zeros_like(self.live)
            np.logical_or.at(classes, self.class_of, self.live)
            self.live[:] = classes[self.class_of]
            for reader in reversed(self.readers):
                rows = self._of(reader.node.operator.outputs[0])
                read = (reader.weights[rows] != 0).any(axis=(0, 1)) & ~reader.foldable
                self._of(reader.node.input_index(0))[read] = True

    # ---- Operators --------------------------------------------------------------------------------------------------

    def _visit(self, node: Node, ranges: Ranges) -> None:
        operator = node.operator
        followed = [i for i in (*operator.inputs, *operator.outputs) if i is not None and i in self.start]
        if not followed:
            return
        kind = operator.kind
        done = False
        if all(
            self.graph.tensors[i].dtype is DType.INT8 for i in (operator.inputs[0], *operator.outputs) if i is not None
        ):
            if kind in ("CONV_2D", "FULLY_CONNECTED"):
                done = self._visit_reader(node, ranges)
            elif kind == "DEPTHWISE_CONV_2D":
                done = self._visit_depthwise(node)
            elif kind in _RESHAPES:
                done = self._visit_reshape(node)
            elif kind in ("ADD", "SUB", "MUL"):
                done = self._visit_arithmetic(node)
            elif kind == "CONCATENATION":
                done = self._visit_concatenation(node)
            elif self._keeps_channels(node):
                done = self._tie_tensors(node.input_index(0), operator.outputs[0])
        if not done:
            for index in followed:
                self._keep(index)

    def _visit_reader(self, node: Node, ranges: Ranges) -> bool:
        source, output = node.input_index(0), node.operator.outputs[0]
        if source not in self.start or output not in self.start:
            return False
        reader = make_reader(node, ranges)
        if reader is None:
            return False
        self.readers.append(reader)
        return True

    def _visit_depthwise(self, node: Node) -> bool:
        source, output = self._ids(node.input_index(0)), self._ids(node.operator.outputs[0])
        if source is None or output is None:
            return False
        if len(source) == 1:
            self._keep(node.input_index(0))  # it is filtered by every output channel: those are free to go
        else:
            self._tie(np.repeat(source, len(output) // len(source)), output)
        return True

    def _visit_reshape(self, node: Node) -> bool:
        """Elements lie at the same place on both sides: their channels are that place modulo the last extent."""
        source, output = self._ids(node.input_index(0)), self._ids(node.operator.outputs[0])
        if source is None or output is None:
            return False
        if len(output) % len(source) == 0:
            self._tie(np.tile(source, len(output) // len(source)), output)
        elif len(source) % len(output) == 0:
            self._tie(source, np.tile(output, len(source) // len(output)))
        else:
            return False
        return True

    def _visit_arithmetic(self, node: Node) -> bool:
        output = self._ids(node.operator.outputs[0])
        if output is None:
            return False
        for position in (0, 1):
            tensor, index = node.input(position), node.input_index(position)
            if tensor.data is not None:
                continue
            source = self._ids(index)
            if source is None or (len(source) == 1 and len(output) > 1):
                self._keep(index)
                if channels_of(tensor) == len(output):
                    return False
            else:
                self._tie(source, output)
        return True

    def _visit_concatenation(self, node: Node) -> bool:
        output = self._ids(node.operator.outputs[0])
        if output is None:
            return False
        rank = len(node.output().shape)
        last = normalize_axis(node.attributes.axis, rank) == rank - 1
        begin = 0
        for position, tensor in enumerate(node.inputs):
            assert tensor is not None
            piece = output[begin : begin + tensor.shape[-1]] if last else output
            begin += tensor.shape[-1] if last else 0
            if tensor.data is not None:
                continue
            source = self._ids(node.input_index(position))
            if source is None:
                return False
            self._tie(source, piece)
        return True

    def _keeps_channels(self, node: Node) -> bool:
        kind, source, output = node.operator.kind, node.input(0), node.output()
        if channels_of(source) != channels_of(output) or source.data is not None:
            return False
        last = len(source.shape) - 1
        if kind in ("PAD", "PADV2"):
            return not constant(node.input(1), "paddings")[last].any()
        if kind == "MEAN":
            return last not in reduced_axes(source, node.input(1))
        if kind == "TRANSPOSE":
            return bool(constant(node.input(1), "permutation").reshape(-1)[last] in (last, -1))
        return kind in _CHANNEL_BY_CHANNEL

    def _tie_tensors(self, one: int, other: int) -> bool:
        a, b = self._ids(one), self._ids(other)
        if a is None or b is None:
            return False
        self._tie(a, b)
        return True
