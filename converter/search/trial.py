"""One recipe tried: what it made, what that costs on the board, and which bounds it misses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from midge.converter.accuracy import MEAN_SQUARED_ERROR
from midge.converter.cost import Cost
from midge.converter.job import Accuracy
from midge.converter.prepare import Made
from midge.converter.recipe import Recipe
from midge.converter.search.budget import METRICS, Bound, Budget

BOARD = "board"
"""What a trial misses that does not fit the board's memories."""


@dataclass(frozen=True)
class Trial:
    """A recipe and what became of it."""

    recipe: Recipe
    trained: bool
    """Whether it is a recipe as it is meant; a probe leaves the training out, to see what the result would cost."""
    made: Made | None
    cost: Cost | None
    failure: str = ""
    """Why there is no model, or why it cannot run on the board."""

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.recipe.name

    @property
    def accuracy(self) -> Accuracy | None:
        """What the evaluation data say of it."""
        return None if self.made is None else self.made.outcome.accuracy

    def value(self, bound: Bound) -> float | None:
        """Return the figure that a bound is about, or None where there is none."""
        read = METRICS[bound.key].of
        if read is not None:
            return None if self.cost is None else read(self.cost)
        return None if self.accuracy is None else self.accuracy.after

    def missed(self, bounds: Sequence[Bound]) -> tuple[str, ...]:
        """Return the keys of the bounds that it misses, and `board` if it does not fit."""
        missed = []
        for bound in bounds:
            value = self.value(bound)
            if value is None or bound.miss(value) > 0:
                missed.append(bound.key)
        unfit = self.cost is not None and not self.cost.fits
        return (*missed, BOARD) if unfit else tuple(missed)

    def meets(self, budget: Budget) -> bool:
        """Whether it is an answer."""
        return self.cost is not None and not self.missed(budget.bounds)


def choose(trials: Sequence[Trial], budget: Budget) -> Trial | None:
    """Return the best trial that meets the budget.

    That is the one of highest accuracy (least error); of several the one of fewest instructions, then of least flash,
    then the one tried first.
    """
    answers = [trial for trial in trials if trial.meets(budget)]
    return min(answers, key=_order, default=None)


def nearest(trials: Sequence[Trial], budget: Budget) -> Trial | None:
    """Return the trial that comes nearest to a budget which none meets.

    It fits the board if any does, and of those its largest miss, as a part of the bound's limit, is least.
    """
    measured = [trial for trial in trials if trial.cost is not None and trial.accuracy is not None]
    return min(measured, key=lambda trial: (*_distance(trial, budget), *_order(trial)), default=None)


def _distance(trial: Trial, budget: Budget) -> tuple[bool, float]:
    misses = [bound.miss(value) for bound in budget.bounds if (value := trial.value(bound)) is not None]
    assert trial.cost is not None
    return not trial.cost.fits, max(misses, default=0.0)


def _order(trial: Trial) -> tuple[float, int, int]:
    assert trial.cost is not None
    return -_quality(trial.accuracy), trial.cost.instructions, trial.cost.flash


def _quality(accuracy: Accuracy | None) -> float:
    """Return what is better where it is greater."""
    if accuracy is None:
        return 0.0
    return -accuracy.after if accuracy.metric == MEAN_SQUARED_ERROR else accuracy.after


def unattained(trials: Sequence[Trial], budget: Budget) -> list[tuple[Bound, Trial]]:
    """Return the bounds that no trial meets, each with the trial that comes nearest to it."""
    found = []
    for bound in budget.bounds:
        with_value = [(value, trial) for trial in trials if (value := trial.value(bound)) is not None]
        if with_value and all(bound.miss(value) > 0 for value, _ in with_value):
            found.append((bound, min(with_value, key=lambda pair: bound.miss(pair[0]))[1]))
    return found


def relaxed(trial: Trial, budget: Budget) -> Budget:
    """Return a budget that a trial meets: its own figures in place of the limits that it misses, the others as given.

    A limit that would have to be zero, which no budget can say, is left out.
    """
    bounds = []
    for bound in budget.bounds:
        value = trial.value(bound)
        missed = value is not None and bound.miss(value) > 0
        bounds.append(Bound(bound.key, outwards(bound.key, value)) if missed and value is not None else bound)
    return Budget(tuple(bound for bound in bounds if bound.limit > 0))


def outwards(key: str, value: float) -> float:
    """Round a figure so that a bound of that number is met: shares and errors to four digits, else to whole units."""
    if key == "accuracy":
        return math.floor(value * 10_000) / 10_000
    if key == "mean_squared_error":
        near = float(f"{value:.4g}")
        return near if near >= value else float(f"{value * 1.0005:.4g}")
    return float(math.ceil(value))
