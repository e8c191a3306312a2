"""Choosing variants for a small arena: what `--optimize ram` does, and the tuner where a model does not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from midge.runtime.graph import Graph
from midge.runtime.lower import candidates, check, make_step
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.program import Choice, KernelCall, Program, Target

WORTHWHILE = 0.01
"""Least part of the arena that a change must save: a slower variant for a few bytes serves nobody."""

Lost = Callable[[int, Choice, Choice], float]
"""Gives what it costs to compute the operator at a position in the second way instead of the first."""


def least_memory(graph: Graph, target: Target) -> dict[int, Choice]:
    """Choose the variants with which a graph takes the smallest arena, without measuring anything.

    Of two that make no difference to the arena an operator gets the one that is usually faster.

    Raises:
        UnsupportedError: an operator that no kernel covers.
    """
    options = []
    for node in graph.nodes():
        check(node)
        options.append([(Choice(name), calls) for name, calls in candidates(node, target)])
    chosen = reduce_memory(graph, target, options, [each[0][0] for each in options], 0, lambda *_: 0.0)
    return dict(enumerate(chosen))


def reduce_memory(
    graph: Graph,
    target: Target,
    options: Sequence[Sequence[tuple[Choice, tuple[KernelCall, ...]]]],
    chosen: Sequence[Choice],
    limit: int,
    lost: Lost,
) -> list[Choice]:
    """Change choices, always the one that lowers the arena most, until it fits or nothing lowers it any further.

    Args:
        graph: the model after its passes.
        target: instruction set and mode.
        options: what each operator can be computed with, and how.
        chosen: where to start, one choice for each operator.
        limit: bytes of arena and scratch that are few enough.
        lost: decides between changes that save equally much.
    """
    current = list(chosen)
    memory = [{choice: _memory(calls) for choice, calls in each} for each in options]
    nodes = zip(graph.nodes(), options, strict=True)
    steps = [{choice: make_step(node, choice, calls) for choice, calls in each} for node, each in nodes]

    def needed(choices: Sequence[Choice]) -> int:
        chosen_steps = tuple(ways[choice] for ways, choice in zip(steps, choices, strict=True))
        return plan_memory(Program(graph, target, chosen_steps), thorough=False).total

    total = needed(current)
    while total > limit:
        best: tuple[int, float, int, Choice] | None = None
        for at, each in enumerate(options):
            for choice, _ in each:
                if memory[at][choice] == memory[at][current[at]]:
                    continue
                changed = needed([*current[:at], choice, *current[at + 1 :]])
                if changed <= total - WORTHWHILE * total:
                    found = (changed, lost(at, current[at], choice), at, choice)
                    best = found if best is None or found[:3] < best[:3] else best
        if best is None:
            break
        total, _, at, current[at] = best
    return current


def _memory(calls: Sequence[KernelCall]) -> list[tuple[int, int | None, bool]]:
    """Return all that the planner sees of a way to compute an operator."""
    return [(call.scratch, call.lead, call.in_place) for call in calls]
