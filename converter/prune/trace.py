"""Following the channels of a model from layer to layer: what the rules of the layers write down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from midge.converter.prune.channels import Channels, Ids

Shape = tuple["int | None", ...]


@dataclass(frozen=True)
class Call:
    """One call of a layer or an operation.

    ``inputs`` and ``outputs`` are the shapes of its tensors, batch first; ``args`` and ``kwargs`` what it was called
    with, tensors and others.
    """

    path: str
    layer: Any
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        """Name of the layer's class."""
        return type(self.layer).__name__

    def variable(self, name: str) -> Any:
        """Return a variable of the layer, or None if it has none of this name."""
        return next((v for v in self.layer.variables if v.name == name), None)

    @property
    def channels_first(self) -> bool:
        """Whether the layer's channels are not the last axis."""
        return getattr(self.layer, "data_format", None) == "channels_first"


@dataclass(frozen=True)
class Axis:
    """The channels along one axis of a variable, and whether it computes them (or else reads them)."""

    ids: Ids
    produces: bool


@dataclass(frozen=True)
class Passage:
    """A tensor that a call returned, with its channels; one inside a wrapper is not ``visible`` from outside."""

    layer: str
    call: int
    output: int
    ids: Ids
    visible: bool


class Trace:
    """What is known of a model's channels: along the axes of variables, in tensors, and in shapes that are written out.

    A layer that is called twice writes down the same axes twice: its channels are then one and the same.
    """

    def __init__(self) -> None:
        self.channels = Channels()
        self.axes: dict[tuple[str, str, int], Axis] = {}
        self.widths: dict[tuple[str, str], Ids] = {}
        self.passages: list[Passage] = []
        self.unknown: dict[str, str] = {}

    def produce(self, call: Call, variable: str, axis: int) -> Ids:
        """Return the channels that a variable computes along an axis: new ones at the layer's first call."""
        key = (call.path, variable, axis)
        if key not in self.axes:
            width = call.variable(variable).shape[axis]
            self.axes[key] = Axis(self.channels.new(width), produces=True)
        return self.axes[key].ids

    def own(self, call: Call, variable: str, axis: int, ids: Ids, *, produces: bool) -> None:
        """Write down whose channels the slices of a variable along an axis are; nothing if there is no such variable.

        ``produces`` says whether they take part in computing the channel, or read it.
        """
        if call.variable(variable) is None:
            return
        assert len(ids) == call.variable(variable).shape[axis], (call.path, variable, axis)
        known = self.axes.setdefault((call.path, variable, axis), Axis(ids, produces))
        self.channels.unite(known.ids, ids)

    def tie(self, path: str, name: str, ids: Ids) -> None:
        """Write down the channels whose number is part of a layer's configuration, by a name of the rule's choice."""
        self.channels.unite(self.widths.setdefault((path, name), ids), ids)

    def give_up(self, call: Call, inputs: Sequence[Ids | None], reason: str) -> list[Ids | None]:
        """Fix every channel that enters and leaves a call; return the channels that leave."""
        for ids in inputs:
            if ids is not None:
                self.channels.fix(ids, reason)
        self.unknown.setdefault(call.path, reason)
        return [self.fixed(shape, reason) for shape in call.outputs]

    def fixed(self, shape: Shape, reason: str) -> Ids | None:
        """Return new channels for the last axis of a tensor, which must stay; None where it has no known width."""
        if len(shape) < 2 or shape[-1] is None:
            return None
        ids = self.channels.new(shape[-1])
        self.channels.fix(ids, reason)
        return ids
