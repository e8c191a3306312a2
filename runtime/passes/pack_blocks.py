"""Pack blocks with lifetimes into as few bytes as possible.

A form of two-dimensional bin packing (NP-hard). A placement follows from an order: each block in turn goes to the
lowest offset that the blocks before it leave. Some order gives the smallest total: that of the offsets in a smallest
packing. Greedy orders come first, then a local search from the best of them, then an exhaustive one with a limit.
Everything is counted in work, not in time, so that the result is the same on every host.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from midge.runtime.passes.bound_memory import lower_bound
from midge.runtime.passes.memory_blocks import Block, Overlap, align
from midge.runtime.passes.pack_exactly import search_exactly

SEARCH_WORK = 150_000
"""Looks at a neighbour that one local search may take; about a quarter of a second."""

SHORT_WORK = 10_000
"""The same for each first attempt at which blocks to let start together."""
ATTEMPTS = 12
"""Pairs of blocks, the largest ones, that are tried apart."""

Span = tuple[int, int, int]
"""(other body, low, high): the body may not start between `low` and `high`, bounds excluded, from the other's start."""


@dataclass(frozen=True)
class Packing:
    """Where blocks lie."""

    offsets: tuple[int, ...]
    """In the order of the blocks."""
    total: int
    """Bytes."""
    lower_bound: int
    """No packing is smaller than this; equal to `total` where the packing was proven to be the smallest."""


@dataclass(frozen=True)
class Bodies:
    """Blocks made into rigid bodies, each of one or more blocks that start at the same byte."""

    members: tuple[tuple[int, ...], ...]
    """Positions of the blocks."""
    sizes: tuple[int, ...]
    """Bytes in whole words."""
    alignments: tuple[int, ...]
    neighbours: tuple[tuple[Span, ...], ...]
    """What each body has to keep clear of."""

    @property
    def cost(self) -> int:
        """Looks at a neighbour that one placement takes."""
        return len(self.sizes) + sum(len(spans) for spans in self.neighbours)


@dataclass(frozen=True)
class _Attempt:
    """A placement and the order that gave it."""

    bodies: Bodies
    order: list[int]
    offsets: list[int]
    """Of the bodies."""
    total: int


def pack(blocks: Sequence[Block], overlaps: Sequence[Overlap], *, thorough: bool = True) -> Packing:
    """Place blocks so that no two that are alive in the same step overlap unless they may.

    Args:
        blocks: what to place.
        overlaps: pairs that may overlap.
        thorough: whether to search on where the greedy orders leave a gap to the lower bound.
    """
    bound = lower_bound(blocks, overlaps)
    best: _Attempt | None = None
    for merged in _choices(blocks, overlaps) if thorough else [_same_start(overlaps)]:
        bodies = make_bodies(blocks, overlaps, merged)
        attempt = _pack_greedily(blocks, bodies)
        if thorough:
            attempt = _search(attempt, bound, SHORT_WORK)
        if best is None or attempt.total < best.total:
            best = attempt
        if best.total <= bound or bodies.cost > SHORT_WORK:
            break
    assert best is not None
    if not thorough or best.total <= bound:
        return Packing(_spread(best), best.total, bound)
    best = _search(best, bound, SEARCH_WORK)
    bodies = best.bodies
    found, complete = search_exactly(bodies.sizes, bodies.alignments, bodies.neighbours, bound, best.total)
    if found is not None:
        best = _Attempt(bodies, best.order, found, _total(bodies, found))
    # Where blocks may start together, the order of the offsets does not tell everything.
    proven = complete and not _same_start(overlaps)
    return Packing(_spread(best), best.total, best.total if proven else min(bound, best.total))


def _same_start(overlaps: Sequence[Overlap]) -> list[Overlap]:
    return [overlap for overlap in overlaps if overlap.lead is None]


def _choices(blocks: Sequence[Block], overlaps: Sequence[Overlap]) -> Iterator[list[Overlap]]:
    """Yield sets of pairs to let start together: all, and with other inputs replaced, and without each large one."""
    together = _same_start(overlaps)
    yield together
    if together:
        yield together[::-1]
        yield []
    for apart in sorted(together, key=lambda overlap: -overlap.saving(blocks))[:ATTEMPTS]:
        yield [overlap for overlap in together if overlap is not apart]


