"""Compute, when the model is compiled, every operator whose inputs are all constants."""

from __future__ import annotations

import dataclasses

import numpy as np

from midge.runtime.errors import ModelError, UnsupportedError
from midge.runtime.graph import Array, DType, Graph, Node, Operator
from midge.runtime.interpret import run_step
from midge.runtime.lower import lower_node
from midge.runtime.program import Target

LARGEST_RESULT = 1 << 20
"""Bytes: larger results are left to run time, so that a small file cannot ask for a huge constant."""


def fold_constants(graph: Graph) -> Graph:
    """Return the graph with constant results in place of the operators that computed them.

    The results come from the same kernels that would have computed them on the board, so no bit changes. An operator
    that has no kernel stays, to be refused by name when the graph is lowered.
    """
    kept: list[Operator] = []
    for operator in graph.operators:
        results = _evaluate(Node(graph, operator))
        if results is None:
            kept.append(operator)
            continue
        tensors = list(graph.tensors)
        for index, result in zip(operator.outputs, results, strict=True):
            result.flags.writeable = False
            tensors[index] = dataclasses.replace(tensors[index], data=result)
        graph = graph.replace(tensors=tuple(tensors))
    return graph.replace(operators=tuple(kept))


def _evaluate(node: Node) -> list[Array] | None:
    """Return the values of an operator's outputs, or None where they are known only at run time."""
    present = [tensor for tensor in node.inputs if tensor is not None]
    if not present or any(tensor.data is None for tensor in present):
        return None
    if any(tensor.is_variable for tensor in (*present, *node.outputs)):
        return None
    if any(output.dtype in (DType.STRING, DType.OTHER, DType.INT4) for output in node.outputs):
        return None
    if node.operator.kind == "DEQUANTIZE" and present[0].dtype is DType.FLOAT16:
        # float16 weights: widening is exact, and no board should spend time on it.
        assert present[0].data is not None
        widened = present[0].data.astype(np.float32)
        return [widened] if node.output().dtype is DType.FLOAT32 and widened.shape == node.output().shape else None
    try:
        step = lower_node(node, Target())
    except (UnsupportedError, ModelError):
        return None
    if step.alias_of is None and sum(output.nbytes for output in node.outputs) > LARGEST_RESULT:
        return None
    return run_step(step, node.graph)
