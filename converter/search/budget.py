"""`--fit "accuracy>=0.85 ram<=64000"`: what is asked of a model, read strictly."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from midge.converter.accuracy import ACCURACY, MEAN_SQUARED_ERROR
from midge.converter.cost import Cost
from midge.runtime.errors import InputError


@dataclass(frozen=True)
class Metric:
    """Something that a budget can bound."""

    operator: str
    """`<=` or `>=`: the one direction that makes sense."""
    meaning: str
    """What it is, with its unit."""
    of: Callable[[Cost], float] | None
    """Reads it from a cost; None for what the evaluation data decide."""
    judge: str = ""
    """The measure of `midge.converter.accuracy` that it is."""


METRICS: dict[str, Metric] = {
    "accuracy": Metric(">=", "share of the evaluation data that is right, from 0 to 1", None, ACCURACY),
    "mean_squared_error": Metric(
        "<=", "on the evaluation data, in the output's unit squared", None, MEAN_SQUARED_ERROR
    ),
    "latency_us": Metric("<=", "microseconds of one inference", lambda cost: cost.latency_bound_us),
    "instructions": Metric("<=", "instructions of one inference", lambda cost: cost.instructions),
    "ram": Metric("<=", "bytes: arena, scratch, stack and data", lambda cost: cost.ram),
    "flash": Metric("<=", "bytes: code, weights and all else in the image", lambda cost: cost.flash),
}

_WORD = re.compile(r"\s*([^\s<>=!]+)\s*([<>=!]+)\s*([^\s<>=!]+)(?=\s|$)")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Bound:
    """One bound: a key of `METRICS` and its limit."""

    key: str
    limit: float

    def __str__(self) -> str:
        """As it is written: `ram<=64000`."""
        return f"{self.key}{METRICS[self.key].operator}{number(self.limit)}"

    def miss(self, value: float) -> float:
        """Return by what part of the limit a value misses it; 0 where it is met."""
        beyond = self.limit - value if METRICS[self.key].operator == ">=" else value - self.limit
        return max(0.0, beyond / self.limit)


@dataclass(frozen=True)
class Budget:
    """All bounds of a search, in the order in which they were given."""

    bounds: tuple[Bound, ...]

    def __str__(self) -> str:
        """As `parse_budget` reads it."""
        return " ".join(str(bound) for bound in self.bounds)

    @property
    def costs(self) -> tuple[Bound, ...]:
        """The bounds that the board decides."""
        return tuple(bound for bound in self.bounds if METRICS[bound.key].of is not None)

    @property
    def quality(self) -> Bound | None:
        """The bound that the evaluation data decide, if there is one."""
        return next((bound for bound in self.bounds if METRICS[bound.key].of is None), None)


def number(value: float) -> str:
    """Write a number without an exponent and without zeros that say nothing; it reads back as it is."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_budget(text: str) -> Budget:
    """Read bounds: `KEY<=NUMBER` or `KEY>=NUMBER`, separated by blanks, each key once.

    Raises:
        InputError: anything else, or a bound that no model can meet.
    """
    bounds: list[Bound] = []
    at = 0
    while text[at:].strip():
        match = _WORD.match(text, at)
        if match is None:
            raise InputError(
                f"--fit: cannot read {text[at:].strip()!r}; expected bounds such as {_EXAMPLE}, separated by blanks"
            )
        bounds.append(_bound(*match.groups()))
        at = match.end()
    if not bounds:
        raise InputError(f"--fit: expected at least one bound, such as {_EXAMPLE}; the keys are {', '.join(METRICS)}")
    keys = [bound.key for bound in bounds]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        found = " and ".join(str(bound) for bound in bounds if bound.key == twice)
        raise InputError(f"--fit: {twice} is bounded twice, {found}; leave one out")
    if sum(METRICS[key].of is None for key in keys) > 1:
        raise InputError("--fit: a network is judged by its accuracy or by its mean_squared_error; bound one of them")
    return Budget(tuple(bounds))


_EXAMPLE = '"accuracy>=0.85 latency_us<=50000 ram<=64000"'


def _bound(key: str, operator: str, value: str) -> Bound:
    metric = METRICS.get(key)
    if metric is None:
        raise InputError(f"--fit: there is no {key!r} to bound; expected one of {', '.join(METRICS)}")
    if operator != metric.operator:
        raise InputError(f"--fit: expected {key}{metric.operator}{value}, found {key}{operator}{value}")
    if not _NUMBER.fullmatch(value):
        raise InputError(f"--fit: {key} takes a plain number without a unit ({metric.meaning}), found {value!r}")
    limit = float(value)
    if key == "accuracy" and not 0 < limit <= 1:
        hint = f"; {limit:g} % is {limit / 100:g}" if 1 < limit <= 100 else ""
        raise InputError(f"--fit: accuracy is a share above 0 and at most 1, found {value}{hint}")
    if not (math.isfinite(limit) and limit > 0):
        raise InputError(f"--fit: no model meets {key}{operator}{value}: expected more than 0 ({metric.meaning})")
    return Bound(key, limit)
