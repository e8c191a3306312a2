"""`midge convert --fit`: options, table, exit codes. How a search goes is tested with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import midge.converter.search
from midge.converter import Accuracy, ConversionResult
from midge.converter.cost import Cost
from midge.converter.job import Outcome
from midge.converter.prepare import Made
from midge.converter.recipe import load_recipe
from midge.converter.report import Provenance
from midge.converter.search import FitResult, Trial, parse_budget
from midge.runtime.board import load_board

Midge = Callable[..., Any]


def trial(name: str, accuracy: float, instructions: int) -> Trial:
    recipe = load_recipe(name)
    outcome = Outcome({}, [], Accuracy(0.9, accuracy, "accuracy", 100), {})
    made = Made(recipe, b"", outcome, Provenance("0", {}, "m", "", "", 0, 1.0, 0.0, {}))
    cost = Cost(
        board="mps2-an386", optimize="default", compiler="gcc 12", instructions=instructions, cycles=2 * instructions,
        cycles_range=(instructions, 3 * instructions), latency_us=2.0 * instructions,
        latency_range_us=(1.0 * instructions, 3.0 * instructions), latency_source="emulator-cycle-model",
        arena=1000, scratch=200, stack=30, data=4, code=5000, weights=600, other=70,
    )  # fmt: skip
    return Trial(recipe, True, made, cost)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace the search by one that notes how it was called: int8 is accurate, int4 small."""
    noted: list[dict[str, Any]] = []

    def fit(
        model: Path,
        budget: str,
        board: str,
        *,
        output: Path,
        progress: Callable[[str], None],
        tried: Callable[..., None],
        **rest: Any,
    ) -> FitResult:
        asked = parse_budget(budget)
        noted.append({"model": model, "budget": budget, "board": board, "output": output, **rest})
        trials = [trial("int8", 0.9, 1000), trial("float32", 0.8, 600)]
        for finished in trials:
            progress("counting")
            tried(finished, asked)
        chosen = midge.converter.search.fitting.choose(trials, asked)
        if chosen is None:
            return FitResult(load_board(board), asked, trials, None, None, None)
        output.write_bytes(b"12345678")
        result = ConversionResult(
            schema=1, recipe=chosen.name, output=str(output), bytes=8, operators={"CONV_2D": 1}, layers=[],
            report=str(output) + ".report.json", recipe_file=str(output) + ".recipe.toml",
            accuracy=Accuracy(0.9, 0.8, "accuracy", 100),
        )  # fmt: skip
        return FitResult(load_board(board), asked, trials, chosen, result, output.with_suffix(".fit.svg"))

    monkeypatch.setattr(midge.converter.search, "fit", fit)
    return noted


@pytest.fixture
def start(midge: Midge, calls: list[dict[str, Any]], tmp_path: Path) -> Midge:
    """Call `midge convert` with a model, an output and further arguments."""
    (tmp_path / "m.keras").write_bytes(b"PK")
    return lambda *arguments: midge("convert", tmp_path / "m.keras", "-o", tmp_path / "o.tflite", *arguments)


BOARD = ("--board", "mps2-an386")


def test_the_table_has_every_trial_with_what_it_misses(start: Midge) -> None:
    outcome = start(*BOARD, "--fit", "accuracy>=0.7 instructions<=700")
    rows = {line.split()[1]: line for line in outcome.out.splitlines() if line[:2].strip().isdigit()}

    assert outcome.code == 0 and outcome.err == ""
    assert rows["int8"].split()[2:] == ["0.9", "1,000", "2", "ms", "1,234", "5,670", "instructions"]
    assert rows["float32"].split()[2:] == ["0.8", "600", "1.2", "ms", "1,234", "5,670", "nothing:", "chosen"]
    assert "of 100 evaluation samples" in outcome.out
    assert "o.fit.svg" in outcome.out


def test_options_reach_the_search(start: Midge, calls: list[dict[str, Any]], tmp_path: Path) -> None:
    start(
        *BOARD, "--fit", "ram<=64000", "--train", tmp_path / "t.npz", "--evaluate", tmp_path / "e.npz", "--seed", "7",
        "--trainings", "3", "--work", tmp_path / "work", "--input-scale", "0.5",
    )  # fmt: skip

    assert calls == [
        {
            "model": tmp_path / "m.keras",
            "budget": "ram<=64000",
            "board": "mps2-an386",
            "output": tmp_path / "o.tflite",
            "train": tmp_path / "t.npz",
            "calibration": None,
            "evaluate": tmp_path / "e.npz",
            "input_scale": 0.5,
            "input_offset": 0.0,
            "seed": 7,
            "trainings": 3,
            "work": tmp_path / "work",
        }
    ]


def test_json_has_the_keys_of_a_conversion_and_all_trials(start: Midge, tmp_path: Path, load_json: Any) -> None:
    start(*BOARD, "--fit", "accuracy>=0.7 instructions<=700", "--json", tmp_path / "f.json")
    document = load_json(tmp_path / "f.json")

    assert set(document) == {"schema", "recipe", "output", "bytes", "operators", "layers", "accuracy", "fit"}
    assert document["fit"]["budget"] == "accuracy>=0.7 instructions<=700"
    assert document["fit"]["chosen"] == "float32"
    assert document["fit"]["trials"][0] == {
        "recipe": "int8",
        "trained": True,
        "metric": "accuracy",
        "accuracy": 0.9,
        "instructions": 1000,
        "latency_us": 2000.0,
        "latency_range_us": [1000.0, 3000.0],
        "latency_source": "emulator-cycle-model",
        "ram": 1234,
        "flash": 5670,
        "fits": True,
        "missed": ["instructions"],
        "steps": document["fit"]["trials"][0]["steps"],
    }


def test_no_answer_is_exit_1_with_the_nearest_recipe_and_what_could_be_asked(
    start: Midge, tmp_path: Path, load_json: Any
) -> None:
    outcome = start(*BOARD, "--fit", "accuracy>=0.9 instructions<=950", "--json", tmp_path / "f.json")

    assert outcome.code == 1
    assert "no recipe meets accuracy>=0.9 instructions<=950 on mps2-an386" in outcome.err
    assert '--fit "accuracy>=0.9 instructions<=1000"' in outcome.err
    assert len(outcome.err.splitlines()) <= 10
    assert 'name = "int8"' in outcome.out and "[[steps]]" in outcome.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.json", "m.keras"]
    assert load_json(tmp_path / "f.json")["fit"]["chosen"] is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--fit", "ram<=64000"], "needs --board"),
        (["--fit", "ram<=64000", *BOARD, "--recipe", "int8"], "exclude each other"),
        (["--trainings", "3"], "--trainings belongs to --fit"),
        (["--fit", "ram<=64000", *BOARD, "--trainings", "-1"], "--trainings"),
        (["--fit", "ram<=64000 ram<=3", *BOARD], "bounded twice"),
    ],
)
def test_options_that_do_not_go_together_are_exit_2(start: Midge, arguments: list[str], complaint: str) -> None:
    outcome = start(*arguments)

    assert outcome.code == 2
    assert complaint in outcome.err


def test_an_interruption_is_exit_130_and_says_how_to_go_on(start: Midge, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(midge.converter.search, "fit", interrupted)
    outcome = start(*BOARD, "--fit", "ram<=64000")

    assert outcome.code == 130
    assert "the same command goes on from there" in outcome.err


def test_the_files_of_the_answer_are_kept_apart_from_json(start: Midge, tmp_path: Path) -> None:
    outcome = start(*BOARD, "--fit", "ram<=64000", "--json", tmp_path / "o.fit.svg")

    assert outcome.code == 2
