"""Pack all activations and scratch buffers of a program into one arena.

Every tensor is placed by itself. Two that are needed in the same step lie apart, except where the step's kernel works
in place: its output may then start at its input's first byte, or far enough before it (`KernelCall.lead`). So a chain
of layers can creep through the arena, and holds at no time more than its members need at that time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from midge.runtime.passes.memory_blocks import Block, Overlap, align, find_blocks, scratch_blocks
from midge.runtime.passes.pack_blocks import pack
from midge.runtime.program import Program

__all__ = ["Block", "Plan", "plan_memory"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Where everything lies. The arena array has `arena + scratch` bytes."""

    offsets: Mapping[int, int]
    """Byte offset of every tensor that is not a constant."""
    scratch_offsets: Mapping[int, int]
    """Byte offset of a step's scratch buffer, by position in the program; only steps that need one."""
    arena: int
    """Bytes that the tensors need by themselves."""
    scratch: int
    """Bytes that scratch buffers add to that."""
    lower_bound: int
    """No plan with these lifetimes can be smaller than this (tensors and scratch), whatever overlaps."""
    blocks: tuple[tuple[Block, int], ...] = field(default=())
    """All blocks with their offsets, for the picture of the plan; tensors that replace each other are one."""

    @property
    def total(self) -> int:
        """Bytes of the arena array."""
        return self.arena + self.scratch


def plan_memory(program: Program, *, share: bool = True, thorough: bool = True) -> Plan:
    """Plan the arena of a program.

    Args:
        program: a lowered program.
        share: whether tensors may reuse each other's memory; False keeps every tensor readable after a run.
        thorough: whether to search for the smallest plan, in half a second at most, where the first attempts leave
            room for one.
    """
    found = find_blocks(program)
    blocks, overlaps = found.blocks, found.overlaps
    scratch = scratch_blocks(program)
    everything = [*blocks, *scratch.values()]
    if share:
        packed = pack(everything, overlaps, thorough=thorough)
        offsets, total, bound = packed.offsets, packed.total, packed.lower_bound
        arena = _end(blocks, offsets)
        if scratch:
            arena = min(arena, pack(blocks, overlaps, thorough=thorough).total)
    else:
        end = len(program.steps)
        everything = [*(Block(b.tensors, b.size, -1, end, b.alignment) for b in blocks), *scratch.values()]
        offsets = _one_after_the_other(everything)
        total = bound = _end(everything, offsets)
        arena = _end(blocks, offsets)
    scratch_offsets = offsets[len(blocks) :]
    return Plan(
        offsets={
            tensor: offset + found.inner[tensor]
            for block, offset in zip(blocks, offsets, strict=False)
            for tensor in block.tensors
        },
        scratch_offsets=dict(zip(scratch, scratch_offsets, strict=True)),
        arena=arena,
        scratch=total - arena,
        lower_bound=bound,
        blocks=_joined(everything, offsets, overlaps if share else []),
    )


def _end(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    """Return the end of the highest block, in whole words."""
    return max((offset + block.words for block, offset in zip(blocks, offsets, strict=False)), default=0)


def _one_after_the_other(blocks: Sequence[Block]) -> tuple[int, ...]:
    """Return offsets at which nothing shares memory, except scratch buffers, which are never needed together."""
    offsets: list[int] = []
    end = 0
    for block in blocks:
        offsets.append(align(end, block.alignment))
        if block.tensors:
            end = offsets[-1] + block.words
    return tuple(offsets)


def _joined(
    blocks: Sequence[Block], offsets: Sequence[int], overlaps: Sequence[Overlap]
) -> tuple[tuple[Block, int], ...]:
    """Return the blocks with their offsets, those of one size that replace each other at one place as one."""
    root = list(range(len(blocks)))
    members = {number: [number] for number in root}
    for overlap in overlaps:
        keep, gone = root[overlap.source], root[overlap.output]
        same = offsets[keep] == offsets[gone] and blocks[keep].words == blocks[gone].words
        if same and keep != gone:
            for number in members.pop(gone):
                root[number] = keep
                members[keep].append(number)
    return tuple(
        (
            Block(
                tensors=tuple(tensor for number in numbers for tensor in blocks[number].tensors),
                size=max(blocks[number].size for number in numbers),
                first=min(blocks[number].first for number in numbers),
                last=max(blocks[number].last for number in numbers),
                alignment=max(blocks[number].alignment for number in numbers),
            ),
            offsets[numbers[0]],
        )
        for numbers in members.values()
    )
