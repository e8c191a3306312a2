"""Emulated boards: run the very ELF that would be flashed, and count what it executes."""

from __future__ import annotations

from pathlib import Path

from midge.runtime.backends.c.manifest import Manifest
from midge.runtime.board import Board
from midge.runtime.emulators.choose import ENGINES, choose_engine
from midge.runtime.emulators.cores import find_core
from midge.runtime.emulators.elf import read_image
from midge.runtime.emulators.emulator import AfterLayer, Emulator, ReadArena, Run
from midge.runtime.emulators.trace import Block

__all__ = ["ENGINES", "AfterLayer", "Block", "Emulator", "ReadArena", "Run", "open_emulator"]


def open_emulator(elf: Path, manifest: Manifest, board: Board, engine: str | None = None) -> Emulator:
    """Return an emulator of `board` that is ready to run the program `elf`; use it in a `with` statement.

    Args:
        elf: the linked firmware, made and built by `midge compile --build`.
        manifest: what the firmware says about itself.
        board: whose core and memories are emulated.
        engine: `unicorn` or `qemu`; without it Unicorn where it models the core and is installed, else QEMU.

    Raises:
        InputError: the program cannot be read, lacks a promised symbol, or `engine` is not one of ours.
        MissingToolError: no engine for this core is installed; says which to install.
        UnsupportedError: nothing emulates this core.
    """
    core = find_core(board.name, board.cpu)
    chosen = choose_engine(board, core, engine)
    image = read_image(elf)
    return Emulator(chosen(image, manifest, board, core), image, manifest, board, core)
