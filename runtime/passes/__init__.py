"""The graph passes, in the order in which they run. Each is exact: the model's outputs keep every bit."""

from __future__ import annotations

from collections.abc import Callable

from midge.runtime.errors import ModelError, UnsupportedError
from midge.runtime.graph import Graph, verify
from midge.runtime.lower import check
from midge.runtime.passes.copy_through_outputs import copy_through_outputs
from midge.runtime.passes.count_macs import count_macs
from midge.runtime.passes.drop_dead_channels import drop_dead_channels
from midge.runtime.passes.fold_constants import fold_constants
from midge.runtime.passes.fuse_activation import fuse_activation
from midge.runtime.passes.fuse_padding import fuse_padding
from midge.runtime.passes.merge_byte_functions import merge_byte_functions
from midge.runtime.passes.merge_duplicates import merge_duplicates
from midge.runtime.passes.order_operators import order_operators
from midge.runtime.passes.remove_identities import remove_identities
from midge.runtime.passes.remove_unused import remove_unused

Pass = Callable[[Graph], Graph]

PREPARATION: tuple[Pass, ...] = (
    fold_constants,
    remove_unused,
)
"""Take any verified graph."""

REDUCTIONS: tuple[Pass, ...] = (
    count_macs,
    merge_duplicates,
    merge_byte_functions,
    fuse_activation,
    remove_identities,
    fuse_padding,
    drop_dead_channels,
    remove_unused,
    order_operators,
)
"""Take a graph whose operators have all passed their rows' checks; others are left as they are, to be refused."""

COMPLETION: tuple[Pass, ...] = (copy_through_outputs,)
"""Take any verified graph again."""

PASSES: tuple[Pass, ...] = (*PREPARATION, *REDUCTIONS, *COMPLETION)


def run_passes(graph: Graph, after: Callable[[str, Graph], None] | None = None) -> Graph:
    """Run all passes and verify the graph after each.

    Args:
        graph: a verified graph.
        after: called with each pass's name and its result, for `--dump`.

    Raises:
        ModelError: a pass left a graph that is not valid, which is our bug.
    """
    for group in (PREPARATION, REDUCTIONS, COMPLETION):
        if group is REDUCTIONS and not _is_supported(graph):
            continue
        for run in group:
            graph = run(graph)
            verify(graph)
            if after is not None:
                after(run.__name__, graph)
    return graph


def _is_supported(graph: Graph) -> bool:
    try:
        for node in graph.nodes():
            check(node)
    except (UnsupportedError, ModelError):
        return False
    return True
