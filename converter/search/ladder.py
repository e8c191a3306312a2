"""The order in which a search tries recipes: the fewest trainings that find an answer.

Cost follows from shapes, and shapes follow from a recipe without its training. So for each family that needs training
the gentlest amount that meets all cost bounds is found by a few untrained probes, and only that one is trained:
whatever is gentler costs too much, whatever is harsher is less accurate. Families come one after the other, those
without training first, until one meets the budget. Nothing is drawn at random: the same trials come in the same order
whether or not the search was interrupted.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Sequence

from midge.converter.recipe import Recipe
from midge.converter.search.budget import Budget
from midge.converter.search.families import Build, Family
from midge.converter.search.trial import BOARD, Trial, choose

HARSHER = 2
"""How many amounts are tried beyond the gentlest: fine-tuning may leave other channels than the probe did, and the
result may cost a little more."""

GUESSES = 3
"""How many probes go where the cost should meet the bounds, before the rest are halved each time."""

_TOO_LARGE = 2.0

Attempt = Callable[[Recipe, bool], Trial]
"""Tries a recipe; False for a probe, which is not trained."""


class Ladder:
    """One search."""

    def __init__(self, families: Sequence[Family], budget: Budget, trainings: int, attempt: Attempt) -> None:
        """Prepare.

        Args:
            families: in the order in which they are tried; the first is what "costs less" and "more accurate" refer to.
            budget: what is asked.
            trainings: most recipes that are trained; probes go on without.
            attempt: tries one recipe.
        """
        self._families = families
        self._budget = budget
        self._trainings = trainings
        self._attempt = attempt
        self._trials: dict[bytes, Trial] = {}

    def climb(self) -> list[Trial]:
        """Try recipes until there is an answer or nothing is left to try; return all trials in order."""
        first = self._try(self._families[0].build(0.0), True)
        for family in self._families[1:]:
            if self._worthwhile(family, first):
                self._try_family(family, first)
        return list(self._trials.values())

    def _worthwhile(self, family: Family, first: Trial) -> bool:
        """Whether a family may bring an answer, or a better one."""
        if family.shrinks and family.probe is None:
            return True  # takes seconds, and shows the trade-off
        if self._answered():
            return False
        quality = self._budget.quality
        if not family.shrinks:
            return quality is not None and quality.key in first.missed([quality])
        return bool(self._too_costly(first))

    def _answered(self) -> bool:
        """Whether training more is no use: a trial meets the budget, which says what is accurate enough."""
        return self._budget.quality is not None and choose(list(self._trials.values()), self._budget) is not None

    def _try_family(self, family: Family, first: Trial) -> None:
        if family.probe is None:
            self._try(family.build(family.amounts[0]), True)
            return
        at = self._gentlest(family.amounts, family.probe, first)
        if at is None:
            return
        for amount in family.amounts[at : at + 1 + HARSHER]:
            if self._trainings <= 0:
                return
            self._trainings -= 1
            trial = self._try(family.build(amount), True)
            if trial.failure or not self._too_costly(trial):
                return

    def _gentlest(self, amounts: Sequence[float], probe: Build, first: Trial) -> int | None:
        """Return the position of the first amount whose probe meets all cost bounds, or None.

        Too gentle an amount costs too much; too harsh a one may fail, because a network cannot lose that much. What is
        tried next is where the cost would meet the bounds if it fell evenly; where that does not end the search soon,
        the middle.
        """
        found, low, high = None, 0, len(amounts)
        gentle, harsh = (0.0, self._load(first)), (1.0, 0.0)
        for turn in itertools.count():
            if low >= high:
                break
            at = (low + high) // 2
            if turn < GUESSES:
                at = min(max(bisect_left(amounts, _crossing(gentle, harsh)), low), high - 1)
            trial = self._try(probe(amounts[at]), False)
            if trial.failure:
                high = at
            elif self._too_costly(trial):
                low, gentle = at + 1, (amounts[at], self._load(trial))
            else:
                found, high, harsh = at, at, (amounts[at], self._load(trial))
        return found

    def _load(self, trial: Trial) -> float:
        """Return the greatest part of its limit that a trial takes of any cost bound."""
        parts = [value / bound.limit for bound in self._budget.costs if (value := trial.value(bound)) is not None]
        # By how much a memory is too small is not known; a wrong guess costs a probe.
        return max([*parts, _TOO_LARGE] if BOARD in self._too_costly(trial) else parts, default=0.0)

    def _too_costly(self, trial: Trial) -> tuple[str, ...]:
        """Return the cost bounds that a trial misses, and `board` where it does not fit."""
        return trial.missed(self._budget.costs)

    def _try(self, recipe: Recipe, trained: bool) -> Trial:
        """Try a recipe, once: families share probes."""
        key = recipe.toml()
        if key not in self._trials:
            self._trials[key] = self._attempt(recipe, trained)
        return self._trials[key]


def _crossing(gentle: tuple[float, float], harsh: tuple[float, float]) -> float:
    """Return the amount at which the straight line through two points (amount, part of the limit) is at the limit."""
    (near, above), (far, below) = gentle, harsh
    return near if above <= 1 or above <= below else near + (far - near) * (above - 1) / (above - below)
