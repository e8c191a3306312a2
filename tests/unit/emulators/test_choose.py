"""Which engine a board gets, and what is said when none is there."""

from __future__ import annotations

import pytest

from midge.runtime.board import load_board
from midge.runtime.emulators import choose
from midge.runtime.emulators.choose import ENGINES, choose_engine
from midge.runtime.emulators.cores import find_core
from midge.runtime.errors import InputError, MissingToolError, UnsupportedError


def installed(monkeypatch: pytest.MonkeyPatch, *, unicorn: bool, qemu: bool) -> None:
    monkeypatch.setattr(choose, "find_spec", lambda name: object() if unicorn else None)
    monkeypatch.setattr(choose.shutil, "which", lambda name: f"/usr/bin/{name}" if qemu else None)


def chosen(board_name: str, engine: str | None = None) -> str:
    board = load_board(board_name)
    starter = choose_engine(board, find_core(board.name, board.cpu), engine)
    return next(name for name, value in ENGINES.items() if value is starter)


def test_unicorn_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, unicorn=True, qemu=True)

    assert chosen("mps2-an386") == "unicorn"
    assert chosen("mps2-an386", "qemu") == "qemu"


def test_qemu_serves_where_unicorn_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unicorn does not model Helium."""
    installed(monkeypatch, unicorn=True, qemu=True)
    assert chosen("mps3-an547") == "qemu"

    installed(monkeypatch, unicorn=False, qemu=True)
    assert chosen("mps2-an386") == "qemu"


def test_what_is_missing_is_said_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, unicorn=False, qemu=False)

    with pytest.raises(MissingToolError, match=r"pip install midge\[emulate\].*apt install qemu-system-arm"):
        chosen("mps2-an386")
    with pytest.raises(MissingToolError, match="apt install qemu-system-arm"):
        chosen("mps3-an547")
    with pytest.raises(MissingToolError, match="apt install qemu-system-misc"):
        chosen("qemu-rv32", "qemu")


def test_a_board_without_a_machine_in_qemu_needs_unicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, unicorn=False, qemu=True)
    with pytest.raises(MissingToolError, match=r"pip install midge\[emulate\]"):
        chosen("rp2040-core")
    with pytest.raises(UnsupportedError, match="QEMU has no machine"):
        chosen("rp2040-core", "qemu")


def test_windowed_xtensa_is_refused_with_the_reason() -> None:
    board = load_board("esp32-devkitc")
    with pytest.raises(UnsupportedError, match=r"windowed-Xtensa.*neither a compiler nor an emulator"):
        find_core(board.name, board.cpu)


def test_unknown_engines_are_refused() -> None:
    with pytest.raises(InputError, match="expected one of unicorn, qemu"):
        chosen("mps2-an386", "bochs")
