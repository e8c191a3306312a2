"""Pack all activations and scratch buffers of a program into one arena.

Tensors that may share memory (a reshape and its source, the output of an in-place kernel and its input) are first
merged into blocks; a block lives from the step that first writes it to the step that last reads it. Packing blocks
with given lifetimes is a form of two-dimensional bin packing (NP-hard), so several greedy orders are tried and the
smallest result is kept. The lower bound is the largest sum of blocks alive at one step: no packing can beat it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from midge.runtime.program import Program

ALIGNMENT = 4
"""Bytes; a word, so that kernels may load four int8 values at once."""
SCRATCH_ALIGNMENT = 16


@dataclass(frozen=True)
class Block:
    """A piece of the arena with a lifetime."""

    tensors: tuple[int, ...]
    """Tensors that share it, in the order of their writing; none for scratch."""
    size: int
    first: int
    """Position of the step that first writes it; -1 for graph inputs."""
    last: int
    """Position of the step that last reads it; the number of steps for graph outputs."""
    alignment: int = ALIGNMENT


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
    """No plan with these lifetimes can be smaller than this (tensors and scratch)."""
    blocks: tuple[tuple[Block, int], ...] = field(default=())
    """All blocks with their offsets, for the picture of the plan."""

    @property
    def total(self) -> int:
        """Bytes of the arena array."""
        return self.arena + self.scratch


def plan_memory(program: Program, *, share: bool = True) -> Plan:
    """Plan the arena of a program.

    Args:
        program: a lowered program.
        share: whether blocks may reuse each other's memory; False keeps every tensor readable after a run.
    """
    tensor_blocks = _tensor_blocks(program, share)
    scratch_blocks = {
        position: Block((), step.scratch, position, position, SCRATCH_ALIGNMENT)
        for position, step in enumerate(program.steps)
        if step.scratch
    }
    if not share:
        end = len(program.steps)
        tensor_blocks = [Block(b.tensors, b.size, -1, end, b.alignment) for b in tensor_blocks]
    everything = [*tensor_blocks, *scratch_blocks.values()]
    arena, _ = _pack(tensor_blocks)
    total, placed = _pack(everything)
    total = max(total, arena)
    at = {id(block): offset for block, offset in placed}
    return Plan(
        offsets={tensor: at[id(block)] for block in tensor_blocks for tensor in block.tensors},
        scratch_offsets={position: at[id(block)] for position, block in scratch_blocks.items()},
        arena=arena,
        scratch=total - arena,
        lower_bound=_lower_bound(everything, len(program.steps)),
        blocks=tuple(placed),
    )


def _lifetimes(program: Program) -> dict[int, tuple[int, int]]:
    """Return (first written, last read) of every tensor that is not a constant."""
    graph = program.graph
    lives: dict[int, tuple[int, int]] = dict.fromkeys(graph.inputs, (-1, -1))
    for position, step in enumerate(program.steps):
        for index in step.outputs:
            lives[index] = (position, position)
        for index in step.inputs:
            lives[index] = (lives[index][0], position)
    for index in graph.outputs:
        lives[index] = (lives[index][0], len(program.steps))
    return lives


def _tensor_blocks(program: Program, share: bool) -> list[Block]:
    tensors = program.graph.tensors
    lives = _lifetimes(program)
    members: dict[int, list[int]] = {index: [index] for index in lives}
    block_of = {index: index for index in lives}
    last = {index: life[1] for index, life in lives.items()}

    def merge(source: int, output: int) -> None:
        keep, gone = block_of[source], block_of[output]
        for index in members.pop(gone):
            block_of[index] = keep
            members[keep].append(index)
        last[keep] = max(last[keep], last.pop(gone))

    for position, step in enumerate(program.steps):
        if step.alias_of is not None:
            merge(step.alias_of, step.outputs[0])
            continue
        merged: set[int] = set()
        for source, output in step.in_place if share else ():
            # The output may overwrite its input only where nobody reads that later, under any of its names.
            if output not in merged and block_of[source] != block_of[output] and last[block_of[source]] == position:
                merge(source, output)
                merged.add(output)
    return [
        Block(
            tensors=tuple(names),
            size=max(tensors[index].nbytes for index in names),
            first=min(lives[index][0] for index in names),
            last=max(lives[index][1] for index in names),
            alignment=max(ALIGNMENT, *(tensors[index].dtype.itemsize for index in names)),
        )
        for names in members.values()
    ]


_ORDERS: tuple[Callable[[Block], tuple[int, ...]], ...] = (
    lambda block: (-block.size, block.first),
    lambda block: (-block.size * (block.last - block.first + 1), block.first),
    lambda block: (-(block.last - block.first), -block.size),
    lambda block: (block.first, -block.size),
    lambda block: (-block.last, -block.size),
)


def _pack(blocks: list[Block]) -> tuple[int, list[tuple[Block, int]]]:
    """Place blocks greedily in several orders, and return the smallest total with its placement."""
    best: tuple[int, list[tuple[Block, int]]] = (0, [])
    for number, order in enumerate(_ORDERS):
        placed = _place(sorted(blocks, key=order))
        total = max((offset + block.size for block, offset in placed), default=0)
        if number == 0 or total < best[0]:
            best = total, placed
    return -(-best[0] // ALIGNMENT) * ALIGNMENT, best[1]


def _place(blocks: list[Block]) -> list[tuple[Block, int]]:
    """Put each block at the lowest offset where it meets no block that is alive at the same time."""
    count = len(blocks)
    first, last = (np.array([getattr(block, side) for block in blocks], np.int64) for side in ("first", "last"))
    size = np.array([block.size for block in blocks], np.int64)
    start = np.zeros(count, np.int64)
    for position, block in enumerate(blocks):
        alive = np.flatnonzero((first[:position] <= block.last) & (last[:position] >= block.first))
        offset = 0
        for other in alive[np.argsort(start[alive], kind="stable")]:
            if start[other] >= offset + block.size:
                break
            offset = max(offset, _align(int(start[other] + size[other]), block.alignment))
        start[position] = offset
    return [(block, int(offset)) for block, offset in zip(blocks, start, strict=True)]


def _align(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def _lower_bound(blocks: list[Block], steps: int) -> int:
    return max(
        (
            sum(block.size for block in blocks if block.first <= position <= block.last)
            for position in range(-1, steps + 1)
        ),
        default=0,
    )
