"""Rows whose check and lowering are one function, so that nothing is lowered that was not checked."""

from __future__ import annotations

from collections.abc import Callable

from midge.runtime.graph import Node
from midge.runtime.operators.row import OperatorRow
from midge.runtime.operators.variant import Variant
from midge.runtime.program import KernelCall, Target

Builder = Callable[[Node], tuple[KernelCall, ...]]
"""Checks an operator and returns its kernel calls; raises what `OperatorRow.check` raises."""


def built_row(
    name: str,
    code: int,
    build: Builder,
    options: type | None = None,
    options_type: int = 0,
    in_place: Callable[[Node], tuple[tuple[int, int], ...]] | None = None,
    variants: tuple[Variant, ...] = (),
) -> OperatorRow:
    """Return the row of an operator that is checked by building its calls; the arguments are `OperatorRow`'s."""

    def check(node: Node) -> None:
        build(node)

    def lower(node: Node, _: Target) -> tuple[KernelCall, ...]:
        return build(node)

    if in_place is None:
        return OperatorRow(name, code, check, lower, options, options_type, variants)
    return OperatorRow(name, code, check, lower, options, options_type, variants, in_place=in_place)


def first_in_place(_: Node) -> tuple[tuple[int, int], ...]:
    """The first output may start where the first input starts."""
    return ((0, 0),)
