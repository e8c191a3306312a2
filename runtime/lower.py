"""From a graph to a program: every operator is checked, then turned into kernel calls by its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from midge.runtime.errors import ModelError, UnsupportedError
from midge.runtime.graph import Graph, Node, Operator
from midge.runtime.operators import OPERATORS
from midge.runtime.operators.variant import PLAIN
from midge.runtime.program import Choice, KernelCall, Program, Step, Target


def check(node: Node) -> None:
    """Check that an operator is one that Midge can run.

    Raises:
        UnsupportedError: no kernel covers it; the message names operator, place and reason.
        ModelError: it contradicts itself.
    """
    row = OPERATORS.get(node.operator.kind)
    for tensor in node.inputs:
        if tensor is not None and tensor.is_variable:
            raise UnsupportedError(
                f"{node.location}: reads {tensor.name!r}, which keeps state between calls; no kernel of Midge does"
            )
    if row is None:
        raise UnsupportedError(
            f"{node.location}: Midge has no kernel for {node.operator.kind}. Replace the layer by supported ones "
            "(`midge inspect` lists every operator of the model), or run this model with `--on litert`"
        )
    try:
        row.check(node)
    except UnsupportedError as error:
        raise UnsupportedError(f"{node.location}: {error}") from None
    except ModelError as error:
        raise ModelError(f"{node.location}: {error}") from None


def lower(graph: Graph, target: Target, choices: Mapping[int, Choice] | None = None) -> Program:
    """Lower a whole graph.

    Args:
        graph: what to lower.
        target: what for.
        choices: by position in `graph.operators`; the other operators take their first candidate.

    Raises:
        UnsupportedError: the first operator that no kernel covers.
        ModelError: the first operator that contradicts itself.
    """
    chosen = choices or {}
    nodes = enumerate(graph.nodes())
    return Program(graph, target, tuple(lower_node(node, target, chosen.get(position)) for position, node in nodes))


def candidates(node: Node, target: Target) -> Iterator[tuple[str, tuple[KernelCall, ...]]]:
    """Yield all ways to compute a node that has passed `check`, by name, the presumably best one first."""
    row = OPERATORS[node.operator.kind]
    for variant in row.variants:
        if target.arch in variant.arches and target.optimize in variant.modes:
            calls = variant.lower(node, target)
            if calls is not None:
                yield variant.name, calls
    yield PLAIN, row.lower(node, target)


def lower_node(node: Node, target: Target, choice: Choice | None = None) -> Step:
    """Check and lower one operator.

    Args:
        node: the operator.
        target: what for.
        choice: how to compute it; None takes the first candidate.

    Raises:
        UnsupportedError: no kernel covers it.
        ModelError: it contradicts itself.
        KeyError: the chosen variant is none of the node's candidates.
    """
    check(node)
    name, calls = _choose(node, target, None if choice is None else choice.variant)
    return make_step(node, Choice(name, choice is not None and choice.specialised), calls)


def make_step(node: Node, choice: Choice, calls: tuple[KernelCall, ...]) -> Step:
    """Return the step of an operator that is computed by one of its `candidates`."""
    row = OPERATORS[node.operator.kind]
    operator = node.operator
    runtime = {i for i in operator.inputs if i is not None and node.graph.tensors[i].data is None}
    in_place = tuple(
        (source, operator.outputs[output_position])
        for input_position, output_position in row.in_place(node)
        if (source := operator.inputs[input_position]) is not None and source in runtime
    )
    if len(calls) == 1 and calls[0].in_place and calls[0].inputs[0] in runtime:
        in_place += ((calls[0].inputs[0], calls[0].outputs[0]),)
    return Step(
        index=operator.index,
        kind=operator.kind,
        name=node.output().name,
        inputs=tuple(dict.fromkeys(i for i in operator.inputs if i in runtime and i is not None)),
        outputs=operator.outputs,
        calls=calls,
        variant=choice.variant,
        specialised=choice.specialised,
        macs=row.macs(node) if operator.macs is None else operator.macs,
        executed_macs=row.macs(node),
        in_place=in_place,
        alias_of=operator.inputs[0] if row.alias else None,
        alias_offset=row.alias_offset(node) if row.alias else 0,
        parts=() if row.part_offsets is None else _parts(operator, row.part_offsets(node)),
    )


def _parts(operator: Operator, offsets: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((index, offset) for index, offset in zip(operator.inputs, offsets, strict=True) if index is not None)


def _choose(node: Node, target: Target, variant: str | None) -> tuple[str, tuple[KernelCall, ...]]:
    for name, calls in candidates(node, target):
        if variant in (None, name):
            return name, calls
    raise KeyError(variant)
