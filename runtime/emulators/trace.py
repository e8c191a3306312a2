"""The record of executed blocks: the memory that `block_trace.h` describes, from Python's side."""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from midge.runtime.errors import DeviceError, MissingToolError

CAPACITY = 1 << 16
"""Slots of the table: blocks times layers. A model of 60 layers uses some thousand."""

RUNNING, SLICE_OVER, FULL = 0, 1, 2
VERSION = 2
"""Of the layout; block_trace.h has the same."""
_UNSIGNED = ctypes.c_uint64


class _Header(ctypes.Structure):
    """`struct midge_trace`."""

    _fields_ = [
        (name, _UNSIGNED)
        for name in (
            "version counting status slice executed_bytes layer reached previous used invoke_begin invoke_end "
            "arena_begin arena_end aligned_only misaligned misaligned_block stop "
            "layer_count layers_offset capacity blocks_offset touched_offset"
        ).split()
    ]


_BLOCK = np.dtype(
    [
        ("address", np.uint64),
        ("bytes", np.uint32),
        ("instructions", np.uint32),
        ("layer", np.uint32),
        ("redirect", np.uint32),
        ("executed", np.uint64),
        ("taken", np.uint64),
    ]
)


@dataclass(frozen=True)
class Block:
    """One basic block as executed within one layer."""

    address: int
    bytes: int
    instructions: int
    """0 where the engine does not say."""
    layer: int
    """Position in the manifest's layers; -1: the inference function's own code."""
    executed: int
    taken: int
    """How often another block than the one that follows it in memory came next."""


@dataclass(frozen=True)
class Layout:
    """What a record must know of the program."""

    invoke: tuple[int, int]
    """First address of the inference function and the first behind it."""
    layers: tuple[int, ...]
    """Entry address of each layer's function, in order of execution."""
    arena: tuple[int, int]
    """First address of the arena and the first behind it."""


class Trace:
    """A record that an engine writes while the core runs."""

    def __init__(self, layout: Layout, *, file: Path | None = None, capacity: int = CAPACITY) -> None:
        """Lay out an empty record.

        Args:
            layout: what to look out for.
            file: made and mapped, so that another process can write the record; otherwise plain memory.
            capacity: slots of the table, a power of two.
        """
        layers, arena = layout.layers, layout.arena
        layers_offset = ctypes.sizeof(_Header)
        blocks_offset = layers_offset + 8 * len(layers)
        touched_offset = blocks_offset + capacity * _BLOCK.itemsize
        size = touched_offset + max(1, arena[1] - arena[0])
        if file is None:
            self._memory = mmap.mmap(-1, size)
        else:
            with file.open("w+b") as stream:
                stream.truncate(size)
                self._memory = mmap.mmap(stream.fileno(), size)
        self.header = _Header.from_buffer(self._memory)
        self._layers: npt.NDArray[np.uint64] = np.frombuffer(self._memory, np.uint64, len(layers), layers_offset)
        self._layers[:] = layers
        self._blocks = np.frombuffer(self._memory, _BLOCK, capacity, blocks_offset)
        self._touched: npt.NDArray[np.uint8] = np.frombuffer(
            self._memory, np.uint8, arena[1] - arena[0], touched_offset
        )
        header = self.header
        header.version = VERSION
        header.invoke_begin, header.invoke_end = layout.invoke
        header.arena_begin, header.arena_end = arena
        header.layer_count, header.layers_offset = len(layers), layers_offset
        header.capacity, header.blocks_offset, header.touched_offset = capacity, blocks_offset, touched_offset

    @property
    def address(self) -> int:
        """Where the record lies in this process."""
        return ctypes.addressof(self.header)

    @property
    def layer(self) -> int:
        """Position of the layer that is being executed; -1: none."""
        return int(self.header.layer) - 1

    def begin(self) -> None:
        """Forget everything and count from the next block on."""
        self._blocks.fill(0)
        self._touched.fill(0)
        self.header.used = self.header.previous = self.header.layer = self.header.reached = 0
        self.header.misaligned = 0
        self.header.status = RUNNING
        self.header.counting = 1

    def end(self) -> None:
        """Stop counting: the core has left the inference function.

        Raises:
            DeviceError: the table was too small.
        """
        self.header.counting = 0
        if self.header.previous:
            self._blocks["taken"][self.header.previous - 1] += 1  # the return itself
        if self.header.status == FULL:
            raise DeviceError(
                f"the model executes more than {int(self.header.capacity) * 3 // 4} different basic blocks and layers, "
                "which is all that the emulator can record; compile it with `--optimize size`"
            )

    def blocks(self) -> tuple[Block, ...]:
        """Return all counted blocks, by address."""
        rows = np.sort(self._blocks[self._blocks["executed"] > 0], order=("address", "layer", "bytes"))
        return tuple(
            Block(address, size, instructions, layer - 1, executed, taken)
            for address, size, instructions, layer, _, executed, taken in rows.tolist()
        )

    def touched(self) -> npt.NDArray[np.uint8]:
        """Return, for each byte of the arena, 1 if it was read, 2 if written, 3 if both, 0 if neither; a copy."""
        return self._touched.copy()


def built_library(stem: str) -> Path:
    """Return the path of one of the libraries that CMake builds next to this module.

    Raises:
        MissingToolError: it has not been built.
    """
    for suffix in (".so", ".dylib", ".dll"):
        resource = files("midge.runtime.emulators") / f"lib{stem}{suffix}"
        if resource.is_file():
            with as_file(resource) as path:
                return path
    raise MissingToolError(
        f"lib{stem} is not part of this installation of Midge: install it again with `pip install .`"
    )
