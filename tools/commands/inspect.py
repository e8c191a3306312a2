"""`midge inspect`: everything that is known of a model before it is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from midge.runtime.backends.backend import TensorInfo
from midge.runtime.board import Board, load_board
from midge.runtime.errors import CapacityError, InputError, UnsupportedError
from midge.runtime.graph import Graph
from midge.tools import log, options
from midge.tools.outputs import Outputs
from midge.tools.tables import count, make_table, shape_text, short_name

if TYPE_CHECKING:
    from midge.runtime.passes.plan_memory import Plan
    from midge.tools.inspection import Inspection
    from midge.tools.picture import Picture

_LEGEND_ROWS = 12
_REASONS = 5
_OTHER_COLUMNS = 63
"""Columns that the table of operators takes without the names, for ordinary models."""
_EXECUTED_COLUMN = 12
"""Columns that the work left of each operator takes, where the passes leave less than the file has."""
_SHORTEST_NAME, _LONGEST_NAME = 15, 48


@click.command("inspect")
@options.model_argument
@options.board_option(required=False)
@click.option("--dump", metavar="PASS", help="Print the graph as it is after this pass, or `all`. Default: none.")
@options.json_option
def command(model: Path, board: str | None, dump: str | None, json_path: Path | None) -> None:
    """Show a model's operators, its memory plan as a picture, and whether it fits a board.

    Arena, scratch and weights are exact before anything is built. Ends with 1 if an operator is not supported or the
    model does not fit. MACs are multiply-accumulate operations of one inference; sizes are in bytes.
    """
    from midge.tools.inspection import inspect_model

    with Outputs([model, options.board_file(board)]) as outputs:
        outputs.add("--json", json_path)
        described = None if board is None else load_board(board)
        found = inspect_model(model, described, _dumper(dump))
        _print(found, described)
        outputs.write_json(json_path, found.document())
        outputs.publish()
        _judge(found, described)


def _dumper(wanted: str | None) -> Callable[[str, Graph], None] | None:
    if wanted is None:
        return None
    from midge.runtime.passes import PASSES

    names = [each.__name__ for each in PASSES]
    if wanted not in (*names, "all"):
        raise InputError(f"--dump: expected a pass ({', '.join(names)}) or all, found {wanted!r}")

    def dump(name: str, graph: Graph) -> None:
        if wanted in (name, "all"):
            _print_graph(name, graph)

    return dump


def _print_graph(name: str, graph: Graph) -> None:
    log.result(f"after {name}:")
    for node in graph.nodes():
        reads = ", ".join("none" if i is None else f"%{i}" for i in node.operator.inputs)
        writes = ", ".join(
            f"%{i} {graph.tensors[i].dtype.value} {shape_text(graph.tensors[i].shape)}" for i in node.operator.outputs
        )
        log.result(log.printable(f"  {node.operator.index:>4} {node.operator.kind}({reads}) -> {writes}"))
    log.result(
        f"  inputs {', '.join(f'%{i}' for i in graph.inputs)}; outputs {', '.join(f'%{i}' for i in graph.outputs)}"
    )


def _print(found: Inspection, board: Board | None) -> None:
    log.result(log.printable(f"{found.file}  sha256 {found.graph.sha256[:16]}…"))
    for role, infos in (("input", found.inputs), ("output", found.outputs)):
        for info in infos:
            log.result(_describe(role, info))
    log.result("")
    _print_operators(found)
    if found.plan is None:
        log.result("No plan of the memory exists until every operator is supported.")
        return
    _print_totals(found, found.plan)
    _print_picture(found, found.plan)
    if board is not None:
        _print_fit(found, found.plan, board)


def _describe(role: str, info: TensorInfo) -> str:
    line = f"{role:<6} {short_name(info.name)}: {info.dtype} {shape_text(info.shape)}"
    if info.scale is not None:
        line += f", real = {info.scale:.8g} * (stored - {info.zero_point})"
    return line


def _print_operators(found: Inspection) -> None:
    reduced = any(row.executed_macs != (row.macs or 0) for row in found.operators)
    left = [">Executed"] if reduced else []
    table = make_table(">#", "Operator", "Type", "Output", ">MACs", *left, "Supported", "~Name")
    taken = _OTHER_COLUMNS + (_EXECUTED_COLUMN if reduced else 0)
    longest = min(max(_SHORTEST_NAME, log.width() - taken), _LONGEST_NAME)
    for row in found.operators:
        table.add_row(
            str(row.index),
            log.printable(row.kind),
            row.dtype,
            shape_text(row.shape),
            "" if row.macs == 0 else count(row.macs),
            *([count(row.executed_macs) if row.macs else ""] if reduced else []),
            "yes" if row.reason is None else "NO",
            short_name(row.name, longest),
        )
    log.result(table)
    for line in found.refusals():
        log.result(log.printable(line))
    log.result("")


def _print_totals(found: Inspection, plan: Plan) -> None:
    assert found.program is not None
    table = make_table("", ">", "~")
    bound = "the least possible" if plan.total == plan.lower_bound else f"the lower bound is {plan.lower_bound:,}"
    table.add_row("MACs", count(found.program.macs), "multiply-accumulate operations of one inference")
    if found.program.executed_macs != found.program.macs:
        table.add_row("executed", count(found.program.executed_macs), "of them; the others cannot change any output")
    table.add_row("arena", count(plan.arena), "bytes of RAM for all tensors, inputs and outputs included")
    table.add_row("scratch", count(plan.scratch), "bytes of RAM that kernels need beyond that")
    table.add_row("arena + scratch", count(plan.total), f"bytes; {bound} with these lifetimes")
    table.add_row("weights", count(found.weights), "bytes of flash: weights, biases, multipliers, tables, parameters")
    table.show_header = False
    log.result(table)
    log.result("")


def _print_picture(found: Inspection, plan: Plan) -> None:
    from midge.tools.picture import SHADES, draw_plan

    assert found.program is not None
    if not plan.total:
        return
    plain = not log.can_draw(SHADES + "▲┤│└─")
    picture = draw_plan(found.program, plan, log.width(), ascii_only=plain)
    log.result("The arena over time: layers run left to right, addresses (bytes) upwards.")
    for line in picture.lines:
        log.result(line)
    log.result("")
    _print_legend(picture)


def _print_legend(picture: Picture) -> None:
    rows = list(picture.legend)
    if not log.is_verbose() and len(rows) > _LEGEND_ROWS:
        largest = sorted(rows, key=lambda row: (not row.at_peak, -row.size))[:_LEGEND_ROWS]
        rows = [row for row in rows if row in largest]
    table = make_table("", ">Bytes", ">From", ">To", "Layers", "Peak", "~Holds")
    for row in rows:
        life = str(row.first) if row.first == row.last else f"{row.first}-{row.last}"
        table.add_row(
            row.label or "·",
            count(row.size),
            count(row.offset),
            count(row.offset + row.size),
            life,
            "yes" if row.at_peak else "",
            row.holds,
        )
    log.result(table)
    if len(rows) < len(picture.legend):
        left = len(picture.legend) - len(rows)
        log.result(f"{left} more blocks; --verbose lists all.")
    log.result("")


def _print_fit(found: Inspection, plan: Plan, board: Board) -> None:
    assert found.weights is not None
    table = make_table(board.name, ">Needs", ">Has", ">Left", "~Memory")
    arena = board.arena_memory(plan.total)
    for what, needs, memory in (("arena + scratch", plan.total, arena), ("weights", found.weights, board.flash)):
        table.add_row(what, count(needs), count(memory.size), count(memory.size - needs), memory.name)
    log.result(table)
    log.result_wrapped(
        f"Code ({board.flash.name}), stack and other variables ({board.ram.name}) come on top: see `midge profile` or "
        "`midge compile --build`."
    )


def _judge(found: Inspection, board: Board | None) -> None:
    """End with 1 where the answer is no."""
    reasons = list(found.refusals() or found.reasons)
    if not reasons:
        return
    if len(reasons) > _REASONS:
        reasons = [*reasons[:_REASONS], f"and {len(reasons) - _REASONS} more"]
    if found.unsupported:
        head = f"{len(found.unsupported)} of {len(found.operators)} operators are not supported"
        raise UnsupportedError("\n  ".join([f"{found.file}: {head}:", *reasons]))
    assert board is not None
    raise CapacityError("\n  ".join([f"{found.file} does not fit {board.name}:", *reasons]))
