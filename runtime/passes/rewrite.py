"""What several passes need to change a graph: who reads a tensor, and letting one tensor stand for another."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from midge.runtime.graph import Graph, Operator, Tensor


def count_readers(graph: Graph) -> Counter[int]:
    """Return how often each tensor is read by operators, and listed among the outputs of the graph."""
    readers = Counter(index for operator in graph.operators for index in operator.inputs if index is not None)
    readers.update(graph.outputs)
    return readers


def writers(graph: Graph) -> dict[int, int]:
    """Return the position of the operator that writes each tensor."""
    return {index: position for position, operator in enumerate(graph.operators) for index in operator.outputs}


def same_quantization(one: Tensor, other: Tensor) -> bool:
    """Whether the stored values of two tensors mean the same numbers."""
    a, b = one.quantization, other.quantization
    if a is None or b is None:
        return a is b
    return (
        np.array_equal(a.scales, b.scales)
        and np.array_equal(a.zero_points, b.zero_points)
        and (a.per_tensor or a.axis == b.axis)
    )


def interchangeable(one: Tensor, other: Tensor) -> bool:
    """Whether an operator that reads one tensor may as well read the other, if both hold the same bytes."""
    return one.shape == other.shape and one.dtype == other.dtype and same_quantization(one, other)


class Bypass:
    """Operators that are taken out of a graph because their output 0 holds the bytes of their input 0.

    Readers of the output read the input instead. An output of the graph keeps its name and place: there whatever wrote
    the input writes the output instead.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._written = set(writers(graph))
        self._outputs = set(graph.outputs)
        self._stand_in: dict[int, int] = {}
        self._removed: set[int] = set()

    def resolve(self, index: int) -> int:
        """Return the tensor that now holds what tensor `index` held."""
        while index in self._stand_in:
            index = self._stand_in[index]
        return index

    def take_out(self, position: int) -> bool:
        """Take out the operator at a position, whose input 0 and output 0 are interchangeable, if it can be spared.

        It cannot where it makes an output of the graph of one of its inputs, of a constant, or of another output.
        Operators must come in order.
        """
        operator = self._graph.operators[position]
        assert operator.inputs[0] is not None
        source, output = self.resolve(operator.inputs[0]), operator.outputs[0]
        if output in self._outputs:
            if source in self._outputs or source not in self._written:
                return False
            self._stand_in[source] = output
        else:
            self._stand_in[output] = source
        self._removed.add(position)
        return True

    def apply(self, operators: Sequence[Operator]) -> Graph:
        """Return the graph with these operators, which stand at their old positions, without those taken out."""
        kept = (
            dataclasses.replace(
                operator,
                inputs=tuple(None if index is None else self.resolve(index) for index in operator.inputs),
                outputs=tuple(self.resolve(index) for index in operator.outputs),
            )
            for position, operator in enumerate(operators)
            if position not in self._removed
        )
        return self._graph.replace(operators=tuple(kept))
