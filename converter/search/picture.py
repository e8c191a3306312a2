"""The trade-off as an SVG picture: accuracy against time, RAM and flash, a point for each trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from midge.converter.search.budget import Bound, Budget, number
from midge.converter.search.trial import Trial
from midge.runtime.board import Board

_WIDTH, _HEIGHT = 300, 260
"""Of one panel's drawing area, in pixels."""
_LEFT, _TOP, _GAP, _LINE = 64, 84, 76, 18
_TICKS = 5
"""Most numbers along an axis, about."""
_INK, _FAINT, _ASKED, _GOOD, _BAD = "#1b1f24", "#d0d7de", "#0969da", "#1a7f37", "#8c959f"


@dataclass(frozen=True)
class _Axis:
    """One panel's horizontal axis."""

    title: str
    key: str
    """Of the bound that belongs to it."""
    read: Callable[[Trial], float]


@dataclass(frozen=True)
class _Scale:
    """Maps values to pixels."""

    low: float
    high: float
    start: float
    length: float

    def __call__(self, value: float) -> float:
        return self.start + self.length * (value - self.low) / (self.high - self.low)


def draw(trials: Sequence[Trial], budget: Budget, board: Board, chosen: Trial | None) -> str:
    """Return the picture of a search.

    Args:
        trials: all; those without cost or accuracy are left out.
        budget: its limits are drawn as lines.
        board: where the figures come from.
        chosen: the trial to mark, or None.
    """
    shown = [(at, trial) for at, trial in enumerate(trials, 1) if trial.cost is not None and trial.accuracy is not None]
    axes = _axes([trial for _, trial in shown], budget)
    width = _LEFT + len(axes) * (_WIDTH + _GAP)
    below = _TOP + _HEIGHT + 64
    height = below + _LINE * (len(shown) + 2)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<!-- Written by midge convert from the trials of its search. -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(_LEFT, 24, f"Models tried for {board.name}", size=16, weight="bold"),
        _text(_LEFT, 44, f"asked: {budget}", colour=_ASKED),
    ]
    for position, axis in enumerate(axes):
        lines += _panel(axis, _LEFT + position * (_WIDTH + _GAP), shown, budget, chosen, first=position == 0)
    lines += _legend(shown, budget, chosen, below)
    return "\n".join([*lines, "</svg>", ""])


def _axes(trials: Sequence[Trial], budget: Budget) -> list[_Axis]:
    timed = all(trial.cost is not None and trial.cost.latency_us is not None for trial in trials)
    asked = {bound.key for bound in budget.bounds}
    time = _Axis("instructions", "instructions", lambda trial: _cost(trial, "instructions"))
    if "instructions" not in asked and (timed or "latency_us" in asked):
        title = "latency, ms (modelled)" if timed else "latency, ms (most that is likely)"
        time = _Axis(title, "latency_us", lambda trial: _cost(trial, "latency_bound_us"))
    return [
        time,
        _Axis("RAM, bytes", "ram", lambda trial: _cost(trial, "ram")),
        _Axis("flash, bytes", "flash", lambda trial: _cost(trial, "flash")),
    ]


def _cost(trial: Trial, field: str) -> float:
    return float(getattr(trial.cost, field))


def _quality(trial: Trial) -> float:
    assert trial.accuracy is not None
    return trial.accuracy.after


def _panel(
    axis: _Axis, left: float, shown: Sequence[tuple[int, Trial]], budget: Budget, chosen: Trial | None, *, first: bool
) -> list[str]:
    limits = {bound.key: bound for bound in budget.bounds}
    across, quality = limits.get(axis.key), budget.quality
    x = _scale([axis.read(trial) for _, trial in shown], across, left, _WIDTH)
    y = _scale([_quality(trial) for _, trial in shown], quality, _TOP + _HEIGHT, -_HEIGHT)
    divisor = 1000.0 if axis.key == "latency_us" else 1.0
    lines = [f'<rect x="{left}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="{_FAINT}"/>']
    for value in _ticks(x):
        lines.append(_rule(x(value), _TOP, x(value), _TOP + _HEIGHT, _FAINT))
        lines.append(_text(x(value), _TOP + _HEIGHT + 18, _short(value / divisor), anchor="middle", size=11))
    for level in _ticks(y):
        lines.append(_rule(left, y(level), left + _WIDTH, y(level), _FAINT))
        lines.append(_text(left - 6, y(level) + 4, number(level), anchor="end", size=11))
    lines.append(_text(left + _WIDTH / 2, _TOP + _HEIGHT + 38, axis.title, anchor="middle"))
    if first and shown:
        accuracy = shown[0][1].accuracy
        lines.append(_text(left, _TOP - 10, accuracy.metric if accuracy is not None else "", anchor="start"))
    if across is not None:
        lines.append(_rule(x(across.limit), _TOP, x(across.limit), _TOP + _HEIGHT, _ASKED, dashed=True))
    if quality is not None:
        lines.append(_rule(left, y(quality.limit), left + _WIDTH, y(quality.limit), _ASKED, dashed=True))
    for at, trial in shown:
        lines += _point(at, trial, x(axis.read(trial)), y(_quality(trial)), budget, trial is chosen)
    return lines


def _point(at: int, trial: Trial, x: float, y: float, budget: Budget, chosen: bool) -> list[str]:
    colour = _GOOD if trial.meets(budget) else _BAD
    fill = colour if trial.trained else "#ffffff"
    lines = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}" stroke-width="1.5"/>']
    if chosen:
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="none" stroke="{_GOOD}" stroke-width="2"/>')
    return [*lines, _text(x + 7, y - 6, str(at), size=11)]


def _legend(shown: Sequence[tuple[int, Trial]], budget: Budget, chosen: Trial | None, top: float) -> list[str]:
    key = "green: meets all that is asked (dashed); grey: does not; hollow: not trained; ringed: chosen"
    lines = [_text(_LEFT, top, key)]
    for row, (at, trial) in enumerate(shown, 1):
        missed = ", ".join(trial.missed(budget.bounds))
        words = f"{at}  {trial.name}" + (f" (misses {missed})" if missed else "")
        lines.append(_text(_LEFT, top + row * _LINE, words, weight="bold" if trial is chosen else "normal"))
    return lines


def _scale(values: Sequence[float], bound: Bound | None, start: float, length: float) -> _Scale:
    """Make room for all values and the limit."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if bound is not None:
        low, high = min(low, bound.limit), max(high, bound.limit)
    margin = 0.08 * (high - low) or abs(high) * 0.1 or 1.0
    return _Scale(low - margin, high + margin, start, length)


def _ticks(scale: _Scale) -> list[float]:
    """Return round numbers within a scale, a step of 1, 2 or 5 times a power of ten apart."""
    rough = (scale.high - scale.low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
    return [float(f"{at * step:.9g}") for at in range(first, last + 1)]


def _short(value: float) -> str:
    for factor, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{number(float(f'{value / factor:.4g}'))}{suffix}"
    return number(float(f"{value:.4g}"))


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dash}/>'


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", size: int = 12, weight: str = "normal", colour: str = _INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}">{escape(words)}</text>'
    )
