"""The order in which a search tries recipes: the fewest trainings that find an answer.

Cost follows from shapes, and shapes follow from a recipe without its training. So for each family that needs training
the gentlest amount that meets all cost bounds is found by bisection over untrained probes, and only that one is
trained: whatever is gentler costs too much, whatever is harsher is less accurate. Families come one after the other,
those without training first, until one meets the budget. Nothing is drawn at random: the same trials come in the same
order whether or not the search was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from midge.converter.recipe import Recipe
from midge.converter.search.budget import Budget
from midge.converter.search.families import Build, Family
from midge.converter.search.trial import Trial, choose

HARSHER = 2
"""How many amounts are tried beyond the gentlest: fine-tuning may leave other channels than the probe did, and the
result may cost a little more."""

Attempt = Callable[[Recipe, bool], Trial]
"""Tries a recipe; False for a probe, which is not trained."""


class Ladder:
    """One search."""

    def __init__(self, families: Sequence[Family], budget: Budget, trainings: int, attempt: Attempt) -> None:
        """Prepare.

        Args:
            families: in the order in which they are tried; the first is what "costs less" and "more accurate" refer to.
            budget: what is asked.
            trainings: most recipes that are trained.
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
                self._try_family(family)
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

    def _try_family(self, family: Family) -> None:
        if family.probe is None:
            self._try(family.build(family.amounts[0]), True)
            return
        if self._trainings <= 0:
            return
        at = self._gentlest(family.amounts, family.probe)
        if at is None or self._answered():
            return
        for amount in family.amounts[at : at + 1 + HARSHER]:
            if self._trainings <= 0:
                return
            self._trainings -= 1
            trial = self._try(family.build(amount), True)
            if trial.failure or not self._too_costly(trial):
                return

    def _gentlest(self, amounts: Sequence[float], probe: Build) -> int | None:
        """Return the position of the first amount whose probe meets all cost bounds, or None.

        Too gentle an amount costs too much; too harsh a one may fail, because a network cannot lose that much.
        """
        found, low, high = None, 0, len(amounts)
        while low < high:
            middle = (low + high) // 2
            trial = self._try(probe(amounts[middle]), False)
            if not trial.failure and self._too_costly(trial):
                low = middle + 1
                continue
            high = middle
            if not trial.failure:
                found = middle
        return found

    def _too_costly(self, trial: Trial) -> tuple[str, ...]:
        """Return the cost bounds that a trial misses, and `board` where it does not fit."""
        return trial.missed(self._budget.costs)

    def _try(self, recipe: Recipe, trained: bool) -> Trial:
        """Try a recipe, once: families share probes."""
        key = recipe.toml()
        if key not in self._trials:
            self._trials[key] = self._attempt(recipe, trained)
        return self._trials[key]
