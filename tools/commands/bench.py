"""`midge bench`: models on boards in modes, side by side, and compared with a record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from midge.tools import log, options
from midge.tools.errors import DifferentError, RegressionError
from midge.tools.outputs import Outputs
from midge.tools.tables import count, make_table

if TYPE_CHECKING:
    from midge.tools.bench import Row, Skipped
    from midge.tools.bench_record import Comparison

_FILE = click.Path(path_type=Path)
_LISTED = 6
"""Figures that a message names."""


@click.command("bench")
@click.argument("models", type=_FILE, nargs=-1, metavar="[MODEL.tflite]...")
@click.option(
    "--board", "boards", multiple=True, metavar="BOARD",
    help="A name from `midge boards`, or a board file of your own; may be given several times. Default: every board "
    "that exists only as an emulator.",
)  # fmt: skip
@click.option("--compiler", type=click.Choice(["gcc", "zig"]), help="Default: gcc where installed, else zig.")
@click.option(
    "--optimize", "modes", multiple=True, type=click.Choice(["default", "speed", "size", "ram"]),
    help="A mode to build in, as in `midge compile`; may be given several times. Default: the default mode.",
)  # fmt: skip
@click.option(
    "--record", type=_FILE, metavar="F",
    help="Write the figures into this record; what it has of other models, boards and modes stays. Default: none.",
)  # fmt: skip
@click.option(
    "--check", type=_FILE, metavar="F",
    help="Compare with this record and end with 1 if a figure got worse by more than 1 %. Default: no comparison.",
)  # fmt: skip
@options.json_option
def command(
    models: tuple[Path, ...],
    boards: tuple[str, ...],
    compiler: str | None,
    modes: tuple[str, ...],
    record: Path | None,
    check: Path | None,
    json_path: Path | None,
) -> None:
    """Measure models on emulated boards: instructions, RAM and flash, and cycles where the core has a proven model.

    Without a model, those of Midge's repository. Every case is built and run as `midge profile` does it.
    """
    from midge.tools.bench import SOURCES, Row, make_cases, run_cases
    from midge.tools.bench_record import Record, compare, read_record

    with Outputs([*models, check, *(options.board_file(board) for board in boards)]) as outputs:
        outputs.add("--json", json_path)
        outputs.add("--record", record)
        known = read_record(check, "--check") if check is not None else None
        kept = read_record(record, "--record") if record is not None and record.exists() else Record()
        found = list(run_cases(make_cases(models, boards, compiler, modes)))
        rows = [row for row in found if isinstance(row, Row)]
        _print(rows, [row for row in found if not isinstance(row, Row)], SOURCES)
        comparison = compare(known, found) if known is not None else None
        document = {
            "schema": 1,
            "rows": [row.document() for row in rows],
            "skipped": [{"case": row.place, "reason": row.reason} for row in found if not isinstance(row, Row)],
            "source": SOURCES,
        }
        if comparison is not None:
            _print_comparison(comparison)
            document["comparison"] = vars(comparison)
        for row in rows:
            kept.add(row)
        if record is not None:
            outputs.write(record, kept.encode())
        outputs.write_json(json_path, document)
        _judge(rows, comparison, outputs)


def _print(rows: Sequence[Row], skipped: Sequence[Skipped], sources: dict[str, str]) -> None:
    columns = (">Instructions", ">per MAC", ">Cycles", ">Range", ">RAM", ">Code", ">Weights")
    for file in dict.fromkeys(row.file for row in rows):
        own = [row for row in rows if row.file == file]
        log.result(log.printable(f"{file}: {own[0].macs:,} MACs, sha256 {own[0].sha256[:16]}…"))
        timed = any(row.figures.cycles is not None for row in own)
        table = make_table("Board", "Mode", *(columns if timed else (*columns[:2], *columns[4:])))
        for row in own:
            figures = row.figures
            cycles: list[str] = []
            if timed:
                cycles = [count(figures.cycles), _range(figures.cycles_range)]
            table.add_row(
                log.printable(row.board),
                row.mode,
                count(figures.instructions),
                f"{figures.instructions / row.macs:.3f}" if row.macs else "-",
                *cycles,
                count(figures.arena + figures.scratch),
                count(figures.code),
                count(figures.weights),
            )
        log.result(table)
        log.result("")
    for case in skipped:
        log.result_wrapped(log.printable(f"not measured: {case.place}: {case.reason}"), hanging=2)
    if skipped:
        log.result("")
    if rows:
        built = ", ".join(dict.fromkeys(f"{row.compiler} {row.compiler_version}" for row in rows))
        log.result(f"One inference on NumPy's default_rng(0); sizes in bytes; built with {built}.")
        for name, source in sources.items():
            log.result_wrapped(f"- {name}: {source}", hanging=2)


def _range(bounds: tuple[int, int] | None) -> str:
    return "-" if bounds is None else f"{bounds[0] / 1e6:.4g}-{bounds[1] / 1e6:.4g} M"


def _print_comparison(comparison: Comparison) -> None:
    log.result("")
    log.result(
        f"Compared with the record: {comparison.compared} figures, {len(comparison.worse)} worse and "
        f"{len(comparison.better)} better by more than 1 %."
    )
    for words, lines in (("worse", comparison.worse), ("better", comparison.better)):
        for line in lines:
            log.result_wrapped(log.printable(f"- {words}: {line}"), hanging=2)
    for line in comparison.left_out:
        log.result_wrapped(log.printable(f"- not compared: {line}"), hanging=2)


def _judge(rows: Sequence[Row], comparison: Comparison | None, outputs: Outputs) -> None:
    """End with 1 where a board computes other bits or a figure got worse."""
    different = [row.place for row in rows if not row.equal]
    worse = comparison.worse if comparison is not None else []
    if not different and not worse:
        return
    outputs.publish()
    if different:
        raise DifferentError("\n  ".join(["other bits than the host's:", *_some(different)]))
    raise RegressionError("\n  ".join([f"{len(worse)} figures got worse by more than 1 %:", *_some(worse)]))


def _some(lines: Sequence[str]) -> list[str]:
    listed = [log.printable(line) for line in lines[:_LISTED]]
    return listed if len(lines) <= _LISTED else [*listed, f"and {len(lines) - _LISTED} more"]
