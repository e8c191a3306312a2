"""Let an operator clamp its own output where the next one does nothing but that.

A RELU, or any other function of one byte, that stands alone behind an operator with a fused activation disappears into
it if some fused activation of the operator gives the same bytes: for every byte that the operator could produce before
its clamp, clamping as it does now and looking up equals clamping as it would then. Tables that move or scale values
never pass that test.

Exact because all 256 values are tried. The two tensors must have the same scale and zero point, since the bounds of a
fused activation are made from them.

Demands: every operator has passed its row's check.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from midge.runtime.errors import UnsupportedError
from midge.runtime.fixed_point import Activation, activation, activation_range
from midge.runtime.graph import DType, Graph, Node, Operator
from midge.runtime.operators.quantized import INT8_VALUES
from midge.runtime.passes.byte_functions import argument, tabulate
from midge.runtime.passes.rewrite import Bypass, count_readers, same_quantization, writers

_FIELDS = {
    "ADD": "fused_activation_function",
    "AVERAGE_POOL_2D": "fused_activation",
    "CONV_2D": "fused_activation",
    "DEPTHWISE_CONV_2D": "fused_activation",
    "FULLY_CONNECTED": "fused_activation",
    "MAX_POOL_2D": "fused_activation",
    "MUL": "fused_activation_function",
    "SUB": "fused_activation_function",
}
"""Operators that clamp their output, and the attribute that says how."""


def fuse_activation(graph: Graph) -> Graph:
    """Return the graph with activations moved into the operators before them."""
    readers, writer = count_readers(graph), writers(graph)
    operators = list(graph.operators)
    bypass = Bypass(graph)
    for position, node in enumerate(graph.nodes()):
        source = argument(node)
        if source is None or readers[source] != 1 or len(node.operator.inputs) != 1:
            continue
        producer = writer.get(bypass.resolve(source))
        fused = None if producer is None else _clamping(node, operators[producer])
        if producer is not None and fused is not None and bypass.take_out(position):
            operators[producer] = fused
    return bypass.apply(operators)


def _clamping(node: Node, producer: Operator) -> Operator | None:
    """Return the operator before an activation with its clamp changed to do both; None where it cannot.

    Args:
        node: the activation.
        producer: what writes its input, which nothing else reads.
    """
    before, after = node.input(0), node.output()
    if before.dtype is not DType.INT8 or after.dtype is not DType.INT8 or not same_quantization(before, after):
        return None
    field, quantization = _FIELDS.get(producer.kind), after.quantization
    if field is None or quantization is None or not quantization.per_tensor:
        return None

    def clamped(fused: Activation) -> npt.NDArray[np.int64]:
        low, high = activation_range(fused, quantization.scale, quantization.zero_point, DType.INT8)
        # As the kernels do: the upper bound wins where the bounds cross.
        return np.minimum(np.maximum(INT8_VALUES, low), high)

    table = tabulate(node.graph, [node.operator], node.input_index(0))
    wanted = table[clamped(activation(getattr(producer.attributes, field))) + 128]
    for candidate in Activation:
        try:
            found = clamped(candidate)
        except UnsupportedError:
            continue
        if np.array_equal(found, wanted):
            attributes = dataclasses.replace(producer.attributes, **{field: int(candidate)})
            return dataclasses.replace(producer, attributes=attributes)
    return None
