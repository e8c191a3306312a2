"""The search for a recipe that meets a budget on a board: checks first, then trials, then files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from midge.converter import data as data_sets
from midge.converter.cost import check_measurable, measure_cost
from midge.converter.data_sources import Source
from midge.converter.pipeline import check_output, describe, work_folder, write_all
from midge.converter.prepare import Made, Prepared, Sources, input_files, prepare
from midge.converter.recipe import Recipe
from midge.converter.report import ConversionResult, beside
from midge.converter.search.budget import METRICS, Bound, Budget, number, parse_budget
from midge.converter.search.families import Family, families
from midge.converter.search.journal import Journal
from midge.converter.search.ladder import Ladder
from midge.converter.search.picture import draw
from midge.converter.search.trial import Trial, choose, nearest, outwards, relaxed, unattained
from midge.runtime.board import Board, load_board
from midge.runtime.errors import (
    BudgetError,
    CapacityError,
    ConversionError,
    DataError,
    InputError,
    KilledError,
    UnsupportedError,
)

TRAININGS = 8
"""Most recipes that a search trains, unless told otherwise."""

_LISTED = 6
"""Failures that a refusal names."""

PICTURE = ".fit.svg"
"""What the picture's name ends in."""


@dataclass(frozen=True)
class FitResult:
    """How a search ended."""

    board: Board
    budget: Budget
    trials: Sequence[Trial]
    """In the order in which they were tried."""
    chosen: Trial | None
    """None where no trial meets the budget."""
    conversion: ConversionResult | None
    """The files that were written for it."""
    picture: Path | None

    def document(self) -> dict[str, Any]:
        """Return all trials, for JSON; what a trial has no figure for is absent."""
        return {
            "board": self.board.name,
            "budget": str(self.budget),
            "chosen": None if self.chosen is None else self.chosen.recipe.name,
            "trials": [document(trial, self.budget) for trial in self.trials],
        }


Report = Callable[[Trial, Budget], None]


def fit(
    model: Any,
    budget: str | Budget,
    board: str | Path | Board,
    *,
    output: str | os.PathLike[str],
    train: Source | None = None,
    calibration: Source | None = None,
    evaluate: Source | None = None,
    input_scale: float = 1.0,
    input_offset: float = 0.0,
    seed: int = 0,
    optimize: str | None = None,
    compiler: str | None = None,
    trainings: int = TRAININGS,
    work: str | os.PathLike[str] | None = None,
    progress: Callable[[str], None] | None = None,
    tried: Report | None = None,
) -> FitResult:
    """Find a recipe whose model meets a budget on a board, and write the model.

    Args:
        model: as for `midge.convert`.
        budget: bounds as `parse_budget` reads them.
        board: its name, file or description; firmware is built for it and run on its emulated core.
        output: the `.tflite` file to write; recipe, report and picture are written beside it.
        train: training data; without any, recipes train on the calibration data.
        calibration: typical inputs; without any, the training data serve.
        evaluate: samples with labels, on which trials are judged. The choice is made by them, so that the accuracy
            of the chosen model is a little flattering: keep other samples back for a last judgement.
        input_scale: the network sees ``value * input_scale + input_offset`` of all data.
        input_offset: see ``input_scale``.
        seed: makes everything that is random repeatable.
        optimize: the mode that firmware is built in: `speed`, `size`, `ram`, or None for the default.
        compiler: `gcc`, `zig`, or None for the first that is installed.
        trainings: most recipes that are trained; with 0 only what can be had without training is tried.
        work: folder in which finished trials are kept, so that an interrupted search that is started again goes on,
            and a search for another board or budget takes what it needs from there. None takes the user's cache, which
            is cleared of them when the answer is written.
        progress: called with each stage of the work as it begins.
        tried: called with each trial when it is finished, and the budget.

    Returns:
        All trials, and the chosen one or None. Nothing is written where none meets the budget.

    Raises:
        InputError: the model, the output, the budget or an option is wrong; nothing was tried.
        DataError: a data set does not fit or is missing.
        MissingToolError: ``midge[convert]``, a compiler or an emulator is not installed.
        UnsupportedError: nothing builds for the board's core, or emulates it.
        ConversionError: the network cannot be converted at all.
    """
    output = Path(output)
    asked = parse_budget(budget) if isinstance(budget, str) else budget
    described = board if isinstance(board, Board) else load_board(board)
    data_sets.check_units(input_scale, input_offset)
    if trainings < 0:
        raise InputError(f"the number of trainings must be 0 or more, found {trainings}")
    _require_data(train, calibration, evaluate)
    sources: Sources = {
        "training": train,
        "calibration": train if calibration is None else calibration,
        "evaluation": evaluate,
    }
    check_output(output, input_files(model, sources), ("", ".report.json", ".recipe.toml", PICTURE))
    check_measurable(described, compiler)
    table = families()
    with work_folder(work, "fit") as folder, prepare(model, sources, input_scale, input_offset, seed) as prepared:
        journal = Journal(folder / prepared.key())
        trials = _Trials(prepared, journal, described, asked, optimize, compiler, progress, tried)
        found = _search(table, asked, trainings, trials)
        result = _finish(found, described, asked, output)
        if work is None and result.chosen is not None:
            shutil.rmtree(journal.folder, ignore_errors=True)
        return result


