"""A board with more memory than it has: what does not fit can still be counted on its emulated core."""

from __future__ import annotations

import msgspec

from midge.runtime.board import Board

_ROOMY = 1 << 24
"""Bytes that an emulated memory may have."""


def with_room(board: Board) -> Board:
    """Return the board with its memories as large as their addresses allow, up to 16 MiB each."""
    starts = sorted(memory.address for memory in board.memories)
    memories = []
    for memory in board.memories:
        end = min((start for start in starts if start > memory.address), default=1 << 32)
        memories.append(msgspec.structs.replace(memory, size=max(memory.size, min(_ROOMY, end - memory.address))))
    return msgspec.structs.replace(board, memories=tuple(memories))
