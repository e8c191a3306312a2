"""A whole search with recipes and boards made up: what is refused first, what is kept, what is written."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter import pipeline, prepare
from midge.converter.cost import Cost
from midge.converter.job import Accuracy, Outcome
from midge.converter.recipe import Recipe
from midge.converter.report import Provenance
from midge.converter.search import FitResult, fit, fitting
from midge.converter.search.families import Family
from midge.runtime.errors import ConversionError, DataError, Error, InputError, KilledError, UnsupportedError

FIGURES = {"int8": (0.9, 1000), "int4": (0.8, 600), "small_untrained": (0.1, 400), "small": (0.7, 410)}
"""Accuracy and instructions of the recipes."""


def recipe(name: str) -> Recipe:
    return Recipe(1, name, "", ())


def family(name: str, *, trains: bool = False) -> Family:
    return Family(name, lambda _: recipe(name), (lambda _: recipe(f"{name}_untrained")) if trains else None)


class World:
    """Stands in for TensorFlow and for emulators; it counts conversions."""

    def __init__(self) -> None:
        self.converted: list[str] = []
        self.fails: dict[str, BaseException] = {}
        self.metric = "accuracy"

    def run(self, _: Any, tried: Recipe, checkpoints: Path | None, __: Callable[[str], None] | None) -> prepare.Made:
        if tried.name in self.fails:
            raise self.fails[tried.name]
        self.converted.append(tried.name)
        accuracy = Accuracy(0.91, FIGURES[tried.name][0], self.metric, 100)
        outcome = Outcome({}, [], accuracy, {}, [{"kind": "made up"}])
        return prepare.Made(tried, tried.name.encode(), outcome, Provenance("0", {}, "m", "", "", 0, 1.0, 0.0, {}))

    def measure(self, content: bytes, board: Any, **_: Any) -> Cost:
        instructions = FIGURES[content.decode()][1]
        return Cost(
            board=board.name, optimize="default", compiler="gcc 12", instructions=instructions, cycles=None,
            cycles_range=None, latency_us=None, latency_range_us=(1.0, 2.0), latency_source="emulator-instructions",
            arena=10, scratch=0, stack=0, data=0, code=100, weights=0, other=0,
        )  # fmt: skip


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(prepare.Prepared, "run", lambda *arguments: made.run(*arguments))
    monkeypatch.setattr(prepare, "require_tensorflow", lambda: None)
    monkeypatch.setattr(fitting, "measure_cost", made.measure)
    monkeypatch.setattr(fitting, "check_measurable", lambda *_: None)
    monkeypatch.setattr(fitting, "families", lambda: (family("int8"), family("int4"), family("small", trains=True)))
    return made


@pytest.fixture
def search(world: World, tmp_path: Path) -> Callable[..., FitResult]:
    """Search with data and files that exist; arguments replace the usual ones."""
    (tmp_path / "m.keras").write_bytes(b"PK\x03\x04")

    def run(budget: str, **changes: Any) -> FitResult:
        samples = np.zeros((4, 2), np.float32)
        arguments: dict[str, Any] = {
            "board": "mps2-an386",
            "output": tmp_path / "o.tflite",
            "train": (samples, np.zeros(4, np.int64)),
            "evaluate": (samples, np.zeros(4, np.int64)),
            "work": tmp_path / "work",
        }
        return fit(tmp_path / "m.keras", budget, **(arguments | changes))

    return run


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("o.*"))


@pytest.mark.parametrize(
    ("changes", "kind", "complaint"),
    [
        ({"budget": "ram<=1k"}, InputError, "plain number"),
        ({"board": "no-such-board"}, InputError, "no-such-board"),
        ({"train": None}, DataError, "--train or --calibration"),
        ({"evaluate": None}, DataError, "--evaluate"),
        ({"train": None, "evaluate": None}, DataError, "--train or --calibration.*--evaluate"),
        ({"train": (np.full((2, 2), np.nan, np.float32), None)}, DataError, "NaN"),
        ({"trainings": -1}, InputError, "0 or more"),
        ({"input_scale": 0.0}, InputError, "scale"),
        ({"work": Path(__file__) / "work"}, InputError, "cannot keep work in progress .*Not a directory"),
        ({"output": Path("no-such-folder") / "o.tflite"}, InputError, "does not exist"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_tried(
    search: Callable[..., FitResult], world: World, changes: dict[str, Any], kind: type[Error], complaint: str
) -> None:
    with pytest.raises(kind, match=complaint):
        search(**({"budget": "accuracy>=0.5"} | changes))

    assert world.converted == []


def test_a_board_without_an_emulator_is_refused_before_anything_is_tried(
    search: Callable[..., FitResult], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from midge.converter import cost

    monkeypatch.setattr(fitting, "check_measurable", cost.check_measurable)
    with pytest.raises(UnsupportedError):
        search("accuracy>=0.5", board="esp32-devkitc")

    assert world.converted == []


def test_the_answer_is_written_with_recipe_report_and_picture(
    search: Callable[..., FitResult], world: World, tmp_path: Path
) -> None:
    result = search("accuracy>=0.75 instructions<=700")

    assert world.converted == ["int8", "int4"]
    assert result.chosen is not None and result.chosen.name == "int4"
    assert written(tmp_path) == ["o.fit.svg", "o.recipe.toml", "o.report.json", "o.tflite"]
    assert (tmp_path / "o.tflite").read_bytes() == b"int4"
    assert result.document()["chosen"] == "int4"
    assert [trial["missed"] for trial in result.document()["trials"]] == [["instructions"], []]


def test_without_an_answer_nothing_is_written_and_the_refusal_says_what_could_be_asked(
    search: Callable[..., FitResult], tmp_path: Path
) -> None:
    """The probe has 400 instructions and too little accuracy; trained it has 410, which is nearer than 600 and 1000."""
    result = search("accuracy>=0.65 instructions<=400")

    assert result.chosen is None and written(tmp_path) == []
    assert str(fitting.refusal(result)).splitlines() == [
        "no recipe meets accuracy>=0.65 instructions<=400 on mps2-an386",
        "  each bound is met by some trial, but all together by none",
        "  nearest to it all: small, with accuracy 0.7, instructions 410",
        '  this would be met: --fit "accuracy>=0.65 instructions<=410"',
    ]


def test_a_bound_that_none_meets_is_named(search: Callable[..., FitResult]) -> None:
    lines = str(fitting.refusal(search("accuracy>=0.95 instructions<=2000"))).splitlines()

    assert lines[1] == "  no trial meets accuracy>=0.95: the nearest is 0.9 (int8); the Keras model itself has 0.9100"


@pytest.mark.parametrize("interrupted", ["int8", "int4", "small_untrained", "small"])
def test_a_search_that_was_interrupted_goes_on_and_ends_as_it_would_have(
    search: Callable[..., FitResult], world: World, tmp_path: Path, interrupted: str
) -> None:
    budget = "accuracy>=0.65 instructions<=450"
    whole = search(budget, work=tmp_path / "other")
    content = {path.name: path.read_bytes() for path in tmp_path.glob("o.*")}
    for path in tmp_path.glob("o.*"):
        path.unlink()
    world.converted.clear()
    world.fails[interrupted] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        search(budget)

    assert written(tmp_path) == []
    world.fails.clear()
    result = search(budget)
    assert world.converted == ["int8", "int4", "small_untrained", "small"]  # each once
    assert result.document() == whole.document()
    assert {path.name: path.read_bytes() for path in tmp_path.glob("o.*")} == content


def test_other_budgets_and_boards_use_the_trials_in_a_folder_of_the_users(
    search: Callable[..., FitResult], world: World
) -> None:
    for budget, board in [("accuracy>=0.65 instructions<=700", "mps2-an386"), ("accuracy>=0.65", "microbit")]:
        assert search(budget, board=board).chosen is not None

    assert world.converted == ["int8", "int4"]


def test_the_cache_keeps_trials_until_there_is_an_answer(
    search: Callable[..., FitResult], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "cache_directory", lambda: tmp_path / "cache")
    search("accuracy>=0.65 instructions<=100", work=None)
    assert any(path.is_file() for path in (tmp_path / "cache").rglob("*"))
    found = search("accuracy>=0.65 instructions<=700", work=None)

    assert found.chosen is not None and found.chosen.name == "int4"
    assert world.converted == ["int8", "int4", "small_untrained"]
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*"))


def test_a_damaged_record_of_a_trial_is_made_again(
    search: Callable[..., FitResult], world: World, tmp_path: Path
) -> None:
    search("instructions<=100")
    for path in (tmp_path / "work").rglob("*.json"):
        path.write_bytes(b'{"recipe": ')
    search("instructions<=100")

    assert world.converted == 2 * ["int8", "int4", "small_untrained"]


@pytest.mark.parametrize("change", ["seed", "input_scale", "train"])
def test_trials_of_other_work_are_not_taken(search: Callable[..., FitResult], world: World, change: str) -> None:
    other: dict[str, Any] = {
        "seed": 1,
        "input_scale": 2.0,
        "train": (np.ones((4, 2), np.float32), np.zeros(4, np.int64)),
    }
    search("instructions<=100")
    search("instructions<=100", **{change: other[change]})

    assert world.converted == 2 * ["int8", "int4", "small_untrained"]


def test_a_trial_that_cannot_be_kept_ends_the_search(
    search: Callable[..., FitResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Error, match=r"cannot keep a finished trial in .*: No space left on device; make room"):
        search("accuracy>=0.75")


def test_a_process_that_was_killed_ends_the_search_which_can_go_on(
    search: Callable[..., FitResult], world: World
) -> None:
    """Its recipe may be the answer: left out as a failure, another model would be."""
    world.fails["int4"] = KilledError("killed")
    with pytest.raises(KilledError):
        search("accuracy>=0.75 instructions<=700")
    world.fails.clear()
    result = search("accuracy>=0.75 instructions<=700")

    assert result.chosen is not None and result.chosen.name == "int4"
    assert world.converted == ["int8", "int4"]


def test_a_recipe_that_fails_is_a_trial_that_failed(search: Callable[..., FitResult], world: World) -> None:
    world.fails["int4"] = UnsupportedError("no kernel")
    result = search("accuracy>=0.5 instructions<=2000")

    assert [trial.failure for trial in result.trials] == ["", "no kernel"]
    assert result.chosen is not None and result.chosen.name == "int8"


@pytest.mark.parametrize("error", [ConversionError("a loop"), DataError("labels"), InputError("no model")])
def test_a_network_that_cannot_be_converted_at_all_ends_the_search(
    search: Callable[..., FitResult], world: World, error: Error
) -> None:
    world.fails["int8"] = error
    with pytest.raises(type(error), match=str(error)):
        search("accuracy>=0.5")


def test_a_bound_on_another_measure_than_the_data_give_is_refused(
    search: Callable[..., FitResult], world: World
) -> None:
    world.metric = "mean squared error"
    with pytest.raises(InputError, match="bound mean_squared_error instead"):
        search("accuracy>=0.5")

    assert world.converted == ["int8"]


def test_no_file_of_the_answer_may_be_an_input(search: Callable[..., FitResult], tmp_path: Path) -> None:
    data = tmp_path / "o.fit.svg"
    np.savez(tmp_path / "data.npz", x=np.zeros((4, 2), np.float32), y=np.zeros(4, np.int64))
    (tmp_path / "data.npz").rename(data)

    with pytest.raises(InputError, match="would overwrite the input"):
        search("accuracy>=0.5", evaluate=data)
