"""What a variant of an operator is: one of several ways to compute it, bit for bit alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from midge.runtime.graph import Node
from midge.runtime.program import KernelCall, Target

PLAIN = "plain"
"""Name of the variant that every operator has: `OperatorRow.lower`."""

MODES = ("default", "speed", "size", "ram")


@dataclass(frozen=True)
class Variant:
    """One way to compute an operator.

    Without a tuner's choice a node gets the first variant of its row that is made for the target's instruction set
    and mode and does not turn the node down.
    """

    name: str
    """Unique among the variants of a row that a mode allows; what the tuner's decisions are written with."""
    arches: tuple[str, ...]
    """Instruction sets (keys of `ARCHES`) on which it is worth a try."""
    lower: Callable[[Node, Target], tuple[KernelCall, ...] | None]
    """The kernel calls, or None where the variant does not fit the node: type, shape, range of the weights.

    The node has passed its row's `check`.
    """
    modes: tuple[str, ...] = MODES
    """Values of `Target.optimize` in which it may be used."""
