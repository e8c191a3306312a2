"""What a network may cost, in the unit of its budget, as a function of its widths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from midge.converter.prune.cost import CostModel, Work
from midge.converter.prune.groups import Group
from midge.converter.prune.selection import Saved

Rates = Mapping[Work, float]
"""Instructions per multiplication, by kind of layer."""


class Budget:
    """The cost of one model with fewer channels: counted for MACs and parameters, estimated for what is measured.

    The estimates' units are instructions (of the multiplications alone), parameters for flash, and elements of
    activations that are alive at a time for RAM. They are compared with each other; see `measured`.
    """

    def __init__(self, kind: str, model: Any, groups: Sequence[Group], rates: Rates | None = None) -> None:
        """Read a model.

        Args:
            kind: `Prune.budget`.
            model: a functional or sequential Keras 3 model.
            groups: `find_groups` of it.
            rates: for instructions; None counts multiplications.
        """
        self._model = CostModel(model, groups)
        self._kind, self._rates = kind, rates
        self.full = self._model.full

    def cost(self, widths: Mapping[str, int]) -> float:
        """Return the cost by the widths of the groups."""
        if self._kind in ("parameters", "flash"):
            return self._model.parameters(widths)
        if self._kind == "ram":
            return self._model.activations(widths)
        return self._model.macs(widths, self._rates)

    def saved(self, target: float) -> Saved:
        """Return by how much a group's shrinking brings the cost nearer to ``target``."""
        if self._kind in ("parameters", "flash"):
            return self._model.saved_parameters
        if self._kind == "ram":
            return lambda widths, name, width: self._model.saved_activations(widths, name, width, target)
        return lambda widths, name, width: self._model.saved_macs(widths, name, width, self._rates)
