"""Boards as data: one strict TOML file each, in `boards/` or of the user's own.

This module only reads and checks them. Every figure carries its source, because users decide by them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number and where it comes from."""

    value: float
    source: str


class Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One region of a board's address map."""

    name: str
    kind: Literal["flash", "ram"]
    address: int
    size: int
    """Bytes."""
    source: str


class Emulation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to run this board's firmware without the board."""

    qemu_machine: str | None = None
    """QEMU's `-M` name; absent where QEMU has no such machine."""


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A board, real or emulated."""

    name: str
    title: str
    cpu: str
    clock_hz: int
    clock_source: str
    memories: tuple[Memory, ...]
    platform: str | None = None
    """Folder of `firmware/` that starts this board; absent: no firmware yet, `inspect` and the emulator still serve."""
    emulated: bool = False
    """Whether the board exists only as an emulator."""
    emulation: Emulation = Emulation()
    mean_power_mw: Figure | None = None
    """Mean power while running inference, in milliwatts, where somebody measured it."""


def load_board(name: str | Path) -> Board:
    """Return the board called `name`, or the one described by the TOML file at that path."""
    raise NotImplementedError


def board_names() -> tuple[str, ...]:
    """Return the names of the boards that Midge ships, sorted."""
    raise NotImplementedError
