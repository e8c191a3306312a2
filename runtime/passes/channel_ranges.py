"""What values each channel of an int8 tensor can take, whatever the input of the model is.

The channels of a tensor are the entries of its last axis. Ranges are propagated from the inputs to the outputs of the
model: through operators with weights by interval arithmetic on their actual weights and biases (Moore, Methods and
Applications of Interval Analysis, 1966), through functions of one byte by their tables, through pools by their clamp,
and through the rest by running the very kernel on the ends of the ranges of its inputs, which is exact because these
operators are monotone in each of their elements. Where an
intermediate result might leave 32 bits, nothing is claimed. A channel whose range is one value is a constant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import product

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    activation,
    activation_range,
    multiply_by_quantized_multiplier,
)
from midge.runtime.graph import Array, DType, Graph, Node, Tensor
from midge.runtime.interpret import run_step
from midge.runtime.lower import lower_node
from midge.runtime.operators.conv_geometry import conv_geometry, depthwise_window
from midge.runtime.operators.row import constant, per_tensor
from midge.runtime.operators.weighted import factors
from midge.runtime.operators.window import Window
from midge.runtime.program import Target

LARGEST = 1 << 21
"""Elements: of larger tensors nothing is claimed, so that a small file cannot ask for much work."""

MOST_WORK = 1 << 25
"""Elements that all operators together may read or write when they are run on the ends of ranges."""

MONOTONE = frozenset(
    """
    ADD CONCATENATION COPY EXPAND_DIMS MEAN MUL PACK PAD PADV2 RESHAPE SLICE SPLIT SPLIT_V SQUEEZE STRIDED_SLICE SUB
    TRANSPOSE UNPACK
    """.split()
)
"""Operators that never fall, or never rise, when one element of one input rises and the others stay."""

Values = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelRange:
    """The least and the greatest value of each channel; two arrays of shape (channels,)."""

    low: Values
    high: Values

    @property
    def constant(self) -> npt.NDArray[np.bool_]:
        """Which channels can only take one value."""
        return np.asarray(self.low == self.high)


Ranges = Mapping[int, ChannelRange]


def channels_of(tensor: Tensor) -> int:
    """Return the extent of the last axis; 1 for a scalar."""
    return tensor.shape[-1] if tensor.shape else 1


def find_ranges(graph: Graph) -> dict[int, ChannelRange]:
    """Return the ranges of all int8 tensors that operators read or write.

    Args:
        graph: its operators have passed their rows' checks.
    """
    ranges: dict[int, ChannelRange] = {}
    work = 0
    for index in graph.inputs:
        _set_unknown(graph, index, ranges)
    for node in graph.nodes():
        for source in node.operator.inputs:
            if source is not None and source not in ranges:
                data = graph.tensors[source].data
                if graph.tensors[source].dtype is DType.INT8 and data is not None and data.size:
                    ranges[source] = _hull(data, data)
        elements = [tensor.elements for tensor in (*node.inputs, *node.outputs) if tensor is not None]
        work += sum(elements)
        if min(elements) > 0 and max(elements) <= LARGEST and work <= MOST_WORK:
            _propagate(node, ranges)
        for output in node.operator.outputs:
            if output not in ranges:
                _set_unknown(graph, output, ranges)
    return ranges


def touches_padding(window: Window) -> bool:
    """Whether any window reaches beyond the image."""
    return (
        window.padding_top > 0
        or window.padding_left > 0
        or window.padded_height > window.input_height
        or window.padded_width > window.input_width
    )


def _set_unknown(graph: Graph, index: int, ranges: dict[int, ChannelRange]) -> None:
    tensor = graph.tensors[index]
    if tensor.dtype is DType.INT8:
        channels = channels_of(tensor)
        ranges[index] = ChannelRange(np.full(channels, -128, np.int64), np.full(channels, 127, np.int64))


def _hull(low: Array, high: Array) -> ChannelRange:
    """Return the ranges that hold all elements of two arrays of one shape."""
    channels = low.shape[-1] if low.shape else 1
    return ChannelRange(
        low.reshape(-1, channels).min(axis=0).astype(np.int64), high.reshape(-1, channels).max(axis=0).astype(np.int64)
    )


def _propagate(node: Node, ranges: dict[int, ChannelRange]) -> None:
    if node.input(0).dtype is not DType.INT8 and node.operator.kind != "SPLIT":
        return
    kind, output = node.operator.kind, node.operator.outputs[0]
    if kind == "CONV_2D":
        ranges[output] = _conv(node, ranges)
    elif kind == "DEPTHWISE_CONV_2D":
        ranges[output] = _depthwise(node, ranges)
    elif kind == "FULLY_CONNECTED":
        ranges[output] = _fully_connected(node, ranges)
    elif kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        ranges[output] = _pool(node, ranges)
    elif kind in MONOTONE and all(tensor.dtype is DType.INT8 for tensor in node.outputs):
        _run_on_ends(node, ranges)
    else:
        _look_up(node, ranges)


# ---- Operators with weights ----------------------------------------------------------------------------------------


def _shifted(node: Node, ranges: Ranges, padded: bool) -> tuple[Values, Values]:
    """Return the range of (value - zero point) of each input channel; padding adds 0 to it."""
    source = ranges[node.input_index(0)]
    zero_point = per_tensor(node.input(0)).zero_point
    low, high = source.low - zero_point, source.high - zero_point
    return (np.minimum(low, 0), np.maximum(high, 0)) if padded else (low, high)


def _conv(node: Node, ranges: Ranges) -> ChannelRange:
    low, high = _shifted(node, ranges, touches_padding(conv_geometry(node)))
    weights = constant(node.input(1), "weights").astype(np.int64)
    outputs, _, _, channels = weights.shape
    taps = weights.reshape(outputs, -1, channels)
    group = np.arange(outputs) // (outputs // (len(low) // channels))
    index = group[:, None] * channels + np.arange(channels)
    return _weighted(node, np.maximum(taps, 0).sum(axis=1), np.minimum(taps, 0).sum(axis=1), low[index], high[index])


def _depthwise(node: Node, ranges: Ranges) -> ChannelRange:
    low, high = _shifted(node, ranges, touches_padding(depthwise_window(node)))
    weights = constant(node.input(1), "weights").astype(np.int64)
    taps = weights.reshape(-1, weights.shape[3])
    index = (np.arange(weights.shape[3]) // (weights.shape[3] // len(low)))[:, None]
    above, below = np.maximum(taps, 0).sum(axis=0)[:, None], np.minimum(taps, 0).sum(axis=0)[:, None]
    return _weighted(node, above, below, low[index], high[index])


def _fully_connected(node: Node, ranges: Ranges) -> ChannelRange:
    low, high = _shifted(node, ranges, False)
    weights = constant(node.input(1), "weights").astype(np.int64)
    depth = weights.shape[1]
    if depth % len(low) == 0:
        low, high = np.tile(low, depth // len(low)), np.tile(high, depth // len(high))
    else:
        low, high = np.full(depth, low.min()), np.full(depth, high.max())
    return _weighted(node, np.maximum(weights, 0), np.minimum(weights, 0), low[None], high[None])


def _weighted(node: Node, above: Values, below: Values, low: Values, high: Values) -> ChannelRange:
    """Return the output ranges of an operator with weights.

    Args:
        node: the operator, int8.
        above, below: positive and negative weights, shape (output channels, terms).
        low, high: ranges of what they are multiplied with; they broadcast to that shape.
    """
    bias = node.optional_input(2)
    offset = np.zeros(len(above), np.int64) if bias is None else constant(bias, "bias").reshape(-1).astype(np.int64)
    least = (above * low + below * high).sum(axis=1) + offset
    most = (above * high + below * low).sum(axis=1) + offset
    multiplier, shift = (np.broadcast_to(part, len(above)).astype(np.int64) for part in factors(node))
    quantization = per_tensor(node.output())
    fused = activation(node.attributes.fused_activation)
    bottom, top = activation_range(fused, quantization.scale, quantization.zero_point, DType.INT8)
    left = np.maximum(shift, 0)
    # A sum, or a sum shifted to the left, that leaves 32 bits wraps around: the result may then be anything.
    safe = (least << left >= INT32_MIN) & (most << left <= INT32_MAX)
    ends = []
    for accumulator, unknown in ((least, bottom), (most, top)):
        held = np.where(safe, accumulator, 0)
        scaled = multiply_by_quantized_multiplier(held, multiplier, shift).astype(np.int64) + quantization.zero_point
        inside = safe & (scaled >= INT32_MIN) & (scaled <= INT32_MAX)
        ends.append((np.minimum(np.maximum(scaled, bottom), top), inside, unknown))
    known = ends[0][1] & ends[1][1]
    low_out, high_out = (np.where(known, value, unknown) for value, _, unknown in ends)
    return ChannelRange(low_out.astype(np.int64), high_out.astype(np.int64))


# ---- Everything else -----------------------------------------------------------------------------------------------


def _pool(node: Node, ranges: Ranges) -> ChannelRange:
    """A mean, rounded, and a maximum lie between the least and the greatest value; then they are clamped."""
    source, quantization = ranges[node.input_index(0)], per_tensor(node.output())
    fused = activation(node.attributes.fused_activation)
    bottom, top = activation_range(fused, quantization.scale, quantization.zero_point, DType.INT8)
    low, high = (np.minimum(np.maximum(end, bottom), top) for end in (source.low, source.high))
    return ChannelRange(low, high)


def _look_up(node: Node, ranges: dict[int, ChannelRange]) -> None:
    """Take the least and greatest entry of a byte function's table over the range of its input."""
    if len(node.operator.outputs) != 1 or node.output().dtype is not DType.INT8:
        return
    calls = lower_node(node, Target()).calls
    if [call.kernel for call in calls] != ["midge_lookup_s8"]:
        return
    table = np.roll(calls[0].constants()["table"].astype(np.int64), 128)
    source = ranges[node.input_index(0)]
    ends = [
        (part.min(), part.max())
        for low, high in zip(source.low, source.high, strict=True)
        for part in (table[low + 128 : high + 129],)
    ]
    low, high = np.array(ends, np.int64).T
    ranges[node.operator.outputs[0]] = ChannelRange(low, high)


