"""The graph passes, in the order in which they run. Each is exact: the model's outputs keep every bit."""

from __future__ import annotations

from collections.abc import Callable

from midge.runtime.graph import Graph, verify
from midge.runtime.passes.copy_through_outputs import copy_through_outputs
from midge.runtime.passes.fold_constants import fold_constants
from midge.runtime.passes.remove_unused import remove_unused

Pass = Callable[[Graph], Graph]

PASSES: tuple[Pass, ...] = (
    fold_constants,
    remove_unused,
    copy_through_outputs,
)


def run_passes(graph: Graph, after: Callable[[str, Graph], None] | None = None) -> Graph:
    """Run all passes and verify the graph after each.

    Args:
        graph: a verified graph.
        after: called with each pass's name and its result, for `--dump`.

    Raises:
        ModelError: a pass left a graph that is not valid, which is our bug.
    """
    for run in PASSES:
        graph = run(graph)
        verify(graph)
        if after is not None:
            after(run.__name__, graph)
    return graph
