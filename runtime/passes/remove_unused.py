"""Drop operators whose results nobody reads."""

from __future__ import annotations

from midge.runtime.graph import Graph, Operator


def remove_unused(graph: Graph) -> Graph:
    """Return the graph without operators that no output depends on; tensors keep their positions."""
    needed = set(graph.outputs)
    kept: list[Operator] = []
    for operator in reversed(graph.operators):
        if needed.isdisjoint(operator.outputs):
            continue
        needed.update(i for i in operator.inputs if i is not None)
        kept.append(operator)
    return graph.replace(operators=tuple(reversed(kept)))
