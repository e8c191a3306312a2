"""Firmware for the emulators, built once per board, compiler and source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from emulator import firmware

from midge.runtime.board import Emulation, load_board
from midge.runtime.emulators import Emulator, open_emulator
from midge.runtime.errors import MissingToolError

Build = Callable[..., Path]
Open = Callable[..., Emulator]


@pytest.fixture(scope="session")
def build_firmware(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build a firmware (board, compiler or None for whichever is there, source's file name)."""
    built: dict[tuple[str, str | None, str], Path] = {}

    def build(board: str, compiler: str | None = None, source: str = "model.c") -> Path:
        key = (board, compiler, source)
        if key not in built:
            folder = tmp_path_factory.mktemp(f"{board}-{compiler}")
            try:
                built[key] = firmware.build(board, compiler, folder, Path(__file__).parent / source)
            except MissingToolError as error:
                pytest.skip(str(error))
        return built[key]

    return build


@pytest.fixture
def open_board(build_firmware: Build) -> Open:
    """Open an emulator of a board, running a firmware built for it or for another board."""

    def open_one(
        board: str,
        engine: str | None = None,
        *,
        compiler: str | None = None,
        source: str = "model.c",
        built_for: str | None = None,
        machine: str | None = None,
    ) -> Emulator:
        elf = build_firmware(built_for or board, compiler, source)
        target = load_board(board)
        if machine is not None:
            target = msgspec.structs.replace(target, emulation=Emulation(qemu_machine=machine))
        try:
            return open_emulator(elf, firmware.manifest(), target, engine)
        except MissingToolError as error:
            pytest.skip(str(error))

    return open_one
