"""The memory plan as a picture: layers run left to right, addresses upwards, each block in a shade of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from midge.runtime.passes.plan_memory import Plan
from midge.runtime.program import Program
from midge.tools.tables import short_name

if TYPE_CHECKING:
    from rich.text import Text

SHADES = "█▓▒░"
ASCII_SHADES = "#%=:"
_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_COLOURS = ("blue", "green", "magenta", "cyan", "yellow", "red")
_NOTHING = -1
_MARGIN = 13
"""Columns left of the picture, for addresses."""
_WIDEST_STEP = 8


@dataclass(frozen=True)
class BlockRow:
    """One line of the picture's legend."""

    label: str
    """The letter in the picture; empty where the block is too small to be drawn."""
    size: int
    offset: int
    first: int
    """Operator index of the first step in which it is alive."""
    last: int
    """Operator index of the last one."""
    holds: str
    at_peak: bool
    """Whether it is alive in a step in which the arena is used to its last byte."""


@dataclass(frozen=True)
class Picture:
    """The picture and its legend."""

    lines: tuple[Text, ...]
    legend: tuple[BlockRow, ...]
    """By the time of their birth."""
    peak_steps: tuple[int, ...]
    """Positions in the program of the steps that use the arena to its last byte."""


@dataclass(frozen=True)
class _Area:
    """A block as a rectangle: steps from `first` to `last`, bytes from `offset` to `end`."""

    first: int
    last: int
    offset: int
    end: int


def draw_plan(program: Program, plan: Plan, width: int, *, rows: int = 16, ascii_only: bool = False) -> Picture:
    """Draw a memory plan.

    Args:
        program: what the plan is for.
        plan: where everything lies.
        width: columns to draw in, at least 40.
        rows: lines of the drawing itself, without the axis below it.
        ascii_only: draw without Unicode's shades.
    """
    steps = len(program.steps)
    areas = [
        _Area(max(block.first, 0), min(block.last, steps - 1), offset, offset + block.size)
        for block, offset in plan.blocks
    ]
    order = sorted(range(len(areas)), key=lambda i: (areas[i].first, areas[i].offset))
    areas = [areas[i] for i in order]
    peak = _peak_steps(areas, plan.total, steps)
    lines: list[Text] = []
    labels: dict[int, str] = {}
    if steps and plan.total:
        cells = _rasterise(areas, steps, plan.total, rows, min(steps, width - _MARGIN))
        drawn = [number for number in np.unique(cells).tolist() if number != _NOTHING]
        labels = dict(zip(drawn, _LABELS, strict=False))  # the blocks behind the last letter get none
        lines = _render(cells, labels, plan.total, program, peak, width, ascii_only)
    legend = []
    for number, position in enumerate(order):
        block, offset = plan.blocks[position]
        area = areas[number]
        legend.append(
            BlockRow(
                label=labels.get(number, ""),
                size=block.size,
                offset=offset,
                first=program.steps[area.first].index if steps else 0,
                last=program.steps[area.last].index if steps else 0,
                holds=_contents(program, block.tensors, area.first),
                at_peak=any(area.first <= step <= area.last for step in peak),
            )
        )
    return Picture(tuple(lines), tuple(legend), peak)


def _peak_steps(areas: Sequence[_Area], total: int, steps: int) -> tuple[int, ...]:
    """Return the steps in which a block reaches the arena's last word."""
    top = max((area.end for area in areas), default=0)
    if not total:
        return ()
    return tuple(
        step for step in range(steps) if any(area.end == top and area.first <= step <= area.last for area in areas)
    )


def _rasterise(areas: Sequence[_Area], steps: int, total: int, rows: int, columns: int) -> npt.NDArray[np.int64]:
    """Return the block that fills most of each cell, row 0 at the lowest address; nothing where half is free."""
    row_edges = np.linspace(0.0, total, rows + 1)
    column_edges = np.linspace(0.0, steps, columns + 1)
    best = np.zeros((rows, columns))
    filled = np.zeros((rows, columns))
    owner = np.full((rows, columns), _NOTHING, np.int64)
    for number, area in enumerate(areas):
        height = _overlap(row_edges, area.offset, area.end)
        length = _overlap(column_edges, area.first, area.last + 1)
        share = np.outer(height, length)
        filled += share
        owner[share > best] = number
        best = np.maximum(best, share)
    cell = (total / rows) * (steps / columns)
    owner[filled < cell / 2] = _NOTHING
    return owner


def _overlap(edges: npt.NDArray[np.float64], begin: float, end: float) -> npt.NDArray[np.float64]:
    """Return how much of each interval between neighbouring edges lies between `begin` and `end`."""
    shared: npt.NDArray[np.float64] = np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin)
    return shared.clip(min=0.0)


