"""`midge boards`: the boards that Midge knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from midge.runtime.board import Board, board_names, load_board
from midge.runtime.cpus import CPUS
from midge.tools import log, options
from midge.tools.outputs import Outputs
from midge.tools.tables import make_table, quantity

_WIDTH_WITH_TITLES = 150
"""Columns; the names say enough in a narrower terminal."""


@click.command("boards")
@click.argument("name", required=False, metavar="[NAME]")
@options.json_option
def command(name: str | None, json_path: Path | None) -> None:
    """List the boards, or show one in full: NAME is a board's name or a board file of your own.

    An "emulated" board exists only as an emulator. A real board whose firmware says "emulator" has no start-up code
    for its own clocks and pins yet, but runs on the emulator of its core; one that says "none" serves `inspect`.
    """
    with Outputs() as outputs:
        outputs.add("--json", json_path)
        if name is None:
            boards = [load_board(each) for each in board_names()]
            _print_list(boards)
            outputs.write_json(json_path, {"schema": 1, "boards": [_summary(board) for board in boards]})
        else:
            board = load_board(name)
            _print_board(board)
            outputs.write_json(json_path, {"schema": 1, "board": _full(board)})


def _total(board: Board, kind: str) -> int:
    return sum(memory.size for memory in board.memories if memory.kind == kind)


def _firmware(board: Board) -> str:
    if board.platform is not None:
        return "yes"
    return "none" if CPUS[board.cpu].family == "xtensa" else "emulator"


def _summary(board: Board) -> dict[str, Any]:
    return {
        "name": board.name,
        "title": board.title,
        "cpu": board.cpu,
        "clock_hz": board.clock_hz,
        "flash": board.flash.size,
        "ram": board.ram.size,
        "emulated": board.emulated,
        "platform": board.platform,
    }


def _full(board: Board) -> dict[str, Any]:
    power = board.mean_power_mw
    return {
        **_summary(board),
        "clock_source": board.clock_source,
        "memories": [
            {"name": m.name, "kind": m.kind, "address": m.address, "size": m.size, "source": m.source}
            for m in board.memories
        ],
        "qemu_machine": board.emulation.qemu_machine,
        "mean_power_mw": None if power is None else {"value": power.value, "source": power.source},
    }


def _print_list(boards: list[Board]) -> None:
    titles = log.width() >= _WIDTH_WITH_TITLES
    table = make_table("Board", "Core", ">Clock", ">Flash", ">RAM", "Kind", "Firmware", *(["~Title"] if titles else []))
    for board in boards:
        table.add_row(
            board.name,
            board.cpu,
            quantity(board.clock_hz, "Hz"),
            _binary(board.flash.size),
            _binary(board.ram.size),
            "emulated" if board.emulated else "real",
            _firmware(board),
            *([board.title] if titles else []),
        )
    log.result(table)
    log.result(f"{len(boards)} boards; `midge boards NAME` shows one in full, with the source of every figure.")


def _print_board(board: Board) -> None:
    log.result(f"{board.name}: {board.title}")
    rows = [
        ("core", CPUS[board.cpu].title, board.cpu),
        ("clock", quantity(board.clock_hz, "Hz"), board.clock_source),
        *(
            (
                f"{memory.kind} {memory.name}",
                f"{_binary(memory.size)} at {memory.address:#010x}",
                memory.source,
            )
            for memory in board.memories
        ),
    ]
    if board.mean_power_mw is not None:
        rows.append(("mean power", f"{board.mean_power_mw.value:g} mW", board.mean_power_mw.source))
    if board.emulation.qemu_machine is not None:
        rows.append(("QEMU machine", board.emulation.qemu_machine, ""))
    rows.append(("kind", "emulated" if board.emulated else "real", ""))
    rows.append(("firmware", _firmware(board), ""))
    table = make_table("", "", "~Source")
    for row in rows:
        table.add_row(*row)
    log.result(table)
    kinds = [kind for kind in ("flash", "ram") if _total(board, kind) > getattr(board, kind).size]
    if kinds:
        log.result(f"Only the first {' and the first '.join(kinds)} region is used.")


def _binary(size: int) -> str:
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} B"