def _run_on_ends(node: Node, ranges: dict[int, ChannelRange]) -> None:
    """Run a monotone operator with its inputs at the ends of their ranges."""
    step = lower_node(node, Target())
    if any(_may_wrap(call.params) for call in step.calls):
        return
    if node.operator.kind in ("SUB", "MUL") and node.operator.inputs[0] == node.operator.inputs[1]:
        return  # a square falls before it rises
    varying = [
        index
        for index in dict.fromkeys(node.operator.inputs)
        if index is not None and node.graph.tensors[index].data is None
    ]
    corners = (
        product((False, True), repeat=len(varying))
        if node.operator.kind in ("ADD", "SUB", "MUL")
        else [(end,) * len(varying) for end in (False, True)]
    )
    results: list[list[Array]] = []
    for corner in corners:
        tensors = list(node.graph.tensors)
        for index, high in zip(varying, corner, strict=True):
            ends = ranges[index].high if high else ranges[index].low
            data = np.broadcast_to(ends.astype(np.int8), tensors[index].shape)
            tensors[index] = dataclasses.replace(tensors[index], data=np.ascontiguousarray(data))
        results.append(run_step(step, node.graph.replace(tensors=tuple(tensors))))
    for output, found in zip(node.operator.outputs, zip(*results, strict=True), strict=True):
        stack = np.stack(found)
        ranges[output] = _hull(stack.min(axis=0), stack.max(axis=0))


def _may_wrap(params: Mapping[str, object]) -> bool:
    """Whether a left shift of MUL or MEAN may leave 32 bits, after which nothing is monotone.

    Their sums stay within 2**16 times the number of terms; the rest of the kernels shift to the right.
    """
    shift = params.get("output_shift", params.get("shift", 0))
    assert isinstance(shift, int)
    return shift > 0 and ("reduced_shape" in params or shift > 14)
