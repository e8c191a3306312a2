"""Remove operators that leave every byte where and what it is.

Such are a RESHAPE to the same shape, a TRANSPOSE that only moves axes of extent 1, a PAD by nothing, a slice of
everything, joining or splitting one piece, a pool of one element, and a function of bytes that is the identity on all
values that its input can take: a RELU behind a clamp, a QUANTIZE to the same scale. Where input and output are of one
shape and quantization, the readers of the output read the input; where not, a RESHAPE is left, which costs nothing. A
RESHAPE of a RESHAPE reads the first one's input.

Exact because data movement is judged by the copy that it is lowered to (the same place on both sides, for every
element), and functions on each value of the range that `channel_ranges` proves.

Demands: every operator has passed its row's check.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from midge.runtime.fixed_point import Activation, activation, activation_range
from midge.runtime.graph import DType, Graph, Node, Operator
from midge.runtime.lower import lower_node
from midge.runtime.operators.row import constant
from midge.runtime.passes.byte_functions import argument, tabulate
from midge.runtime.passes.channel_ranges import Ranges, find_ranges
from midge.runtime.passes.rewrite import Bypass, interchangeable
from midge.runtime.program import Target

_RESHAPES = frozenset(("EXPAND_DIMS", "RESHAPE", "SQUEEZE"))
_MOVEMENTS = frozenset("CONCATENATION COPY PACK PAD PADV2 SLICE SPLIT SPLIT_V STRIDED_SLICE TRANSPOSE UNPACK".split())
_POOLS = frozenset(("AVERAGE_POOL_2D", "MAX_POOL_2D"))


def remove_identities(graph: Graph) -> Graph:
    """Return the graph without operators that change nothing."""
    ranges = find_ranges(graph)
    graph = _reshape_sources(graph.replace(operators=tuple(_as_reshape(node, ranges) for node in graph.nodes())))
    bypass = Bypass(graph)
    for position, node in enumerate(graph.nodes()):
        if node.operator.kind in _RESHAPES and interchangeable(node.input(0), node.output()):
            bypass.take_out(position)
    return bypass.apply(graph.operators)


def _as_reshape(node: Node, ranges: Ranges) -> Operator:
    """Return an operator that keeps all bytes as a RESHAPE, any other as it is."""
    source = _unchanged(node, ranges)
    if source is None or node.graph.tensors[source].data is not None:
        return node.operator
    return dataclasses.replace(node.operator, kind="RESHAPE", inputs=(source,), attributes=None, version=1)


def _unchanged(node: Node, ranges: Ranges) -> int | None:
    """Return the input whose bytes are the operator's only output's; None where there is none."""
    kind, operator = node.operator.kind, node.operator
    if len(operator.outputs) != 1:
        return None
    if kind in _MOVEMENTS:
        return _moved_nowhere(node)
    if kind in _POOLS:
        return _pooled_alone(node, ranges)
    source = argument(node)
    if source is None or not node.graph.tensors[source].dtype is node.output().dtype is DType.INT8:
        return None
    table = tabulate(node.graph, [operator], source)
    found = ranges[source]
    ends = set(zip(found.low.tolist(), found.high.tolist(), strict=True))
    same = all(table[value + 128] == value for low, high in ends for value in range(low, high + 1))
    return source if same else None


def _moved_nowhere(node: Node) -> int | None:
    if node.operator.kind in ("PAD", "PADV2"):
        return None if constant(node.input(1), "paddings").any() else node.input_index(0)
    calls = lower_node(node, Target()).calls
    if len(calls) != 1:
        return None
    call, source = calls[0], calls[0].inputs[0]
    params: dict[str, Any] = dict(call.params)
    everything = math.prod(params["shape"]) == node.output().elements == node.graph.tensors[source].elements
    alike = all(
        extent == 1 or step == other
        for extent, step, other in zip(params["shape"], params["input_stride"], params["output_stride"], strict=True)
    )
    here = params["input_offset"] == params["output_offset"] == 0
    return source if everything and alike and here else None


def _pooled_alone(node: Node, ranges: Ranges) -> int | None:
    """A window of one element at stride 1 is its own mean and maximum; the clamp must do nothing either."""
    options, output = node.attributes, node.output()
    if {options.filter_height, options.filter_width, options.stride_height, options.stride_width} != {1}:
        return None
    fused = activation(options.fused_activation)
    source = node.input_index(0)
    if output.dtype is not DType.INT8:
        return source if fused is Activation.NONE else None
    assert output.quantization is not None
    low, high = activation_range(fused, output.quantization.scale, output.quantization.zero_point, DType.INT8)
    found = ranges[source]
    return source if found.low.min() >= low and found.high.max() <= high else None


def _reshape_sources(graph: Graph) -> Graph:
    """Let each RESHAPE read what was there before all others."""
    origin: dict[int, int] = {}
    operators: list[Operator] = []
    for operator in graph.operators:
        source = operator.inputs[0] if operator.inputs else None
        if operator.kind in _RESHAPES and source is not None:
            first = origin.get(source, source)
            origin[operator.outputs[0]] = first
            if first != source:
                operator = dataclasses.replace(operator, inputs=(first, *operator.inputs[1:]))
        operators.append(operator)
    return graph.replace(operators=tuple(operators))
