"""How small no plan can be: what is printed beside the peak, so that a user sees what is left to gain."""

from __future__ import annotations

from collections.abc import Sequence

from midge.runtime.passes.memory_blocks import ALIGNMENT, Block, Overlap, align


def lower_bound(blocks: Sequence[Block], overlaps: Sequence[Overlap]) -> int:
    """Return bytes that no packing of these blocks goes below, even where it uses every overlap that is allowed."""
    return _chain_bound(blocks, overlaps, _step_bound(blocks, overlaps))


def _step_bound(blocks: Sequence[Block], overlaps: Sequence[Overlap]) -> int:
    """Return the bytes that the fullest step needs, every overlap used in full."""
    changes: dict[int, int] = {}
    for block in blocks:
        changes[block.first] = changes.get(block.first, 0) + block.words
        changes[block.last + 1] = changes.get(block.last + 1, 0) - block.words
    savings: dict[tuple[int, int], int] = {}
    for overlap in overlaps:
        for step in range(blocks[overlap.output].first, blocks[overlap.source].last + 1):
            savings[overlap.output, step] = savings.get((overlap.output, step), 0) + overlap.saving(blocks)
    saved: dict[int, int] = {}
    for (output, step), saving in savings.items():
        # An output can lie over several inputs, but those do not lie over each other.
        saved[step] = saved.get(step, 0) + min(saving, blocks[output].words)
    highest = alive = 0
    for step in sorted({*changes, *saved, *(step + 1 for step in saved)}):
        alive += changes.get(step, 0)
        highest = max(highest, alive - saved.get(step, 0))
    return highest


def _chain_bound(blocks: Sequence[Block], overlaps: Sequence[Overlap], total: int) -> int:
    """Raise a bound by the leads of chains.

    Two blocks that do not fit side by side into `total` bytes must overlap, so the output starts its lead before the
    input; along a chain of layers the leads add up. If the chain then exceeds `total`, that many bytes do not suffice,
    and neither do more, until the chain or one of its pairs fits.
    """
    later_first = sorted(overlaps, key=lambda overlap: -blocks[overlap.output].first)
    while True:
        start = [0] * len(blocks)
        enough = 0
        side_by_side: list[int] = []
        for overlap in later_first:
            apart = blocks[overlap.source].words + blocks[overlap.output].words
            if apart > total:
                side_by_side.append(apart)
                lead = align(max(overlap.lead or 0, 0), ALIGNMENT)
                start[overlap.source] = max(start[overlap.source], start[overlap.output] + lead)
                enough = max(enough, start[overlap.source] + blocks[overlap.source].words)
        if enough <= total:
            return total
        total = min(enough, *side_by_side)
