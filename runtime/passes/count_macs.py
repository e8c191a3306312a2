"""Write down how much arithmetic the model file asks for, before passes find out that less will do."""

from __future__ import annotations

import dataclasses

from midge.runtime.graph import Graph, Node
from midge.runtime.operators import OPERATORS


def count_macs(graph: Graph) -> Graph:
    """Return the graph with the multiply-accumulate operations of each operator and of all.

    Demands: every operator has passed its row's check.
    """
    operators = tuple(
        dataclasses.replace(operator, macs=OPERATORS[operator.kind].macs(Node(graph, operator)))
        for operator in graph.operators
    )
    return graph.replace(operators=operators, macs=sum(operator.macs or 0 for operator in operators))
