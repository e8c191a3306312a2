"""Give every output of the graph a buffer of its own that some operator writes."""

from __future__ import annotations

import dataclasses

from midge.runtime.graph import Graph, Operator, Tensor


def copy_through_outputs(graph: Graph) -> Graph:
    """Return the graph with a copy in front of outputs that are constants, inputs, or listed twice.

    The planner and the emitter may then take for granted that each output is written by the inference into memory
    that nothing else is expected in.
    """
    produced = {index for operator in graph.operators for index in operator.outputs}
    tensors = list(graph.tensors)
    operators = list(graph.operators)
    outputs: list[int] = []
    for index in graph.outputs:
        if index in produced and index not in outputs:
            outputs.append(index)
            continue
        source: Tensor = graph.tensors[index]
        tensors.append(dataclasses.replace(source, name=f"{source.name}/output", data=None, is_variable=False))
        position = len(tensors) - 1
        number = max((operator.index for operator in operators), default=-1)
        operators.append(Operator("COPY", (index,), (position,), index=max(number, 0)))
        outputs.append(position)
    return graph.replace(tensors=tuple(tensors), operators=tuple(operators), outputs=tuple(outputs))
