"""Boards as data: one strict TOML file each, in `boards/` or of the user's own.

This module only reads and checks them. Every figure carries its source, because users decide by them.
"""

from __future__ import annotations

import difflib
import itertools
import os
import re
from pathlib import Path
from typing import Literal

import msgspec

from midge.runtime.cpus import CPUS
from midge.runtime.errors import InputError

BOARDS_DIRECTORY = Path(__file__).parent.parent / "boards"
# `runtime/` is reached through the package `midge` or, in a checkout, through a link to the folder itself: both have
# `boards/` beside it.

ADDRESS_SPACE = 1 << 32
"""Bytes that a 32-bit core can address."""

MEMORY_ALIGNMENT = 16
"""Bytes: the arena's alignment, and so the least that a region has to start and end on."""


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number and where it comes from."""

    value: float
    source: str


class Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One region of a board's address map."""

    name: str
    """The linker script's name for it: lower-case letters, digits and underscores."""
    kind: Literal["flash", "ram"]
    address: int
    size: int
    """Bytes."""
    source: str

    @property
    def end(self) -> int:
        """The first address after the region."""
        return self.address + self.size


class Emulation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to run this board's firmware without the board."""

    qemu_machine: str | None = None
    """QEMU's `-M` name; absent where QEMU has no such machine."""


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A board, real or emulated."""

    name: str
    title: str
    cpu: str
    """A key of `midge.runtime.cpus.CPUS`."""
    clock_hz: int
    clock_source: str
    memories: tuple[Memory, ...]
    """All of them. The first flash holds code and weights, the first RAM the variables and the stack."""
    arena: tuple[str, ...] = ()
    """Names of the RAM that may hold the arena with its scratch, the preferred one first: the first that it fits is
    taken. Absent: the first RAM."""
    platform: str | None = None
    """Folder of `firmware/` that starts the real hardware (clocks, pins); absent: none yet, and the core's generic
    start-up serves the emulators. On an emulated board the generic start-up is the platform."""
    emulated: bool = False
    """Whether the board exists only as an emulator."""
    emulation: Emulation = Emulation()
    mean_power_mw: Figure | None = None
    """Mean power while running inference, in milliwatts, where somebody measured it."""

    @property
    def flash(self) -> Memory:
        """The region that holds code and weights."""
        return next(memory for memory in self.memories if memory.kind == "flash")

    @property
    def ram(self) -> Memory:
        """The region that holds the variables and the stack."""
        return next(memory for memory in self.memories if memory.kind == "ram")

    def arena_memory(self, size: int) -> Memory:
        """Return the region that holds an arena of `size` bytes: the first preferred one that it fits.

        Where none does, the last one, which the arena then exceeds.
        """
        named = {memory.name: memory for memory in self.memories}
        preferred = [named[name] for name in self.arena] or [self.ram]
        return next((memory for memory in preferred if size <= memory.size), preferred[-1])


def load_board(name: str | Path) -> Board:
    """Return the board called `name`, or the one described by the TOML file at that path.

    A string is a path when it has a path separator or ends in `.toml`; a `Path` always is one.

    Raises:
        InputError: there is no such board or file, or the file is not a board's description.
    """
    if isinstance(name, Path) or _is_path(name):
        return _read(Path(name))
    names = board_names()
    if name not in names:
        close = difflib.get_close_matches(name.lower().replace("_", "-"), names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"the boards are {', '.join(names)}."
        raise InputError(
            f"there is no board called {name!r}: {hint} A board file of your own is given by its path, as ./NAME.toml"
        )
    return _read(BOARDS_DIRECTORY / f"{name}.toml")


def board_names() -> tuple[str, ...]:
    """Return the names of the boards that Midge ships, sorted."""
    return tuple(sorted(path.stem for path in BOARDS_DIRECTORY.glob("*.toml")))


def _is_path(name: str) -> bool:
    separators = {os.sep, os.altsep, "/"} - {None}
    return name.endswith(".toml") or any(separator in name for separator in separators if separator)


def _read(path: Path) -> Board:
    try:
        board = msgspec.toml.decode(path.read_bytes(), type=Board)
    except OSError as error:
        raise InputError(f"{path}: cannot read this board file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected a board file in TOML, found bytes that are not UTF-8") from None
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: {error}. `midge boards mps2-an386` shows what a board file holds") from None
    for check in (_check_words, _check_cpu, _check_figures, _check_memories, _check_overlaps, _check_arena):
        try:
            check(board)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from None
    return board


def _check_words(board: Board) -> None:
    """The name is usable on a command line, and no title or source is blank."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", board.name):
        raise ValueError(f"name: expected lower-case words joined by hyphens, found {board.name!r}")
    words = {"title": board.title, "clock_source": board.clock_source}
    words |= {f"memories.{memory.name}.source": memory.source for memory in board.memories}
    if board.mean_power_mw is not None:
        words["mean_power_mw.source"] = board.mean_power_mw.source
    for key, text in words.items():
        if not text.strip():
            raise ValueError(f"{key}: expected some words, found none; every figure says where it comes from")