def _search(table: Sequence[Family], budget: Budget, trainings: int, trials: _Trials) -> list[Trial]:
    return Ladder(table, budget, trainings, trials.attempt).climb()


def _finish(trials: list[Trial], board: Board, budget: Budget, output: Path) -> FitResult:
    """Write the answer, if there is one."""
    chosen = choose(trials, budget)
    if chosen is None or chosen.made is None:
        return FitResult(board, budget, trials, None, None, None)
    note = {"kind": "fit", **FitResult(board, budget, trials, chosen, None, None).document()}
    outcome = msgspec.structs.replace(chosen.made.outcome, notes=[*chosen.made.outcome.notes, note])
    made = Made(chosen.made.recipe, chosen.made.content, outcome, chosen.made.provenance)
    result, contents = describe(made, output)
    picture = beside(output, PICTURE)
    contents = {picture: draw(trials, budget, board, chosen).encode(), **contents}
    write_all(contents)
    return FitResult(board, budget, trials, chosen, result, picture)


def _require_data(train: object, calibration: object, evaluate: object) -> None:
    missing = []
    if train is None and calibration is None:
        missing.append("--train or --calibration (or both): samples to train on and to observe ranges on")
    if evaluate is None:
        missing.append("--evaluate: samples with labels, to judge by")
    if missing:
        raise DataError("a search for a budget needs " + "; and ".join(missing))


class _Trials:
    """Tries recipes: each is converted in a process of its own, and its firmware measured here."""

    def __init__(
        self,
        prepared: Prepared,
        journal: Journal,
        board: Board,
        budget: Budget,
        optimize: str | None,
        compiler: str | None,
        progress: Callable[[str], None] | None,
        tried: Report | None,
    ) -> None:
        self._prepared = prepared
        self._journal = journal
        self._board = board
        self._budget = budget
        self._optimize = optimize
        self._compiler = compiler
        self._progress = progress
        self._tried = tried
        self._count = 0

    def attempt(self, recipe: Recipe, trained: bool) -> Trial:
        """Try a recipe.

        Raises:
            Error: the very first recipe fails, the data are wrong, a tool is, or a process was killed.
        """
        self._count += 1
        label = f"{self._count}: {recipe.name}"
        try:
            trial = self._count_on_board(self._make(recipe, label), trained)
        except (DataError, KilledError):
            raise  # the data are wrong for every recipe; what was killed may succeed when the search goes on
        except (InputError, ConversionError, UnsupportedError) as failure:
            if self._count == 1:
                raise  # and so is the network itself
            trial = Trial(recipe, trained, None, None, str(failure))
        if self._count == 1:
            self._check_metric(trial)
        if self._tried is not None:
            self._tried(trial, self._budget)
        return trial

    def _make(self, recipe: Recipe, label: str) -> Made:
        key = self._prepared.key(recipe)
        made = self._journal.load(key)
        if made is not None:
            return made
        checkpoints = self._journal.checkpoints(key) if recipe.needs_training else None
        made = self._prepared.run(recipe, checkpoints, lambda stage: self._say(f"{label}: {stage}"))
        self._journal.save(key, made)
        if checkpoints is not None:
            shutil.rmtree(checkpoints, ignore_errors=True)
        return made

    def _count_on_board(self, made: Made, trained: bool) -> Trial:
        self._say(f"{self._count}: {made.recipe.name}: counting on {self._board.name}")
        try:
            cost = measure_cost(made.content, self._board, optimize=self._optimize, compiler=self._compiler)
        except (UnsupportedError, CapacityError) as error:
            return Trial(made.recipe, trained, made, None, str(error))
        return Trial(made.recipe, trained, made, cost)

    def _check_metric(self, trial: Trial) -> None:
        """Refuse a bound on a measure that the evaluation data do not give."""
        quality, accuracy = self._budget.quality, trial.accuracy
        if quality is None or accuracy is None or METRICS[quality.key].judge == accuracy.metric:
            return
        right = next(key for key, metric in METRICS.items() if metric.judge == accuracy.metric)
        raise InputError(
            f"--fit: these evaluation data judge the network by its {accuracy.metric}, and {quality} bounds another "
            f"measure; bound {right} instead (int8 has {accuracy.after:.4g})"
        )

    def _say(self, stage: str) -> None:
        if self._progress is not None:
            self._progress(stage)


