"""Which channels go: the least important per cost saved, in multiples, no more than needed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from midge.converter.prune.groups import Group
from midge.converter.prune.selection import Limits, select_evenly, select_globally

SIZES = {"a": 16, "b": 16}
GROUPS = [Group(name, size, (), (), ()) for name, size in SIZES.items()]
PRICE = {"a": 10, "b": 1}


def cost(widths: Mapping[str, int]) -> float:
    return sum(PRICE[name] * width for name, width in widths.items())


def saved(widths: Mapping[str, int], name: str, width: int) -> float:
    return PRICE[name] * (widths[name] - width)


def rising(scale: float = 1.0) -> np.ndarray:
    return scale * np.arange(1.0, 17.0)


def chosen(importance: Mapping[str, np.ndarray], target: float, limits: Limits) -> dict[str, list[int]]:
    return select_globally(GROUPS, importance, cost, saved, target, limits, SIZES)


def test_channels_that_save_more_go_first_where_they_matter_as_much() -> None:
    keep = chosen({"a": rising(), "b": rising()}, target=176 - 40, limits=Limits(4, 0.25))

    assert keep == {"a": list(range(4, 16)), "b": list(range(16))}


def test_channels_that_matter_more_than_they_save_stay() -> None:
    keep = chosen({"a": rising(100), "b": rising()}, target=176 - 8, limits=Limits(4, 0.25))

    assert keep == {"a": list(range(16)), "b": list(range(8, 16))}


def test_what_went_in_vain_comes_back() -> None:
    """Eight of b for 8 go first, then four of a for 40, which is enough without b's."""
    importance = {"a": rising(100), "b": rising()}

    keep = chosen(importance, target=176 - 40, limits=Limits(4, 0.5))

    assert keep == {"a": list(range(4, 16)), "b": list(range(16))}


def test_no_group_shrinks_below_its_least_share() -> None:
    keep = chosen({"a": rising(), "b": rising()}, target=0, limits=Limits(4, 0.3))

    assert {name: len(stay) for name, stay in keep.items()} == {"a": 8, "b": 8}


def test_small_groups_shrink_one_by_one_and_keep_two() -> None:
    limits = Limits(4, 0.0)

    assert [limits.step(size) for size in (2, 7, 8)] == [1, 1, 4]
    assert [limits.smallest(size) for size in (2, 7, 8)] == [2, 2, 4]
    assert limits.next_width(7, 7) == 6
    assert limits.next_width(7, 2) is None


def test_evenly_every_group_loses_the_same_share() -> None:
    keep = select_evenly(GROUPS, {"a": rising(), "b": rising()}, cost, 100, Limits(4, 0.0), SIZES)

    assert keep == {"a": list(range(8, 16)), "b": list(range(8, 16))}
