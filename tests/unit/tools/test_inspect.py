"""`midge inspect`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from midge.runtime.backends.c import lower_for_board
from midge.runtime.board import load_board

Midge = Callable[..., Any]
KEYS = set("schema model inputs outputs operators macs arena scratch weights fits reasons".split())


def test_json_has_exactly_the_promised_keys(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    outcome = midge("inspect", digits, "--json", tmp_path / "i.json")
    document = load_json(tmp_path / "i.json")

    assert outcome.code == 0 and outcome.err == ""
    assert set(document) == KEYS
    for side in ("inputs", "outputs"):
        assert [set(tensor) for tensor in document[side]] == [{"name", "shape", "dtype", "scale", "zero_point"}]
    for operator in document["operators"]:
        assert set(operator) == {"index", "op", "dtype", "macs", "supported", "reason"}
    assert document["fits"] is None and document["reasons"] == []


def test_macs_are_those_of_the_network(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    """First layer: 3x3 kernels on one channel, 24 filters, 8x8 outputs."""
    midge("inspect", digits, "--json", tmp_path / "i.json")
    document = load_json(tmp_path / "i.json")

    assert document["operators"][0]["macs"] == 8 * 8 * 24 * 3 * 3
    assert document["macs"] == sum(operator["macs"] for operator in document["operators"])


def test_sizes_are_those_of_the_plan(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    midge("inspect", digits, "--board", "mps2-an386", "--json", tmp_path / "i.json")
    document = load_json(tmp_path / "i.json")
    _, plan = lower_for_board(digits, load_board("mps2-an386"))

    assert (document["arena"], document["scratch"]) == (plan.arena, plan.scratch)
    assert document["fits"] is True


def test_an_unsupported_operator_is_listed_and_ends_with_1(
    midge: Midge, unsupported: Path, tmp_path: Path, load_json: Any
) -> None:
    """Every operator is still in the table; what has no plan is null, and the answer is written."""
    outcome = midge("inspect", unsupported, "--json", tmp_path / "i.json")
    document = load_json(tmp_path / "i.json")

    assert outcome.code == 1
    assert "LOG_SOFTMAX" in outcome.err and "LOG_SOFTMAX" in outcome.out
    refused = [operator for operator in document["operators"] if not operator["supported"]]
    assert [operator["op"] for operator in refused] == ["LOG_SOFTMAX"]
    assert refused[0]["reason"]
    assert len(document["operators"]) == 13
    assert document["arena"] is None and document["weights"] is None
    assert len(document["reasons"]) == 1


def test_a_model_that_does_not_fit_ends_with_1_and_says_by_how_much(
    midge: Midge, digits: Path, tmp_path: Path, load_json: Any
) -> None:
    board = tmp_path / "tiny.toml"
    board.write_text(
        'name = "tiny"\ntitle = "t"\ncpu = "cortex-m0"\nclock_hz = 1\nclock_source = "s"\n'
        '[[memories]]\nname = "flash"\nkind = "flash"\naddress = 0\nsize = 1024\nsource = "s"\n'
        '[[memories]]\nname = "ram"\nkind = "ram"\naddress = 0x20000000\nsize = 1024\nsource = "s"\n'
    )
    outcome = midge("inspect", digits, "--board", board, "--json", tmp_path / "i.json")
    document = load_json(tmp_path / "i.json")

    assert outcome.code == 1
    assert document["fits"] is False and len(document["reasons"]) == 2
    missing = document["arena"] + document["scratch"] - 1024
    assert f"{missing:,} more than the 1,024" in outcome.err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.tflite", None, "cannot read"),
        ("empty.tflite", b"", "not a TFLite model"),
        ("zeros.tflite", bytes(200), "not a TFLite model"),
        ("net.keras", b"PK\x03\x04" + bytes(100), "midge convert"),
    ],
)
def test_a_bad_model_file_ends_with_2(
    midge: Midge, tmp_path: Path, name: str, content: bytes | None, words: str, contents: Callable[[], set[str]]
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    before = contents()
    outcome = midge("inspect", tmp_path / name, "--json", tmp_path / "i.json")

    assert outcome.code == 2
    assert words in outcome.err and name in outcome.err
    assert outcome.out == ""
    assert contents() == before


def test_json_on_standard_output_replaces_the_tables(midge: Midge, digits: Path, tmp_path: Path) -> None:
    midge("inspect", digits, "--json", tmp_path / "i.json")
    outcome = midge("inspect", digits, "--json", "-")

    assert outcome.out == (tmp_path / "i.json").read_text()


def test_no_colours_and_no_trailing_blanks_where_the_output_is_a_file(midge: Midge, digits: Path) -> None:
    outcome = midge("inspect", digits)

    assert "\x1b" not in outcome.out
    assert all(line == line.rstrip() for line in outcome.out.splitlines())
    assert max(map(len, outcome.out.splitlines())) <= 100


def test_dump_prints_the_graph_after_a_pass(midge: Midge, digits: Path) -> None:
    assert "after remove_unused:" in midge("inspect", digits, "--dump", "remove_unused").out
    assert midge("inspect", digits, "--dump", "nonsense").code == 2


def test_the_board_can_come_from_the_environment(midge: Midge, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDGE_BOARD", "microbit")

    assert "microbit" in midge("inspect", digits).out