def make_bodies(blocks: Sequence[Block], overlaps: Sequence[Overlap], merged: Sequence[Overlap]) -> Bodies:
    """Join blocks that shall start at one byte, as far as their lifetimes allow, and find what keeps what away."""
    leads = {(each.source, each.output): each.lead for each in overlaps}
    root = list(range(len(blocks)))
    members = {number: [number] for number in root}
    for overlap in merged:
        keep, gone = root[overlap.source], root[overlap.output]
        meetings = [(a, b) for a in members[keep] for b in members[gone] if _together(blocks[a], blocks[b])]
        if keep != gone and meetings == [(overlap.source, overlap.output)]:
            for number in members.pop(gone):
                root[number] = keep
                members[keep].append(number)
    names = {number: position for position, number in enumerate(members)}
    spans: list[list[Span]] = [[] for _ in members]
    words = [block.words for block in blocks]

    def forbid(a: int, b: int, low: int, high: int) -> None:
        """Block `a` may not start between `low` and `high` from the start of `b`."""
        if low < high:
            one, other = names[root[a]], names[root[b]]
            spans[one].append((other, low, high))
            spans[other].append((one, -high, -low))

    def keep_apart(a: int, b: int) -> None:
        source, output = (a, b) if (a, b) in leads else (b, a)
        low, high = -words[output], words[source]
        if (source, output) not in leads:
            forbid(output, source, low, high)
            return
        lead = leads[source, output]
        if lead is not None:
            forbid(output, source, max(low, -lead), high)
        elif root[source] != root[output]:
            forbid(output, source, low, 0)
            forbid(output, source, 0, high)

    alive: list[int] = []
    for number in sorted(range(len(blocks)), key=lambda i: blocks[i].first):
        alive = [other for other in alive if blocks[other].last >= blocks[number].first]
        for other in alive:
            keep_apart(number, other)
        alive.append(number)
    return Bodies(
        members=tuple(tuple(each) for each in members.values()),
        sizes=tuple(max(blocks[i].words for i in each) for each in members.values()),
        alignments=tuple(max(blocks[i].alignment for i in each) for each in members.values()),
        neighbours=tuple(tuple(each) for each in spans),
    )


def place(bodies: Bodies, order: Sequence[int], limit: int | None = None) -> list[int] | None:
    """Put each body in turn at the lowest offset where it is clear of those before it.

    Returns:
        The offset of each body; None as soon as one ends above `limit`.
    """
    sizes, alignments = bodies.sizes, bodies.alignments
    offsets = [-1] * len(sizes)
    for body in order:
        blocked = sorted(
            (offsets[other] + low, offsets[other] + high)
            for other, low, high in bodies.neighbours[body]
            if offsets[other] >= 0
        )
        offset = 0
        for low, high in blocked:
            if offset <= low:
                break
            if offset < high:
                offset = align(high, alignments[body])
        if limit is not None and offset + sizes[body] > limit:
            return None
        offsets[body] = offset
    return offsets


def _together(a: Block, b: Block) -> bool:
    """Whether two blocks are alive in the same step."""
    return a.first <= b.last and b.first <= a.last


def _total(bodies: Bodies, offsets: Sequence[int]) -> int:
    return max((offset + size for offset, size in zip(offsets, bodies.sizes, strict=True)), default=0)


def _spread(attempt: _Attempt) -> tuple[int, ...]:
    """Return the offsets of the blocks from those of their bodies."""
    result = [0] * sum(len(members) for members in attempt.bodies.members)
    for members, offset in zip(attempt.bodies.members, attempt.offsets, strict=True):
        for number in members:
            result[number] = offset
    return tuple(result)


_Life = tuple[int, int, int]
"""Size, first step, last step."""

_ORDERS: tuple[Callable[[_Life], tuple[int, ...]], ...] = (
    lambda life: (-life[0], life[1]),
    lambda life: (-life[0] * (life[2] - life[1] + 1), life[1]),
    lambda life: (-(life[2] - life[1]), -life[0]),
    lambda life: (life[1], -life[0]),
    # Backwards in time: an output lies below the input that it overlaps, so it must be placed first.
    lambda life: (-life[2], -life[0]),
    lambda life: (-life[1], -life[2]),
)


def _pack_greedily(blocks: Sequence[Block], bodies: Bodies) -> _Attempt:
    """Return the best of the greedy orders."""
    lives = [
        (size, min(blocks[i].first for i in members), max(blocks[i].last for i in members))
        for size, members in zip(bodies.sizes, bodies.members, strict=True)
    ]
    best: _Attempt | None = None
    for key in _ORDERS:
        order = sorted(range(len(lives)), key=lambda body, key=key: key(lives[body]))  # type: ignore[misc]
        offsets = place(bodies, order, best.total - 1 if best is not None else None)
        if offsets is not None:
            best = _Attempt(bodies, order, offsets, _total(bodies, offsets))
    assert best is not None
    return best


def _search(start: _Attempt, bound: int, work: int) -> _Attempt:
    """Move bodies about in the order as long as the total does not grow, and return the best order found."""
    bodies, order, offsets, total = start.bodies, start.order, start.offsets, start.total
    count = len(order)
    chooser = random.Random(0)
    for _ in range(work // bodies.cost if count > 1 and total > bound else 0):
        moved = list(order)
        if chooser.random() < 0.5:  # a body that reaches the top comes earlier
            top = [place for place, body in enumerate(order) if offsets[body] + bodies.sizes[body] == total]
            moved.insert(chooser.randrange(count), moved.pop(chooser.choice(top)))
        else:
            moved.insert(chooser.randrange(count), moved.pop(chooser.randrange(count)))
        placed = place(bodies, moved, total)
        if placed is not None:
            order, offsets, total = moved, placed, _total(bodies, placed)
            if total <= bound:
                break
    return _Attempt(bodies, order, offsets, total)