def document(trial: Trial, budget: Budget) -> dict[str, Any]:
    """Return a trial for JSON; figures that do not exist are absent."""
    found: dict[str, Any] = {"recipe": trial.recipe.name, "trained": trial.trained}
    if trial.accuracy is not None:
        found |= {"metric": trial.accuracy.metric, "accuracy": trial.accuracy.after}
    cost = trial.cost
    if cost is not None:
        found |= {"instructions": cost.instructions}
        if cost.latency_us is not None:
            found["latency_us"] = cost.latency_us
        found |= {"latency_range_us": list(cost.latency_range_us), "latency_source": cost.latency_source}
        found |= {"ram": cost.ram, "flash": cost.flash, "fits": cost.fits}
    found["missed"] = list(trial.missed(budget.bounds))
    if trial.failure:
        found["failure"] = trial.failure
    return found | {"steps": msgspec.to_builtins(trial.recipe.steps)}


def refusal(result: FitResult) -> BudgetError:
    """Return the error that says why no trial is an answer, which comes nearest, and what could be asked instead."""
    budget, trials = result.budget, result.trials
    lines = [f"no recipe meets {budget} on {result.board.name}"]
    beyond = unattained(trials, budget)
    for bound, trial in beyond:
        value = trial.value(bound)
        assert value is not None
        found = number(outwards(bound.key, value))
        lines.append(f"no trial meets {bound}: the nearest is {found} ({trial.name}){_original(bound, trial)}")
    best = nearest(trials, budget)
    fits = best is None or best.cost is None or best.cost.fits
    if not fits:
        lines.append(f"no trial fits {result.board.name}")
    elif not beyond:
        lines.append("each bound is met by some trial, but all together by none")
    if best is None:
        lines[1:] = [f"{trial.name}: {trial.failure}" for trial in trials[:_LISTED] if trial.failure]
    if best is not None and best.cost is not None:
        figures = ", ".join(
            f"{bound.key} {number(outwards(bound.key, value))}"
            for bound in budget.bounds
            if (value := best.value(bound)) is not None
        )
        lines.append(f"nearest to it all: {best.name}, with {figures}")
        if best.cost.fits:
            lines.append(f'this would be met: --fit "{relaxed(best, budget)}"')
        else:
            lines.append(best.cost.too_large)
    return BudgetError("\n  ".join(lines))


def _original(bound: Bound, trial: Trial) -> str:
    """Say what the network itself has, where a bound asks for more than it."""
    accuracy = trial.accuracy
    if METRICS[bound.key].of is not None or accuracy is None or bound.miss(accuracy.before) == 0:
        return ""
    return f"; the Keras model itself has {accuracy.before:.4f}"
