"""Which channels go: the least important first, by what they save, until the rest costs little enough.

No model is built; costs are those of a `CostModel`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from midge.converter.prune.groups import Group
from midge.converter.samples import Array

Cost = Callable[[Mapping[str, int]], float]
"""Of a model by the widths of its groups."""
Saved = Callable[[Mapping[str, int], str, int], float]
"""By how much the cost falls if a group (by name) gets another width."""


@dataclass(frozen=True)
class Limits:
    """How far a group may shrink: to ``least`` of its channels, and widths are multiples of ``multiple``."""

    multiple: int
    least: float

    def smallest(self, size: int) -> int:
        """Return the fewest channels that a group of ``size`` may keep: at least 2: one channel is no group."""
        wanted = max(2, int(np.ceil(self.least * size)))
        step = self.step(size)
        return min(size, -(-wanted // step) * step)

    def step(self, size: int) -> int:
        """Return what widths of a group of ``size`` channels are multiples of: 1 if it is not twice as large."""
        return self.multiple if size >= 2 * self.multiple else 1

    def wider(self, size: int, width: int) -> int:
        """Return the next larger width, which may be more than ``size``."""
        step = self.step(size)
        return (width // step + 1) * step

    def next_width(self, size: int, width: int) -> int | None:
        """Return the next smaller width, or None."""
        step = self.step(size)
        smaller = (width - 1) // step * step
        return smaller if smaller >= self.smallest(size) else None


def smallest_widths(groups: Sequence[Group], limits: Limits, sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the least width of every group; ``sizes`` are those of the model before any round."""
    return {group.name: min(group.size, limits.smallest(sizes[group.name])) for group in groups}


def select_globally(
    groups: Sequence[Group],
    importance: Mapping[str, Array],
    cost: Cost,
    saved: Saved,
    target: float,
    limits: Limits,
    sizes: Mapping[str, int],
) -> dict[str, list[int]]:
    """Choose what stays, all groups ranked together by importance per cost saved.

    Args:
        groups: of the model as it is now.
        importance: of their channels.
        cost: see `Cost`.
        saved: see `Saved`.
        target: what the cost is to be at most.
        limits: of every group's width.
        sizes: the groups' widths before any round, which ``limits`` are shares of.

    Returns:
        The channels that stay, ascending, by the name of the group; as few as allowed where the target is out of reach.
    """
    widths = {group.name: group.size for group in groups}
    order = {group.name: np.argsort(importance[group.name], kind="stable") for group in groups}
    by_name = {group.name: group for group in groups}

    def price(name: str) -> float | None:
        """The importance of the next channels of a group per cost saved."""
        size, width = by_name[name].size, widths[name]
        smaller = limits.next_width(sizes[name], width)
        if smaller is None:
            return None
        gone = order[name][size - width : size - smaller]
        worth = float(importance[name][gone].sum())
        saves = saved(widths, name, smaller)
        return worth / saves if saves > 0 else None

    while cost(widths) > target:
        priced = [(value, name) for name in widths if (value := price(name)) is not None]
        if not priced:
            break
        name = min(priced)[1]
        smaller = limits.next_width(sizes[name], widths[name])
        assert smaller is not None
        widths[name] = smaller
    _refill(widths, {group.name: group.size for group in groups}, importance, order, cost, target, limits)
    return _kept(groups, order, widths)


def _refill(
    widths: dict[str, int],
    full: Mapping[str, int],
    importance: Mapping[str, Array],
    order: Mapping[str, Array],
    cost: Cost,
    target: float,
    limits: Limits,
) -> None:
    """Put channels back where the target leaves room: the last to go was seldom just enough."""
    while True:
        cheapest: tuple[float, str, int] | None = None
        spent = cost(widths)
        for name, width in widths.items():
            wider = min(full[name], limits.wider(full[name], width))
            extra = cost({**widths, name: wider}) - spent
            if wider == width or spent + extra > target:
                continue
            worth = float(importance[name][order[name][full[name] - wider : full[name] - width]].sum())
            gain = worth / max(extra, 1e-9)
            if cheapest is None or gain > cheapest[0]:
                cheapest = gain, name, wider
        if cheapest is None:
            return
        widths[cheapest[1]] = cheapest[2]


def select_evenly(
    groups: Sequence[Group],
    importance: Mapping[str, Array],
    cost: Cost,
    target: float,
    limits: Limits,
    sizes: Mapping[str, int],
) -> dict[str, list[int]]:
    """Choose what stays, the same share of every group (as nearly as its limits allow); arguments as there."""
    order = {group.name: np.argsort(importance[group.name], kind="stable") for group in groups}

    def widths(share: float) -> dict[str, int]:
        found = {}
        for group in groups:
            step, size = limits.step(sizes[group.name]), sizes[group.name]
            wanted = int(share * size / step) * step
            found[group.name] = min(group.size, max(wanted, limits.smallest(size)))
        return found

    shares = sorted({k / 256 for k in range(257)}, reverse=True)
    best = next((share for share in shares if cost(widths(share)) <= target), 0.0)
    return _kept(groups, order, widths(best))


def _kept(groups: Sequence[Group], order: Mapping[str, Array], widths: Mapping[str, int]) -> dict[str, list[int]]:
    return {g.name: sorted(order[g.name][g.size - widths[g.name] :].tolist()) for g in groups}
