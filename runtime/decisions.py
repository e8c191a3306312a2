"""`tuning.json`: what the tuner decided and what it counted, so that a build can be repeated without counting again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from midge.runtime.errors import InputError
from midge.runtime.graph import Graph
from midge.runtime.program import Choice

TUNING_NAME = "tuning.json"


class LayerDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one operator is computed."""

    index: int
    """Position of the operator in the model file."""
    op: str
    name: str
    """Name of its first output."""
    variant: str
    specialised: bool
    instructions: dict[str, int]
    """What each way that was tried took; a specialised one's name ends in `, specialised`."""
    cycles: dict[str, int] = {}
    """The same in modelled cycles, by which the choice was made where they are given."""


class Decisions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decisions for a model on a core with a compiler."""

    schema: int
    source: str
    """What decided: `emulator-cycle-model` or `emulator-instructions`."""
    model_file: str
    model_sha256: str
    cpu: str
    optimize: str
    compiler: str
    """Name and version."""
    layers: tuple[LayerDecision, ...]
    """One for each operator of the reduced graph, in its order."""

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")

    def choices(self, graph: Graph, cpu: str, optimize: str) -> dict[int, Choice]:
        """Return the choices for `lower`.

        Args:
            graph: the model after its passes.
            cpu: the core to compile for.
            optimize: the mode to compile in; `default` is one.

        Raises:
            InputError: the decisions were made for another model, core or mode.
        """
        where, again = TUNING_NAME, "tune again, or leave the file out"
        if self.model_sha256 != graph.sha256:
            raise InputError(f"{where} was made for another model ({self.model_file}): {again}")
        if self.cpu != cpu:
            raise InputError(f"{where} was made for {self.cpu}, the board's core is {cpu}: {again}")
        if self.optimize != optimize:
            raise InputError(f"{where} was made for {self.optimize} mode, this is {optimize} mode: {again}")
        found = [(operator.index, operator.kind) for operator in graph.operators]
        if found != [(layer.index, layer.op) for layer in self.layers]:
            raise InputError(f"{where} was made by another version of Midge, which saw other layers: {again}")
        return {at: Choice(layer.variant, layer.specialised) for at, layer in enumerate(self.layers)}


def read_decisions(path: Path) -> Decisions:
    """Read a file of decisions.

    Raises:
        InputError: it is missing or is not one of ours.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Decisions)
    except OSError as error:
        raise InputError(f"{path}: cannot read the tuner's decisions: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: expected a {TUNING_NAME} written by Midge: {error}") from None
