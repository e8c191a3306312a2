"""Bands of an image: operators that only our own passes make, and that cost nothing at run time."""

from __future__ import annotations

from dataclasses import dataclass

from midge.runtime.graph import Node
from midge.runtime.operators.row import INTERNAL, OperatorRow, expect, expect_counts
from midge.runtime.program import KernelCall, Target


@dataclass(frozen=True)
class TakeRows:
    """Attributes of TAKE_ROWS."""

    first: int
    """The first of the rows."""


def _check_take(node: Node) -> None:
    expect_counts(node, (1, 1))
    source, output = node.input(0), node.output()
    first = node.attributes.first
    fits = len(source.shape) == 4 and source.shape[0] == 1 and 0 <= first <= source.shape[1] - output.shape[1]
    expect(fits and output.dtype == source.dtype, f"rows from {first} on are not {list(output.shape)}")
    expect((output.shape[0], *output.shape[2:]) == (1, *source.shape[2:]), "rows are taken whole")


def _check_join(node: Node) -> None:
    output = node.output()
    parts = [node.input(position) for position in range(len(node.operator.inputs))]
    same = all((part.dtype, *part.shape[2:]) == (output.dtype, *output.shape[2:]) for part in parts)
    expect(len(output.shape) == 4 and output.shape[0] == 1 and same, "bands of different images")
    expect(sum(part.shape[1] for part in parts) == output.shape[1], "the bands do not make up the image")


def _lower(_: Node, __: Target) -> tuple[KernelCall, ...]:
    return ()


def _taken_offset(node: Node) -> int:
    source = node.input(0)
    return int(node.attributes.first) * source.nbytes // source.shape[1]


def _joined_offsets(node: Node) -> tuple[int, ...]:
    offsets = [0]
    for position in range(len(node.operator.inputs)):
        offsets.append(offsets[-1] + node.input(position).nbytes)
    return tuple(offsets[:-1])


TAKE_ROWS = OperatorRow(
    "TAKE_ROWS", INTERNAL, check=_check_take, lower=_lower, options=TakeRows, alias=True, alias_offset=_taken_offset
)
"""Some rows of an image of batch 1, where they lie."""
JOIN_ROWS = OperatorRow("JOIN_ROWS", INTERNAL, check=_check_join, lower=_lower, part_offsets=_joined_offsets)
"""An image whose rows were written band by band, each where it belongs."""
