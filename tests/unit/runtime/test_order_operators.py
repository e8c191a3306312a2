"""Operators run in the order that needs the least memory, and only ever in one that is possible."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from midge.runtime.graph import DType, Graph, Operator, Tensor, verify
from midge.runtime.passes.order_operators import order_operators


def graph(sizes: list[int], operators: list[tuple[tuple[int, ...], int]], outputs: tuple[int, ...]) -> Graph:
    """A graph of JOINs of int32 vectors, whose extents add up to nothing in particular; tensor 0 is the input."""
    tensors = tuple(Tensor(f"t{i}", (size,), DType.INT32) for i, size in enumerate(sizes))
    made = tuple(
        Operator("CONCATENATION", reads, (writes,), index=position)
        for position, (reads, writes) in enumerate(operators)
    )
    return Graph("test", tensors, made, (0,), outputs)


def peak(made: Graph) -> int:
    """Bytes alive in the fullest step: inputs and outputs of the operator, and all that is read later or given out."""
    highest = 0
    for position, operator in enumerate(made.operators):
        written = {0} | {i for earlier in made.operators[:position] for i in earlier.outputs}
        later = {i for other in made.operators[position + 1 :] for i in other.inputs} | set(made.outputs)
        alive = (written & later) | set(operator.inputs) | set(operator.outputs)
        highest = max(highest, sum(made.tensors[i].nbytes for i in alive if i is not None))
    return highest


def orders(made: Graph) -> list[Graph]:
    """Every order in which each operator comes after those whose outputs it reads."""
    possible = []
    for operators in itertools.permutations(made.operators):
        written = {0}
        for operator in operators:
            if not written.issuperset(operator.inputs):
                break
            written |= set(operator.outputs)
        else:
            possible.append(made.replace(operators=operators))
    return possible


def test_a_branch_that_ends_small_runs_before_another_begins() -> None:
    """x (10 words) -> a (100) -> a' (1); x -> b (100) -> b' (1); a', b' -> y: side by side both 100 are alive."""
    sizes = [10, 100, 100, 1, 1, 1]
    side_by_side = [((0,), 1), ((0,), 2), ((1,), 3), ((2,), 4), ((3, 4), 5)]
    found = order_operators(graph(sizes, side_by_side, (5,)))

    assert [operator.index for operator in found.operators] == [0, 2, 1, 3, 4]
    assert peak(found) == 4 * (10 + 100 + 1)


def test_an_order_that_is_good_is_left_alone() -> None:
    made = graph([10, 100, 100, 1, 1, 1], [((0,), 1), ((1,), 3), ((0,), 2), ((2,), 4), ((3, 4), 5)], (5,))

    assert order_operators(made) is made


@pytest.mark.parametrize("seed", range(25))
def test_no_other_order_of_a_small_graph_needs_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 7
    sizes = [int(rng.integers(1, 50)) for _ in range(count + 1)]
    operators = [
        (tuple(sorted({int(rng.integers(0, i + 1)) for _ in range(int(rng.integers(1, 3)))})), i + 1)
        for i in range(count)
    ]
    unread = set(range(1, count + 1)) - {i for reads, _ in operators for i in reads}
    made = graph(sizes, operators, tuple(sorted(unread)))
    found = order_operators(made)
    verify(found)

    assert peak(found) == min(peak(other) for other in orders(made))


def test_an_output_that_replaces_its_input_counts_once() -> None:
    """The branch through RELU needs 100 words, not 200: it is no reason to change the order."""
    tensors = tuple(Tensor(f"t{i}", (size,), DType.FLOAT32) for i, size in enumerate([100, 100, 100, 100, 100]))
    operators = (
        Operator("RELU", (0,), (1,), index=0),
        Operator("RELU", (1,), (2,), index=1),
        Operator("RELU", (2,), (3,), index=2),
        Operator("RELU", (3,), (4,), index=3),
    )
    made = Graph("test", tensors, operators, (0,), (4,))

    assert order_operators(made) is made


def test_a_large_graph_ends_and_stays_valid() -> None:
    """150 branches of two operators side by side: far more sets of finished operators than can be followed."""
    count = 150
    sizes = [1, *([40] * count), *([1] * count), 1]
    operators = [((0,), 1 + i) for i in range(count)] + [((1 + i,), 1 + count + i) for i in range(count)]
    operators.append((tuple(range(1 + count, 1 + 2 * count)), 1 + 2 * count))
    made = graph(sizes, operators, (1 + 2 * count,))
    found = order_operators(made)
    verify(found)

    assert peak(found) == 4 * (1 + 40 + (count - 1))  # the input, one branch, the ends of all others