def _render(
    cells: npt.NDArray[np.int64],
    labels: Mapping[int, str],
    total: int,
    program: Program,
    peak: Sequence[int],
    width: int,
    plain: bool,
) -> list[Text]:
    from rich.text import Text

    rows, columns = cells.shape
    steps = len(program.steps)
    step_width = max(1, min(_WIDEST_STEP, (width - _MARGIN) // columns))
    wide = np.repeat(cells, step_width, axis=1)
    shades = _choose_shades(cells)
    glyphs = ASCII_SHADES if plain else SHADES
    places = _label_places(wide, labels)
    lines = []
    for row in reversed(range(rows)):
        # The label says what address the line's upper edge is.
        address = f"{round(total * (row + 1) / rows):,}" if row == rows - 1 or (row + 1) % 4 == 0 else ""
        line = Text(f"{address:>{_MARGIN - 3}} {'|' if plain else '┤' if address else '│'} ")
        start = 0
        for number, run in groupby(wide[row].tolist()):
            length = len(list(run))
            glyph = " " if number == _NOTHING else glyphs[shades[number]]
            letter_at = places[number][1] - start if places.get(number, (_NOTHING,))[0] == row else _NOTHING
            colour = _COLOURS[number % len(_COLOURS)]
            if 0 <= letter_at < length:
                line.append(glyph * letter_at, style=colour)
                line.append(labels[number], style=f"bold {colour} reverse")
                line.append(glyph * (length - letter_at - 1), style=colour)
            else:
                line.append(glyph * length, style=colour)
            start += length
        lines.append(line)
    lines.append(Text(f"{'0':>{_MARGIN - 3}} {'+' if plain else '└'}{'-' if plain else '─'}" + _rule(wide, plain)))
    lines.append(Text(f"{'layer':>{_MARGIN - 3}}   " + _ticks(program, steps, columns, step_width)))
    marks = [" "] * (columns * step_width)
    for step in peak:
        start = step * columns // steps * step_width
        for place in range(start, start + step_width):
            marks[place] = "^" if plain else "▲"
    lines.append(Text(f"{'peak':>{_MARGIN - 3}}   " + "".join(marks).rstrip()))
    return lines


def _rule(wide: npt.NDArray[np.int64], plain: bool) -> str:
    return ("-" if plain else "─") * int(wide.shape[1])


def _ticks(program: Program, steps: int, columns: int, step_width: int) -> str:
    """Return the operator indices under the columns, as many as fit."""
    text = [" "] * (columns * step_width)
    free = 0
    for step in range(steps):
        place = step * columns // steps * step_width
        number = str(program.steps[step].index)
        if free <= place <= len(text) - len(number):
            text[place : place + len(number)] = number
            free = place + len(number) + 1
    return "".join(text).rstrip()


def _choose_shades(cells: npt.NDArray[np.int64]) -> dict[int, int]:
    """Give blocks that touch in the picture different shades, as far as four suffice."""
    touching: dict[int, set[int]] = {int(number): set() for number in np.unique(cells) if number != _NOTHING}
    for one, other in ((cells[1:], cells[:-1]), (cells[:, 1:], cells[:, :-1])):
        for a, b in set(zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)):
            if a != b and _NOTHING not in (a, b):
                touching[a].add(b)
                touching[b].add(a)
    shades: dict[int, int] = {}
    for number in sorted(touching):
        taken = {shades[other] for other in touching[number] if other in shades}
        free = [shade for shade in range(len(SHADES)) if shade not in taken]
        shades[number] = free[0] if free else number % len(SHADES)
    return shades


def _label_places(wide: npt.NDArray[np.int64], labels: Mapping[int, str]) -> dict[int, tuple[int, int]]:
    """Return the cell in the middle of each block, where its letter goes."""
    places = {}
    for number in labels:
        own = np.argwhere(wide == number)
        middle = own.mean(axis=0)
        nearest = own[np.abs(own - middle).sum(axis=1).argmin()]
        places[number] = (int(nearest[0]), int(nearest[1]))
    return places


def _contents(program: Program, tensors: Sequence[int], step: int) -> str:
    if not tensors:
        return f"scratch of {program.steps[step].kind}"
    graph = program.graph
    names = []
    for index in tensors:
        role = "input " if index in graph.inputs else "output " if index in graph.outputs else ""
        names.append(role + short_name(graph.tensors[index].name))
    if len(names) > 3:
        names = [names[0], f"{len(names) - 2} more", names[-1]]
    return " > ".join(names)
