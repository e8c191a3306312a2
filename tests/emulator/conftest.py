"""Firmware for the emulators, built once per board, compiler and source."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from midge.runtime.board import load_board
from midge.runtime.emulators import Emulator, open_emulator
from midge.runtime.errors import MissingToolError

_SPEC = importlib.util.spec_from_file_location("emulator_firmware", Path(__file__).parent / "firmware.py")
assert _SPEC is not None and _SPEC.loader is not None
firmware = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = firmware
_SPEC.loader.exec_module(firmware)

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
                built[key] = firmware.build(board, compiler, folder, (Path(__file__).parent / source).read_text())
            except MissingToolError as error:
                pytest.skip(str(error))
        return built[key]

    return build


@pytest.fixture
def open_board(build_firmware: Build) -> Open:
    """Open an emulator of a board, running a firmware built for it."""

    def open_one(
        board: str, engine: str | None = None, *, compiler: str | None = None, source: str = "model.c", **manifest: int
    ) -> Emulator:
        elf = build_firmware(board, compiler, source)
        try:
            return open_emulator(elf, firmware.manifest(**manifest), load_board(board), engine)
        except MissingToolError as error:
            pytest.skip(str(error))

    return open_one
