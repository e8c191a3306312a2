"""`midge convert --fit`: the search as a command shows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midge.tools import log
from midge.tools.tables import count, duration, make_table

if TYPE_CHECKING:
    from midge.converter.cost import Cost
    from midge.converter.search import Budget, FitResult, Trial


def search(model: Path, budget: str, board: str, **arguments: Any) -> FitResult:
    """Run a search; a line says what became of each trial.

    Raises:
        Error: see `midge.converter.search.fit`.
        KeyboardInterrupt: after saying how to go on.
    """
    from midge.converter.search import fit

    try:
        with log.progress("checking") as bar:

            def tell(stage: str) -> None:
                bar.describe(stage)
                log.detail(stage)

            def tried(trial: Trial, asked: Budget) -> None:
                bar.note(_line(trial, asked))

            return fit(model, budget, board, progress=tell, tried=tried, **arguments)
    except KeyboardInterrupt:
        log.talk("midge: what is finished is kept; the same command goes on from there")
        raise


def print_trials(result: FitResult) -> None:
    """Print the table of all trials, and where its figures come from."""
    log.result(log.printable(f"Asked for {result.board.name}: {result.budget}"))
    log.result("")
    timed = any(trial.cost is not None and trial.cost.latency_us is not None for trial in result.trials)
    table = make_table(
        ">#",
        "Recipe",
        ">Accuracy",
        ">Instructions",
        ">Latency" if timed else ">Latency at most",
        ">RAM",
        ">Flash",
        "~Misses",
    )
    for number, trial in enumerate(result.trials, 1):
        table.add_row(str(number), log.printable(trial.name), *_figures(trial), _verdict(trial, result))
    log.result(table)
    log.result("")
    _print_sources(result.trials)


def print_nearest(result: FitResult) -> None:
    """Print the recipe of the trial that comes nearest to a budget which none meets, as a file for `--recipe`."""
    from midge.converter.search.trial import nearest

    best = nearest(result.trials, result.budget)
    if best is not None:
        log.result("")
        log.result(f"The recipe that comes nearest, {best.name}, as a file for --recipe:")
        log.result("")
        log.write_result(log.printable(best.recipe.toml().decode()))


def _figures(trial: Trial) -> Sequence[str]:
    cost, accuracy = trial.cost, trial.accuracy
    quality = "-" if accuracy is None else f"{accuracy.after:.4g}"
    if cost is None:
        return quality, "-", "-", "-", "-"
    return quality, count(cost.instructions), duration(cost.latency_bound_us), count(cost.ram), count(cost.flash)


def _verdict(trial: Trial, result: FitResult) -> str:
    if trial is result.chosen:
        return "nothing: chosen"
    if trial.failure:
        return f"failed: {log.printable(trial.failure.splitlines()[0])}"
    return ", ".join(trial.missed(result.budget.bounds)) or "nothing"


def _line(trial: Trial, budget: Budget) -> str:
    if trial.failure:
        return f"{trial.name}: {trial.failure.splitlines()[0]}"
    quality, instructions, latency, ram, flash = _figures(trial)
    missed = ", ".join(trial.missed(budget.bounds))
    figures = f"{quality}, {instructions} instructions, {latency}, RAM {ram}, flash {flash}"
    return f"{trial.name}: {figures}; " + (f"misses {missed}" if missed else "meets all")


def _print_sources(trials: Sequence[Trial]) -> None:
    accuracy = next((trial.accuracy for trial in trials if trial.accuracy is not None), None)
    if accuracy is not None:
        log.result_wrapped(
            f"- {accuracy.metric}: of {accuracy.samples} evaluation samples, by which the choice is made; the Keras "
            f"model has {accuracy.before:.4g}",
            hanging=2,
        )
    cost = next((trial.cost for trial in trials if trial.cost is not None), None)
    if cost is not None:
        built = f"built with {cost.compiler}, {cost.optimize} mode"
        log.result_wrapped(f"- instructions, RAM, flash: of the firmware on the emulated board, {built}", hanging=2)
        log.result_wrapped(f"- latency: {_timing(cost)}", hanging=2)
    if not all(trial.trained for trial in trials):
        log.result_wrapped("- untrained: the recipe without its training, to see what its result would cost", hanging=2)


def _timing(cost: Cost) -> str:
    low, high = cost.latency_range_us
    if cost.latency_us is not None:
        share = f"{low / cost.latency_us:.0%} to {high / cost.latency_us:.0%}"
        return f"modelled cycles at the clock; the range is {share} of it, see `midge profile`"
    return (
        f"there is no proven cycle model of this core; what is compared with the budget is the upper end of a wide "
        f"range ({duration(low)} to {duration(high)} for {count(cost.instructions)} instructions)"
    )
