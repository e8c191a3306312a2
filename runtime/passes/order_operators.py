"""Choose the order of operators that keeps the fewest bytes alive at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from midge.runtime.graph import Graph, Node
from midge.runtime.operators import OPERATORS
from midge.runtime.passes.memory_blocks import ALIGNMENT, align

WIDTHS = (1000, 10, 1)
"""Sets of finished operators that are followed up at a time. Small graphs never have a thousand, and the search is then
exhaustive; of larger ones the most promising sets are kept, as many as the work allows."""
WORK = 100_000
"""Looks at an operator that could be next, for each width; about a quarter of a second. A graph that takes more even
one set at a time keeps its order."""


@dataclass(frozen=True)
class _Task:
    """What an operator does to the memory."""

    needs: int
    """Operators that must have run, as a set of bits."""
    frees: tuple[tuple[int, int, int], ...]
    """Of each tensor read: its bytes, the operators that read it, as a set of bits, and the bytes that the output may
    take over from it."""
    makes: int
    """Bytes that the outputs take anew; 0 for another shape of an input."""
    keeps: int
    """Bytes of the outputs that stay: not those that nobody reads."""


@dataclass
class _State:
    """A set of finished operators, and the best way there."""

    alive: int
    """Bytes of the tensors that are still needed."""
    peak: int
    """The most that was needed on the way."""
    ready: tuple[int, ...]
    """Operators that can be next, in the file's order."""
    order: tuple[int, _State] | None
    """The last operator and the state before it."""


def order_operators(graph: Graph) -> Graph:
    """Return the graph with its operators in the order of the smallest peak, where that is below the file's own.

    Exhaustive over all orders for ordinary graphs; see `WIDTHS`. Every operator must have passed its row's check. What
    is minimised is the sum of the tensors alive, outputs that may replace an input counted once: what a kernel needs
    beyond that depends on the target, and so is not known yet.
    """
    if len(graph.operators) < 3:
        return graph
    tasks, start = _tasks(graph)
    peak = _peak(tasks, start)
    if peak <= max((_least(task) for task in tasks), default=0):
        return graph
    found = next((state for width in WIDTHS if (state := _search(tasks, start, width)) is not None), None)
    if found is None or found.peak >= peak:
        return graph
    order: list[int] = []
    state = found
    while state.order is not None:
        position, state = state.order
        order.append(position)
    return graph.replace(operators=tuple(graph.operators[position] for position in reversed(order)))


def _tasks(graph: Graph) -> tuple[list[_Task], int]:
    """Return what each operator does to the memory, and the bytes of the graph's inputs.

    A tensor and its other shapes are one piece of memory, named by the first of them.
    """
    root: dict[int, int] = {}
    writer: dict[int, int] = {}
    readers: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    size = {index: align(graph.tensors[index].nbytes, ALIGNMENT) for index in graph.inputs}
    for position, operator in enumerate(graph.operators):
        source = operator.inputs[0] if OPERATORS[operator.kind].alias else None
        for index in operator.inputs:
            piece = root.get(index, index) if index is not None else None
            if piece in readers:
                readers[piece] |= 1 << position
        for index in operator.outputs:
            if source is not None:
                root[index] = root.get(source, source)
            else:
                readers[index] = 0
                size[index] = align(graph.tensors[index].nbytes, ALIGNMENT)
            writer[index] = position
    forever = 1 << len(graph.operators)  # an operator that never runs: it reads the graph's outputs
    for index in graph.outputs:
        if root.get(index, index) in readers:
            readers[root.get(index, index)] |= forever
    tasks = []
    for operator in graph.operators:
        needs = 0
        for index in operator.inputs:
            if index in writer:
                needs |= 1 << writer[index]
        alias = OPERATORS[operator.kind].alias
        replaced = {} if alias else _replaceable(Node(graph, operator), root, size)
        pieces = dict.fromkeys(root.get(index, index) for index in operator.inputs if index is not None)
        tasks.append(
            _Task(
                needs=needs,
                frees=tuple(
                    (size[piece], readers[piece], replaced.get(piece, 0)) for piece in pieces if piece in readers
                ),
                makes=0 if alias else sum(size[index] for index in operator.outputs),
                keeps=0 if alias else sum(size[index] for index in operator.outputs if readers[index]),
            )
        )
    return tasks, sum(size[index] for index in graph.inputs)


def _replaceable(node: Node, root: dict[int, int], size: dict[int, int]) -> dict[int, int]:
    """Return the bytes of each input that an output may take over; one input for each output."""
    result: dict[int, int] = {}
    taken: set[int] = set()
    for source, output in OPERATORS[node.operator.kind].in_place(node):
        index = node.operator.inputs[source]
        piece = None if index is None else root.get(index, index)
        if piece is not None and piece in size:
            result[piece] = min(size[piece], size[node.operator.outputs[output]])
            taken.add(output)
    return result if len(taken) <= 1 else {}


def _least(task: _Task) -> int:
    """Return what an operator needs in any order, as if it took over all that it can."""
    return task.makes + sum(size for size, _, _ in task.frees) - max((take for _, _, take in task.frees), default=0)


def _step(task: _Task, position: int, done: int, alive: int) -> tuple[int, int]:
    """Return the bytes needed while an operator runs and those alive afterwards.

    `done` is the set of operators that ran before.
    """
    after = done | 1 << position
    taken = freed = 0
    for size, readers, replaceable in task.frees:
        if not readers & ~after:
            freed += size
            taken = max(taken, replaceable)
    return alive + task.makes - taken, alive + task.keeps - freed


def _peak(tasks: Sequence[_Task], start: int) -> int:
    """Return the most bytes needed in the file's order."""
    alive = peak = start
    done = 0
    for position, task in enumerate(tasks):
        needed, alive = _step(task, position, done, alive)
        peak = max(peak, needed)
        done |= 1 << position
    return peak


def _search(tasks: Sequence[_Task], start: int, width: int) -> _State | None:
    """Return the best way to run all operators, or None if that takes too much work to find.

    Operators run in any order leave the same tensors alive: of all ways to a set only the one with the least peak
    matters. Sets of one size are one generation.
    """
    followers: list[list[int]] = [[] for _ in tasks]
    for position, task in enumerate(tasks):
        for earlier in _bits(task.needs):
            followers[earlier].append(position)
    first = tuple(position for position, task in enumerate(tasks) if not task.needs)
    generation = {0: _State(start, start, first, None)}
    work = 0
    for _ in tasks:
        following: dict[int, _State] = {}
        for done, state in generation.items():
            work += len(state.ready)
            if work > WORK:
                return None
            for position in state.ready:
                needed, alive = _step(tasks[position], position, done, state.alive)
                after, peak = done | 1 << position, max(state.peak, needed)
                known = following.get(after)
                if known is None:
                    following[after] = _State(alive, peak, (), (position, state))
                elif peak < known.peak:
                    known.peak, known.order = peak, (position, state)
        if len(following) > width:
            best = sorted(following.items(), key=lambda item: (item[1].peak, item[1].alive))
            following = dict(best[:width])
        for done, state in following.items():
            assert state.order is not None
            position, before = state.order
            freed = [each for each in followers[position] if not tasks[each].needs & ~done]
            state.ready = tuple(sorted([each for each in before.ready if each != position] + freed))
        generation = following
    return next(iter(generation.values()), None)


def _bits(number: int) -> list[int]:
    """Return the positions of the bits that are set."""
    positions = []
    while number:
        low = number & -number
        positions.append(low.bit_length() - 1)
        number ^= low
    return positions
