"""Which operators apply one function to every element, and what the function is."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import DType, Graph, Node, Operator, Tensor
from midge.runtime.interpret import run_step
from midge.runtime.lower import lower_node
from midge.runtime.operators.quantized import INT8_VALUES, UINT8_VALUES
from midge.runtime.program import Target

BYTES = (DType.INT8, DType.UINT8)

_UNARY = frozenset(
    """
    DEQUANTIZE HARD_SWISH LEAKY_RELU LOGISTIC LOOKUP QUANTIZE RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 TANH
    """.split()
)
_BINARY = frozenset(("ADD", "MUL", "SUB"))


def argument(node: Node) -> int | None:
    """Return the position of the tensor to whose elements an operator applies a function; None where it does not.

    Such are activations, conversions, and arithmetic with a constant of one element or of a tensor with itself.
    """
    kind, inputs = node.operator.kind, node.operator.inputs
    if kind not in _UNARY and kind not in _BINARY:
        return None
    varying = [i for i in dict.fromkeys(inputs) if i is not None and node.graph.tensors[i].data is None]
    if len(varying) != 1 or node.graph.tensors[varying[0]].shape != node.output().shape:
        return None
    constants = [tensor for tensor in node.inputs if tensor is not None and tensor.data is not None]
    return varying[0] if all(tensor.elements == 1 for tensor in constants) else None


def tabulate(graph: Graph, chain: Sequence[Operator], source: int) -> npt.NDArray[np.int64]:
    """Return what operators in a row make of each value of a byte, computed by their very kernels.

    Args:
        graph: the graph of the operators.
        chain: operators that `argument` accepts, each the argument of the next.
        source: the first one's argument, int8 or uint8.

    Returns:
        The 256 outputs of the last one, an int8 or uint8 tensor, from the input's least value up.
    """
    values = INT8_VALUES if graph.tensors[source].dtype is DType.INT8 else UINT8_VALUES
    tensors: dict[int, Tensor] = {
        source: _vector(graph.tensors[source], values.astype(graph.tensors[source].dtype.numpy))
    }
    for operator in chain:
        for index in operator.inputs:
            if index is not None and index not in tensors:
                data = graph.tensors[index].data
                assert data is not None
                tensors[index] = dataclasses.replace(graph.tensors[index], shape=(1,), data=data.reshape(1))
        output = operator.outputs[0]
        tensors[output] = _vector(graph.tensors[output], None)
        row = tuple(tensors.get(index, tensor) for index, tensor in enumerate(graph.tensors))
        small = graph.replace(tensors=row)
        (result,) = run_step(lower_node(Node(small, operator), Target()), small)
        tensors[output] = _vector(tensors[output], result)
    found = tensors[chain[-1].outputs[0]].data
    assert found is not None
    return found.astype(np.int64)


def _vector(tensor: Tensor, data: npt.NDArray[np.generic] | None) -> Tensor:
    return dataclasses.replace(tensor, shape=(256,), data=data)
