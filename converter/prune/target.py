"""How far each round of pruning goes. Imports TensorFlow."""

from __future__ import annotations

from typing import Any, Protocol

from midge.converter.context import Context
from midge.converter.losses import Task
from midge.converter.network import Network
from midge.converter.prune import measured
from midge.converter.prune.cut import Cutter, Pruned
from midge.converter.prune.importance import Importance
from midge.converter.steps import Prune
from midge.runtime.errors import InputError

TRIALS = 6
"""Selections at most to find the widths that just meet a measured budget."""
CLOSE = 0.02
"""How far below its target a measured cost may stay, as a share of the cost before."""


class Aim(Protocol):
    """What the rounds aim at."""

    cutter: Cutter

    def target(self, number: int) -> float:
        """Return what the cost is to be at most after a round, in the unit of `Budget`."""

    def last(self, before: Pruned, importance: Importance) -> Pruned:
        """Take out channels until the whole budget is met."""

    def measure(self, model: Any) -> dict[str, int]:
        """Return what notes say of a model's cost, beside MACs and parameters."""


class Counted:
    """A budget that follows from the model alone."""

    def __init__(self, step: Prune, network: Network, task: Task, context: Context) -> None:
        """Read the network.

        Raises:
            InputError: not as much can go as the step says.
        """
        model, data, self._step, most = network.keras_model, context.training_data(), step, 0.0
        for least in _leasts(step):
            self.cutter = Cutter(step, least, network, data, task, None)
            self._full = self.cutter.cost(model)
            most = 1 - self.cutter.cost(self.cutter.smallest(model)) / max(self._full, 1)
            if most >= step.remove:
                return
        raise InputError(out_of_reach(step, most, context.name))

    def target(self, number: int) -> float:
        """Return the cost after a round: each takes the same share of what is left."""
        return self._full * float((1 - self._step.remove) ** (number / self._step.rounds))

    def last(self, before: Pruned, importance: Importance) -> Pruned:
        """Take out channels until the whole budget is met."""
        return self.cutter.select(before, importance, self.target(self._step.rounds))

    def measure(self, model: Any) -> dict[str, int]:
        """Return nothing."""
        return {}


class Measured:
    """A budget of instructions, RAM or flash of the board; estimated first, then measured and corrected."""

    def __init__(self, step: Prune, network: Network, task: Task, context: Context) -> None:
        """Measure the network, and the smallest that could become of it.

        Raises:
            InputError: not as much can go as the step says.
            Error: the network cannot be measured on the board.
        """
        model = network.keras_model
        self._step, self._context = step, context
        context.say(f"measuring on {step.board}")
        cost = self._cost(model)
        rates = measured.rates(cost.layers) if step.budget == "instructions" else None
        self._wanted, most = (1 - step.remove) * measured.value(cost, step.budget), 0.0
        for least in _leasts(step):
            self.cutter = Cutter(step, least, network, context.training_data(), task, rates)
            smallest = self.cutter.smallest(model)
            self._full = self.cutter.cost(model), measured.value(cost, step.budget)
            self._least = self.cutter.cost(smallest), measured.value(self._cost(smallest), step.budget)
            if self._least[1] <= self._wanted:
                return
            most = max(most, 1 - self._least[1] / self._full[1])
        raise InputError(out_of_reach(step, most, context.name))

    def target(self, number: int) -> float:
        """Return the cost after a round: each takes the same share of what is left."""
        end = _between(self._least, self._full, self._wanted)
        return self._full[0] * float((end / self._full[0]) ** (number / self._step.rounds))

    def last(self, before: Pruned, importance: Importance) -> Pruned:
        """Take out channels until the measured cost just meets the budget.

        The estimate that meets it is looked for between one known to meet it and one known not to, by the straight line
        through their measurements; where that leads to widths that are measured already, nearer to the latter.
        """
        low, high, best = self._least, self._full, None
        asked = _between(low, high, self._wanted)
        for _ in range(TRIALS):
            found = self.cutter.select(before, importance, asked)
            estimate = self.cutter.cost(found.model)
            if estimate <= low[0]:
                asked = (asked + high[0]) / 2
                continue
            point = estimate, self.measure(found.model)[self._step.budget]
            self._context.say(f"pruning: {point[1]} {self._step.budget} on {self._step.board}")
            if point[1] <= self._wanted:
                best, low = found, point
                if point[1] >= self._wanted - CLOSE * self._full[1]:
                    break
            elif estimate >= high[0]:
                break
            else:
                high = point
            asked = _between(low, high, self._wanted)
        return best or self.cutter.select(before, importance, self._least[0])

    def measure(self, model: Any) -> dict[str, int]:
        """Return the cost on the board."""
        cost = self._cost(model)
        return {"instructions": cost.instructions, "ram": cost.ram, "flash": cost.flash}

    def _cost(self, model: Any) -> Any:
        assert self._step.board is not None
        return measured.measure(model, self._step.board, self._context)


def _between(low: tuple[float, int], high: tuple[float, int], wanted: float) -> float:
    """Return the estimate at which the line through two (estimate, measurement) pairs reaches ``wanted``."""
    if high[1] <= low[1]:
        return low[0]
    share = (wanted - low[1]) / (high[1] - low[1])
    return low[0] + min(1.0, max(0.0, share)) * (high[0] - low[0])


def _leasts(step: Prune) -> list[float]:
    """Return the least shares of channels to try until the budget can be met.

    MACs go with the square of the widths: layers that all lose the same share would keep the root of what stays.
    """
    if step.least is not None:
        return [step.least]
    return [*(0.7**power * float((1 - step.remove) ** 0.5) for power in range(1, 6)), 0.0]


def out_of_reach(step: Prune, most: float, name: str) -> str:
    """Say that a budget cannot be met, and how much can go."""
    kept = "" if step.least is None else f", while every layer keeps {step.least:g} of its channels (least)"
    return (
        f"{step.remove:.0%} of the {step.budget} of {name} cannot be removed: at most {int(1000 * most) / 10:g} % can"
        f"{kept}, with widths in multiples of {step.multiple_of} (multiple_of)"
        + ("" if step.blocks else "; with blocks = true whole residual branches can go too")
    )
