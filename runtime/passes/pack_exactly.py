"""The exhaustive end of the memory planner: all orders that can matter, cut where they cannot win."""

from __future__ import annotations

from collections.abc import Sequence

from midge.runtime.passes.memory_blocks import align

SEARCH_WORK = 150_000
"""Looks at a neighbour that the search may take before it gives up; about a quarter of a second."""


def search_exactly(
    sizes: Sequence[int],
    alignments: Sequence[int],
    neighbours: Sequence[Sequence[tuple[int, int, int]]],
    bound: int,
    total: int,
) -> tuple[list[int] | None, bool]:
    """Look for a packing that is smaller than the one at hand.

    Bodies are placed from the bottom up, each at the lowest offset that is free: the smallest packing, sorted by its
    offsets, is among these orders. A body is not next if another one fits whole below it: that one may come first.

    Args:
        sizes: bytes of each body.
        alignments: what each offset must be a multiple of.
        neighbours: for each body (other, low, high): it may not start strictly between `low` and `high` from there.
        bound: stop at a packing of this many bytes.
        total: bytes of the packing at hand.

    Returns:
        The offsets of the smallest packing found, None if none is smaller, and whether the search came to its end.
    """
    search = _Search(sizes, alignments, neighbours, bound, total)
    search.run()
    return search.best, search.work < SEARCH_WORK


class _Search:
    """Depth first, without recursion: one list of candidates for each body placed."""

    def __init__(
        self,
        sizes: Sequence[int],
        alignments: Sequence[int],
        neighbours: Sequence[Sequence[tuple[int, int, int]]],
        bound: int,
        total: int,
    ) -> None:
        self.sizes, self.alignments, self.neighbours = sizes, alignments, neighbours
        self.bound, self.total = bound, total
        self.best: list[int] | None = None
        self.work = 0
        self.offsets = [-1] * len(sizes)

    def run(self) -> None:
        """Search until the end, the bound, or the limit of the work."""
        placed: list[int] = []
        open_ends = [self._candidates(0)]
        while open_ends and self.work < SEARCH_WORK and self.total > self.bound:
            if not open_ends[-1]:
                open_ends.pop()
                if placed:
                    self.offsets[placed.pop()] = -1
                continue
            offset, body = open_ends[-1].pop()
            if offset + self.sizes[body] >= self.total:
                continue
            self.offsets[body] = offset
            placed.append(body)
            if len(placed) == len(self.sizes):
                self.best = list(self.offsets)
                self.total = max(at + size for at, size in zip(self.offsets, self.sizes, strict=True))
                open_ends.append([])
            else:
                open_ends.append(self._candidates(offset))

    def _candidates(self, floor: int) -> list[tuple[int, int]]:
        """Return (offset, body) of the bodies that may be next, the lowest last; none if some body fits nowhere."""
        found: list[tuple[int, int]] = []
        lowest_end = self.total
        for body, at in enumerate(self.offsets):
            if at >= 0:
                continue
            offset = self._lowest(body, floor)
            if offset + self.sizes[body] >= self.total:
                return []
            found.append((offset, body))
            if self.sizes[body]:
                lowest_end = min(lowest_end, offset + self.sizes[body])
        # Of bodies at one offset the larger is the more likely to matter.
        return sorted(
            ((offset, body) for offset, body in found if offset < lowest_end),
            key=lambda each: (-each[0], self.sizes[each[1]], each[1]),
        )

    def _lowest(self, body: int, floor: int) -> int:
        """Return the lowest free offset at or above `floor`."""
        blocked = sorted(
            (self.offsets[other] + low, self.offsets[other] + high)
            for other, low, high in self.neighbours[body]
            if self.offsets[other] >= 0
        )
        self.work += 1 + len(self.neighbours[body])
        offset = align(floor, self.alignments[body])
        for low, high in blocked:
            if offset <= low:
                break
            if offset < high:
                offset = align(high, self.alignments[body])
        return offset
