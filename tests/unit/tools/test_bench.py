"""`midge bench` and its record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midge.runtime.board import load_board
from midge.runtime.errors import InputError
from midge.tools.bench import Case, Figures, Row, Skipped, make_cases
from midge.tools.bench_record import Record, compare, read_record

DIGITS = Path(__file__).parents[2] / "models" / "digits_int8.tflite"
BOARD = "mps2-an386"
Midge = Callable[..., Any]

FIGURES = Figures(instructions=10_000, arena=900, scratch=100, code=2000, weights=3000, cycles=20_000)
ROW = Row("m.tflite", "ab" * 32, 5000, BOARD, "cortex-m4", "gcc", "12.2.1", "default", FIGURES, equal=True)


def record(*rows: Row) -> Record:
    made = Record()
    for row in rows:
        made.add(row)
    return made


def test_the_same_figures_are_neither_worse_nor_better() -> None:
    found = compare(record(ROW), [ROW])

    assert (found.compared, found.worse, found.better, found.left_out) == (5, [], [], [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instructions": 10_101}, "instructions 10,000 -> 10,101 (+1.0%)"),
        ({"arena": 911}, "ram 1,000 -> 1,011 (+1.1%)"),
        ({"scratch": 111}, "ram 1,000 -> 1,011 (+1.1%)"),
        ({"code": 2021}, "code 2,000 -> 2,021 (+1.1%)"),
        ({"weights": 3031}, "weights 3,000 -> 3,031 (+1.0%)"),
        ({"cycles": 20_300}, "cycles 20,000 -> 20,300 (+1.5%)"),
    ],
)
def test_more_than_one_percent_is_worse(changes: dict[str, int], words: str) -> None:
    now = replace(ROW, figures=Figures(**{**to_dict(FIGURES), **changes}))

    assert compare(record(ROW), [now]).worse == [f"m.tflite on {BOARD}, gcc, default: {words}"]


def to_dict(figures: Figures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in figures.__struct_fields__}


def test_one_percent_is_not_worse() -> None:
    now = replace(ROW, figures=Figures(**{**to_dict(FIGURES), "instructions": 10_100}))

    assert compare(record(ROW), [now]).worse == []


def test_what_shrank_is_better() -> None:
    now = replace(ROW, figures=Figures(**{**to_dict(FIGURES), "code": 1000}))
    found = compare(record(ROW), [now])

    assert (found.worse, len(found.better)) == ([], 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(ROW, compiler_version="13.1.0"), "the record is of gcc 12.2.1, this is 13.1.0"),
        (replace(ROW, compiler="zig"), "does not have this board with zig"),
        (replace(ROW, sha256="cd" * 32), "of another file"),
        (replace(ROW, file="n.tflite"), "does not have this model"),
        (replace(ROW, mode="size"), "does not have this mode"),
        (Skipped(Case(Path("m.tflite"), load_board(BOARD), None, "default"), "no compiler"), "no compiler"),
    ],
)
def test_what_cannot_be_compared_is_said(row: Row | Skipped, reason: str) -> None:
    found = compare(record(ROW), [row])

    assert found.compared == 0
    assert len(found.left_out) == 1 and reason in found.left_out[0]


def test_a_record_keeps_what_was_not_measured_and_drops_what_is_out_of_date() -> None:
    """Another mode and another model stay; another version of the compiler or of the file replaces the old one."""
    size = replace(ROW, mode="size")
    other = replace(ROW, file="n.tflite")
    newer = replace(ROW, compiler_version="13.1.0")
    changed = replace(other, sha256="cd" * 32)
    made = record(ROW, size, other)

    assert set(made.models["m.tflite"].boards[BOARD]["gcc"].modes) == {"default", "size"}
    made.add(newer)
    made.add(changed)
    assert made.models["m.tflite"].boards[BOARD]["gcc"].modes == {"default": FIGURES}
    assert made.models["m.tflite"].boards[BOARD]["gcc"].version == "13.1.0"
    assert made.models["n.tflite"].sha256 == "cd" * 32


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = record(ROW, replace(ROW, board="qemu-rv32", figures=Figures(1, 2, 3, 4, 5)))
    (tmp_path / "r.json").write_bytes(made.encode())

    assert read_record(tmp_path / "r.json", "--check") == made
    keys = list(json.loads(made.encode())["models"]["m.tflite"]["boards"])
    assert keys == sorted(keys)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2}', '{"models": {}, "more": 1}', "\xff"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(InputError, match="--check"):
        read_record(path, "--check")


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match=r"two models are called a\.tflite"):
        make_cases([Path("x/a.tflite"), Path("y/a.tflite")], [BOARD], None, [])


def test_without_arguments_it_is_the_shipped_models_on_all_emulated_boards() -> None:
    cases = make_cases([], [], None, [])

    assert DIGITS.name in {case.model.name for case in cases}
    assert {case.board.name for case in cases} >= {BOARD, "rp2040-core", "mps3-an547", "qemu-rv32"}
    assert all(case.board.emulated and case.mode == "default" for case in cases)


def test_a_run_is_recorded_and_held_to_its_record(midge: Midge, tmp_path: Path, load_json: Any) -> None:
    """The record of a run agrees with it; one that was better by 2 % ends it with 1 and names the figure."""
    pytest.importorskip("unicorn", reason="needs midge[emulate]")
    path = tmp_path / "record.json"
    made = midge("bench", DIGITS, "--board", BOARD, "--record", path, "--json", tmp_path / "b.json")

    assert made.code == 0, made.err
    (row,) = load_json(tmp_path / "b.json")["rows"]
    assert row["instructions_per_mac"] == row["instructions"] / row["model"]["macs"]
    assert row["cycles_range"][0] < row["cycles"] < row["cycles_range"][1]
    again = midge("bench", DIGITS, "--board", BOARD, "--check", path)
    assert again.code == 0 and "0 worse" in again.out

    document = json.loads(path.read_text())
    (compilers,) = document["models"][DIGITS.name]["boards"].values()
    (compiler,) = compilers.values()
    compiler["modes"]["default"]["instructions"] = round(row["instructions"] / 1.02)
    path.write_text(json.dumps(document))
    worse = midge("bench", DIGITS, "--board", BOARD, "--check", path)

    assert worse.code == 1
    assert f"instructions {round(row['instructions'] / 1.02):,} -> {row['instructions']:,} (+2.0%)" in worse.err


def test_a_model_that_does_not_fit_is_left_out_and_said(midge: Midge, tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "boards" / f"{BOARD}.toml").read_text()
    assert 'kind = "ram"' in text
    small = load_board(BOARD)
    lines = [line.replace(f'name = "{BOARD}"', 'name = "small"') for line in text.splitlines()]
    in_ram = False
    for number, line in enumerate(lines):
        in_ram = line == 'kind = "ram"' or (in_ram and line != "[[memories]]")
        if in_ram and line.startswith("size = "):
            lines[number] = "size = 0x1000"
    (tmp_path / "small.toml").write_text("\n".join(lines))
    assert load_board(tmp_path / "small.toml").ram.size < small.ram.size
    outcome = midge("bench", DIGITS, "--board", tmp_path / "small.toml")

    assert outcome.code == 0
    assert "not measured: digits_int8.tflite on small, default" in outcome.out
