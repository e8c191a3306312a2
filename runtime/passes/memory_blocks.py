"""What the memory planner packs: pieces of memory with a lifetime, and which of them may lie over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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

    @property
    def words(self) -> int:
        """The size in bytes, in whole words: blocks begin at words, so no other block uses the rest of the last."""
        return align(self.size, ALIGNMENT)


@dataclass(frozen=True)
class Overlap:
    """Leave for two blocks to overlap while the first is read for the last time and the second is written.

    That is one step, or several where images are read and written band by band.
    """

    source: int
    """Position of the input's block in the list of blocks."""
    output: int
    lead: int | None
    """The output may overlap if it starts at least this many bytes before the source, see `KernelCall.lead`; None: if
    it starts at the very same byte."""

    def saving(self, blocks: Sequence[Block]) -> int:
        """The most bytes that the two can have in common."""
        source, output = blocks[self.source].words, blocks[self.output].words
        return max(0, min(source, output - align(max(self.lead or 0, 0), ALIGNMENT)))


def align(offset: int, alignment: int) -> int:
    """Round up to a multiple of `alignment`."""
    return -(-offset // alignment) * alignment


@dataclass(frozen=True)
class Blocks:
    """The blocks of a program's tensors."""

    blocks: list[Block]
    overlaps: list[Overlap]
    inner: dict[int, int]
    """Bytes from the start of a tensor's block to the tensor: more than 0 only for a part of another tensor."""


def find_blocks(program: Program) -> Blocks:
    """Return the blocks of all tensors that are not constants, and which may overlap.

    A tensor, its other shapes and its parts (`Step.alias_of`, `Step.parts`) are one block.
    """
    tensors = program.graph.tensors
    lives = _lifetimes(program)
    root = {index: index for index in lives}
    inner = dict.fromkeys(lives, 0)
    members: dict[int, list[int]] = {index: [index] for index in lives}

    def put(part: int, whole: int, offset: int) -> None:
        """Let a tensor begin `offset` bytes behind another, in its block."""
        keep, gone = root[whole], root[part]
        moved = inner[whole] + offset - inner[part]
        for index in members.pop(gone):
            root[index] = keep
            inner[index] += moved
            members[keep].append(index)

    for step in program.steps:
        if step.alias_of is not None:
            put(step.outputs[0], step.alias_of, step.alias_offset)
        for part, offset in step.parts:
            put(part, step.outputs[0], offset)
    blocks = [
        Block(
            tensors=tuple(names),
            size=max(inner[index] + tensors[index].nbytes for index in names),
            first=min(lives[index][0] for index in names),
            last=max(lives[index][1] for index in names),
            alignment=max(ALIGNMENT, *(tensors[index].dtype.itemsize for index in names)),
        )
        for names in members.values()
    ]
    number = {index: position for position, names in enumerate(members.values()) for index in names}
    return Blocks(blocks, _find_overlaps(program, blocks, number, inner), inner)


def scratch_blocks(program: Program) -> dict[int, Block]:
    """Return the scratch buffers by the positions of their steps."""
    return {
        position: Block((), step.scratch, position, position, SCRATCH_ALIGNMENT)
        for position, step in enumerate(program.steps)
        if step.scratch
    }


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


def _find_overlaps(
    program: Program, blocks: Sequence[Block], number: dict[int, int], inner: dict[int, int]
) -> list[Overlap]:
    found: dict[tuple[int, int], Overlap] = {}
    for position, step in enumerate(program.steps):
        if step.alias_of is not None:
            continue
        allowed: list[tuple[int, int, int | None]] = [(source, output, None) for source, output in step.in_place]
        if step.lead is not None:
            call = step.calls[0]
            source, output = call.inputs[0], call.outputs[0]
            others = {number.get(index) for index in call.inputs[1:]}
            # The lead speaks of the walk over input 0 only: under another name it may be read later.
            if source in number and number[source] not in others:
                # Where both may start at one byte, a lead of 0 allows that and more.
                allowed = [each for each in allowed if step.lead > 0 or each[:2] != (source, output)]
                allowed.append((source, output, step.lead))
        for source, output, lead in allowed:
            pair = number[source], number[output]
            apart = inner[output] - inner[source]
            if apart and lead is None:
                continue
            lead = None if lead is None else lead + apart  # from one block's start to the other's
            # The output may overwrite its input only where nobody reads that later, under any of its names.
            if pair[0] != pair[1] and blocks[pair[0]].last == position == blocks[pair[1]].first:
                found.setdefault(pair, Overlap(*pair, lead))
    for step in program.steps:
        if step.parts:
            for overlap in _band_overlaps(program, blocks, number, inner, number[step.outputs[0]]):
                found.setdefault((overlap.source, overlap.output), overlap)
    return list(found.values())


def _band_overlaps(
    program: Program, blocks: Sequence[Block], number: dict[int, int], inner: dict[int, int], output: int
) -> list[Overlap]:
    """Return which blocks an image that is written band by band may grow into, because they are read band by band.

    Whenever a band has been written, everything up to its end must lie before all that is still to be read.
    """
    tensors = program.graph.tensors
    begin = blocks[output].first
    sources = {number[index] for step in program.steps for index in step.inputs if index in number and inner[index]}
    found = []
    for source in sorted(sources - {output}):
        last = blocks[source].last
        while_written = program.steps[begin:]
        if not blocks[source].first < begin < last < len(program.steps):
            continue
        if any(number[i] == source for step in while_written if step.calls for i in step.outputs):
            continue
        written, lead = 0, 0
        for position in range(begin, last):
            step = program.steps[position]
            ends = [inner[i] + tensors[i].nbytes for i in step.outputs if number[i] == output and step.calls]
            written = max(written, *ends, 0)
            later = program.steps[position:] if ends else ()
            needed = [inner[i] for one in later if one.calls for i in one.inputs if number[i] == source]
            if needed:
                lead = max(lead, written - min(needed))
        found.append(Overlap(source, output, lead))
    return found