def _check_cpu(board: Board) -> None:
    """The core is one we know, and the platform starts that core."""
    if board.cpu not in CPUS:
        raise ValueError(f"cpu: expected one of {', '.join(CPUS)}, found {board.cpu!r}")
    family = CPUS[board.cpu].family
    if board.platform is not None and (family == "xtensa" or board.platform != family):
        expected = "no platform (there is none for Xtensa yet)" if family == "xtensa" else repr(family)
        raise ValueError(f"platform: expected {expected} with cpu {board.cpu!r}, found {board.platform!r}")


def _check_figures(board: Board) -> None:
    """Clock and power are possible."""
    if not 0 < board.clock_hz <= 10_000_000_000:
        raise ValueError(f"clock_hz: expected hertz, above 0 and at most 10_000_000_000, found {board.clock_hz}")
    power = board.mean_power_mw
    if power is not None and not 0 < power.value < 1_000_000:
        raise ValueError(f"mean_power_mw.value: expected milliwatts above 0, found {power.value}")


def _check_memories(board: Board) -> None:
    """There is flash and RAM, each region well named, not empty, aligned and within 32 bits."""
    for kind in ("flash", "ram"):
        if not any(memory.kind == kind for memory in board.memories):
            raise ValueError(f"memories: expected at least one of kind {kind!r}, found none")
    names = [memory.name for memory in board.memories]
    for memory in board.memories:
        key = f"memories.{memory.name}"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", memory.name):
            raise ValueError(f"{key}: expected a name of lower-case letters, digits and underscores")
        if names.count(memory.name) > 1:
            raise ValueError(f"{key}: expected every memory's name once, found it {names.count(memory.name)} times")
        if memory.size <= 0:
            raise ValueError(f"{key}.size: expected bytes above 0, found {memory.size}")
        if memory.address < 0 or memory.end > ADDRESS_SPACE:
            raise ValueError(
                f"{key}: expected it within 32 bits of address, found {memory.address:#x} to {memory.end:#x}"
            )
        if memory.address % MEMORY_ALIGNMENT or memory.size % MEMORY_ALIGNMENT:
            raise ValueError(f"{key}: expected an address and a size divisible by {MEMORY_ALIGNMENT}")


def _check_overlaps(board: Board) -> None:
    """No address belongs to two regions; of an aliased memory only one address is listed."""
    ordered = sorted(board.memories, key=lambda memory: memory.address)
    for low, high in itertools.pairwise(ordered):
        if low.end > high.address:
            raise ValueError(
                f"memories.{high.name}: expected no overlap, but it starts at {high.address:#x} "
                f"and memories.{low.name} ends at {low.end:#x}"
            )


def _check_arena(board: Board) -> None:
    """The arena goes to RAM that there is, each named once."""
    rams = [memory.name for memory in board.memories if memory.kind == "ram"]
    for name in board.arena:
        if name not in rams:
            raise ValueError(f"arena: expected names of RAM ({', '.join(rams)}), found {name!r}")
        if board.arena.count(name) > 1:
            raise ValueError(f"arena: expected every name once, found {name!r} {board.arena.count(name)} times")
