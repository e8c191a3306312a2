"""`midge boards` and `midge doctor`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from midge.runtime.board import board_names, load_board
from midge.runtime.errors import MissingToolError
from midge.tools.commands import doctor

Midge = Callable[..., Any]


def test_the_list_has_every_board(midge: Midge, tmp_path: Path, load_json: Any) -> None:
    outcome = midge("boards", "--json", tmp_path / "b.json")
    document = load_json(tmp_path / "b.json")

    assert outcome.code == 0 and outcome.err == ""
    assert tuple(board["name"] for board in document["boards"]) == board_names()
    assert all(name in outcome.out for name in board_names())
    for board in document["boards"]:
        assert set(board) == {"name", "title", "cpu", "clock_hz", "flash", "ram", "emulated", "platform"}


def test_one_board_comes_with_all_its_sources(midge: Midge, tmp_path: Path, load_json: Any) -> None:
    board = load_board("nucleo-l4r5zi")
    outcome = midge("boards", "nucleo-l4r5zi", "--json", tmp_path / "b.json")
    document = load_json(tmp_path / "b.json")["board"]

    assert document["clock_hz"] == board.clock_hz and document["clock_source"] == board.clock_source
    assert [memory["source"] for memory in document["memories"]] == [memory.source for memory in board.memories]
    assert board.mean_power_mw is not None
    assert document["mean_power_mw"] == {"value": board.mean_power_mw.value, "source": board.mean_power_mw.source}
    assert board.clock_source in " ".join(outcome.out.split())  # however wide the terminal is


def test_an_unknown_board_is_answered_with_a_near_one(midge: Midge) -> None:
    outcome = midge("boards", "nucleo-l4r5z")

    assert outcome.code == 2 and "nucleo-l4r5zi" in outcome.err


def test_doctor_is_content_with_this_installation(midge: Midge, tmp_path: Path, load_json: Any) -> None:
    outcome = midge("doctor", "--json", tmp_path / "d.json")
    document = load_json(tmp_path / "d.json")

    assert outcome.code == 0
    assert document["ok"] is True
    for finding in document["findings"]:
        assert set(finding) == {"part", "name", "found", "remedy"}
        assert (finding["found"] is None) == bool(finding["remedy"]), finding


def test_doctor_says_how_to_get_what_the_base_lacks(
    midge: Midge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, load_json: Any
) -> None:
    def fail() -> str:
        raise MissingToolError("the library is not there: install it again")

    monkeypatch.setattr(doctor, "_load_kernels", fail)
    outcome = midge("doctor", "--json", tmp_path / "d.json")

    assert outcome.code == 2
    assert "kernel library" in outcome.err and "install it again" in outcome.err
    assert load_json(tmp_path / "d.json")["ok"] is False
