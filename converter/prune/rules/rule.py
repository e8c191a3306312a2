"""What a rule is: how one kind of layer treats the channels of its inputs, and how its configuration shrinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from midge.converter.prune.channels import Ids
from midge.converter.prune.trace import Call, Trace


class Width(Protocol):
    """Tells a rule what stays."""

    def __call__(self, name: str, axis: int | None = None) -> int | None:
        """Return how many channels stay along an axis of a variable, or of those tied under a name (without an axis).

        None if nothing was written down under that name.
        """


Spread: TypeAlias = "Callable[[Trace, Call, list[Ids]], list[Ids | None]]"
"""Writes down what a call does with the channels of its inputs and returns those of its outputs."""
Resize: TypeAlias = "Callable[[dict[str, Any], Width], None]"
"""Edits a layer's configuration to what stays."""


def _as_it_is(config: dict[str, Any], width: Width) -> None:
    """The configuration says nothing about channels."""


@dataclass(frozen=True)
class Rule:
    """One row of the table of layers."""

    spread: Spread
    resize: Resize = _as_it_is
