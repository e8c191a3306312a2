"""Making a model smaller: choosing what goes, taking it out, making up for it. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from midge.converter.data import Dataset
from midge.converter.losses import Task
from midge.converter.network import Network, from_keras
from midge.converter.prune.blocks import find_blocks
from midge.converter.prune.budget import Budget, Rates
from midge.converter.prune.candidates import candidates
from midge.converter.prune.compensate import compensate
from midge.converter.prune.groups import Group
from midge.converter.prune.importance import Importance, measure
from midge.converter.prune.rebuild import remove_blocks, remove_channels
from midge.converter.prune.selection import Limits, select_evenly, select_globally, smallest_widths
from midge.converter.steps import Prune

JUDGED = 256
"""Samples on which the harm of losing a block is judged."""
TIE = 1e-3
"""Share of the loss by which channels must do better than a block, whose going spares an addition too."""


@dataclass(frozen=True)
class Pruned:
    """A model, and what it has of the one that pruning began with."""

    model: Any
    kept: dict[str, list[int]] = field(default_factory=dict)
    """Channels of the first model that are left, by group; of groups that are not named, all."""
    blocks: tuple[str, ...] = ()
    """Branches that went."""


class Cutter:
    """Makes models smaller by the rules of a step."""

    def __init__(
        self, step: Prune, least: float, first: Network, data: Dataset, task: Task, rates: Rates | None
    ) -> None:
        """Remember the rules.

        Args:
            step: the rules.
            least: share of its channels that a group keeps at least.
            first: the network that pruning begins with, which the step's shares refer to; it has a Keras model.
            data: samples for importance and compensation.
            task: what the network is to do.
            rates: instructions per multiplication where they are the budget.
        """
        self._step, self._data, self._task, self._rates = step, data, task, rates
        self._first = first
        self._limits = Limits(step.multiple_of, least)
        self._sizes = {group.name: group.size for group in self._groups(first.keras_model)}

    def cost(self, model: Any) -> float:
        """Return the cost of a model as it is, in the unit of `Budget`."""
        return self._budget(model, []).cost({})

    def smallest(self, model: Any) -> Any:
        """Return the smallest model that the rules allow, without any compensation."""
        if self._step.blocks:
            model = remove_blocks(model, [block.name for block in find_blocks(model)])
        groups = self._groups(model)
        widths = smallest_widths(groups, self._limits, self._all_sizes(groups))
        return remove_channels(model, {name: range(width) for name, width in widths.items()})

    def importance(self, before: Pruned) -> Importance:
        """Judge all channels of a model."""
        groups = self._groups(before.model)
        return measure(self._step.importance, from_keras(before.model), groups, self._data, self._task)

    def select(self, before: Pruned, importance: Importance, target: float) -> Pruned:
        """Take out channels until the cost is at most ``target``, or as low as the rules allow; no compensation."""
        groups = self._groups(before.model)
        budget, sizes = self._budget(before.model, groups), self._all_sizes(groups)
        if self._step.scope == "layer":
            keep = select_evenly(groups, importance, budget.cost, target, self._limits, sizes)
        else:
            saved = budget.saved(target)
            keep = select_globally(groups, importance, budget.cost, saved, target, self._limits, sizes)
        kept = {
            name: [before.kept[name][k] for k in stay] if name in before.kept else stay for name, stay in keep.items()
        }
        return Pruned(remove_channels(before.model, keep), {**before.kept, **kept}, before.blocks)

    def compensate(self, after: Pruned) -> Pruned:
        """Solve the layers of a model anew so that they come near to those that pruning began with; in place."""
        first = self._first.keras_model
        compensate(first, after.model, self._groups(first), after.kept, self._data)
        return after

    def without_blocks(self, before: Pruned, target: float) -> Pruned:
        """Take out branches as long as one harms less than channels that cost as much, down to ``target``."""
        while True:
            cost = self.cost(before.model)
            trials = []
            for block in find_blocks(before.model):
                model = remove_blocks(before.model, [block.name])
                spared = self.cost(model)
                if target <= spared < cost and self._same_groups(before.model, model):
                    after = self.compensate(Pruned(model, before.kept, (*before.blocks, block.name)))
                    trials.append((self._loss(after.model), spared, after))
            if not trials:
                return before
            base = self._loss(before.model)
            loss, spared, best = min(trials, key=lambda trial: (trial[0] - base) / (cost - trial[1]))
            narrow = self.compensate(self.select(before, self.importance(before), spared))
            if self._loss(narrow.model) < (1 - TIE) * loss:
                return before
            before = best

    def _same_groups(self, before: Any, after: Any) -> bool:
        """Whether the groups of a model without a branch are some of those with it, under the same names."""
        known = {group.name: group.size for group in self._groups(before)}
        return all(known.get(group.name) == group.size for group in self._groups(after))

    def _loss(self, model: Any) -> float:
        """Return the loss against the labels; without labels, against what the original computes."""
        data = self._data.first(JUDGED)
        outputs = _tensors(from_keras(model).predict(data.inputs))
        if not self._task.has_labels:
            return float(self._task.against_teacher(outputs, _tensors(self._first.predict(data.inputs))))
        labels = None if data.labels is None else tf.constant(data.labels)
        return float(self._task.against_labels(outputs, _tensors(data.inputs), labels))

    def _groups(self, model: Any) -> list[Group]:
        return candidates(model, self._step.exclude)

    def _budget(self, model: Any, groups: Sequence[Group]) -> Budget:
        return Budget(self._step.budget, model, groups, self._rates)

    def _all_sizes(self, groups: Sequence[Group]) -> dict[str, int]:
        return {group.name: self._sizes.get(group.name, group.size) for group in groups}


def _tensors(arrays: Sequence[Any]) -> list[Any]:
    return [tf.constant(array) for array in arrays]
