"""What a model costs on a board: the figures of `midge profile`, found once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from midge.converter import cost as costs
from midge.converter.cost import Cost, measure_cost
from midge.runtime.board import load_board
from midge.runtime.errors import InputError, UnsupportedError
from midge.tools import cli

DIGITS = Path(__file__).parents[2] / "models" / "digits_int8.tflite"


@pytest.fixture(scope="module")
def on_m4(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cost, Path]:
    """The cost of the digits model, and the cache that holds it."""
    pytest.importorskip("unicorn", reason="needs midge[emulate]")
    cache = tmp_path_factory.mktemp("costs")
    return measure_cost(DIGITS, "mps2-an386", cache=cache), cache


def test_the_figures_are_those_of_profile(on_m4: tuple[Cost, Path], tmp_path: Path) -> None:
    cost, _ = on_m4
    assert cli.run(["profile", str(DIGITS), "--board", "mps2-an386", "--json", str(tmp_path / "p.json")]) == 0
    profile: dict[str, Any] = json.loads((tmp_path / "p.json").read_text())

    assert cost.instructions == profile["instructions"]
    assert (cost.cycles, cost.latency_us) == (profile["cycles"], profile["latency_us"])
    assert (cost.arena, cost.scratch, cost.stack, cost.data) == tuple(profile["ram"].values())
    assert (cost.code, cost.weights, cost.other) == tuple(profile["flash"].values())
    assert [layer.instructions for layer in cost.layers] == [layer["instructions"] for layer in profile["layers"]]
    assert cost.fits and cost.latency_bound_us == cost.latency_us
    assert cost.ram == sum(profile["ram"].values()) and cost.flash == sum(profile["flash"].values())


def test_what_was_measured_once_is_not_measured_again(
    on_m4: tuple[Cost, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cost, cache = on_m4
    monkeypatch.setattr(costs, "_measure", lambda *_: pytest.fail("measured again"))

    assert measure_cost(DIGITS.read_bytes(), load_board("mps2-an386"), cache=cache) == cost


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_a_damaged_cache_is_measured_anew(
    on_m4: tuple[Cost, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    cost, cache = on_m4
    monkeypatch.setattr(costs, "_measure", lambda *_: cost)
    for path in cache.iterdir():
        (tmp_path / path.name).write_bytes(content)

    assert measure_cost(DIGITS, "mps2-an386", cache=tmp_path) == cost
    assert next(tmp_path.iterdir()).read_bytes() != content


def test_a_model_that_does_not_fit_is_measured_on_a_roomier_board(on_m4: tuple[Cost, Path], tmp_path: Path) -> None:
    cost, _ = on_m4
    board = load_board("mps2-an386")
    small = msgspec.structs.replace(
        board, memories=tuple(msgspec.structs.replace(memory, size=8192) for memory in board.memories)
    )
    found = measure_cost(DIGITS, small, cache=tmp_path)

    assert not found.fits and found.too_large
    assert (found.instructions, found.ram, found.flash) == (cost.instructions, cost.ram, cost.flash)


def test_without_a_cycle_model_a_budget_is_compared_with_the_end_of_the_range(tmp_path: Path) -> None:
    """The BBC micro:bit has 16 MHz; an instruction of a Cortex-M0 takes one cycle to two."""
    pytest.importorskip("unicorn", reason="needs midge[emulate]")
    cost = measure_cost(DIGITS, "microbit", cache=tmp_path)

    assert cost.cycles is None and cost.latency_us is None
    assert cost.latency_range_us == (cost.instructions / 16, cost.instructions / 8)
    assert cost.latency_bound_us == cost.instructions / 8


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no-such-board"):
        measure_cost(DIGITS, "no-such-board", cache=tmp_path)
    with pytest.raises(UnsupportedError):
        measure_cost(DIGITS, "esp32-devkitc", cache=tmp_path)
    with pytest.raises(InputError):
        measure_cost(b"not a model", "mps2-an386", cache=tmp_path)
    with pytest.raises(InputError):
        measure_cost(tmp_path / "missing.tflite", "mps2-an386", cache=tmp_path)
    with pytest.raises(InputError, match="fastest"):
        measure_cost(DIGITS, "mps2-an386", optimize="fastest", cache=tmp_path)
