"""Compute once what the model computes twice.

Two operators of one kind with the same attributes that read the same tensors, or constants of the same content, give
the same result. Exact because every kernel is a function of its inputs and its parameters; the outputs must agree in
shape, type and quantization, from which parameters are made. Outputs of the graph keep the operator that writes them.

Demands: every operator has passed its row's check (which refuses operators with a state).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable

from midge.runtime.graph import Graph, Operator, Tensor
from midge.runtime.passes.rewrite import interchangeable


def merge_duplicates(graph: Graph) -> Graph:
    """Return the graph in which the first of equal operators serves the readers of all of them."""
    renamed: dict[int, int] = {}
    kept: list[Operator] = []
    seen: dict[Hashable, list[Operator]] = {}
    for operator in graph.operators:
        inputs = tuple(None if index is None else renamed.get(index, index) for index in operator.inputs)
        operator = _with_inputs(operator, inputs)
        alike = seen.setdefault(_key(graph, operator), [])
        twin = next((other for other in alike if _same(graph, operator, other)), None)
        if twin is None or any(output in graph.outputs for output in operator.outputs):
            alike.append(operator)
            kept.append(operator)
        else:
            renamed.update(zip(operator.outputs, twin.outputs, strict=True))
    return graph.replace(operators=tuple(kept))


def _with_inputs(operator: Operator, inputs: tuple[int | None, ...]) -> Operator:
    return operator if inputs == operator.inputs else dataclasses.replace(operator, inputs=inputs)


def _key(graph: Graph, operator: Operator) -> Hashable:
    """Return what equal operators have in common: all but quantization, and of constants only a hash."""
    sources = tuple(None if i is None else _source_key(graph.tensors[i], i) for i in operator.inputs)
    return operator.kind, operator.attributes, sources, len(operator.outputs)


def _source_key(tensor: Tensor, index: int) -> Hashable:
    return index if tensor.data is None else (tensor.shape, tensor.dtype, hash(tensor.data.tobytes()))


def _same(graph: Graph, one: Operator, other: Operator) -> bool:
    tensors = graph.tensors
    for a, b in zip(one.inputs, other.inputs, strict=True):
        if a is None or b is None or a == b:
            continue
        left, right = tensors[a].data, tensors[b].data
        assert left is not None and right is not None
        if not interchangeable(tensors[a], tensors[b]) or left.tobytes() != right.tobytes():
            return False
    return all(interchangeable(tensors[a], tensors[b]) for a, b in zip(one.outputs, other.outputs, strict=True))
