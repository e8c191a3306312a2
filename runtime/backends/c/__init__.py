"""From a model file to a firmware project: `compile_model` is what the command line, validation and profiling use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from midge.runtime.backends.c.build import build as build_project
from midge.runtime.backends.c.names import check_prefix
from midge.runtime.backends.c.project import replace_project, stage_project
from midge.runtime.backends.c.target import arch_for
from midge.runtime.decisions import TUNING_NAME, Decisions
from midge.runtime.errors import CapacityError, InputError
from midge.runtime.graph import Graph
from midge.runtime.least_memory import least_memory
from midge.runtime.lower import lower
from midge.runtime.passes import run_passes
from midge.runtime.passes.plan_memory import Plan, plan_memory
from midge.runtime.passes.stream_rows import stream_rows
from midge.runtime.program import Program, Target
from midge.runtime.tflite.reader import read_file

if TYPE_CHECKING:
    from midge.runtime.backends.c.build import BuildResult
    from midge.runtime.backends.c.manifest import Manifest
    from midge.runtime.board import Board
    from midge.runtime.toolchain import Toolchain

__all__ = ["CompileResult", "compile_model", "lower_for_board", "lower_graph"]


@dataclass(frozen=True)
class CompileResult:
    """A project on disk, and the firmware if it was built."""

    program: Program
    plan: Plan
    manifest: Manifest
    directory: Path
    build: BuildResult | None


def compile_model(
    model_path: Path,
    board: Board,
    directory: Path,
    *,
    name: str = "model",
    optimize: str | None = None,
    toolchain: Toolchain | None = None,
    build: bool = False,
    decide: Callable[[Graph], Decisions] | None = None,
) -> CompileResult:
    """Turn a `.tflite` file into a project in `directory`, and build it if asked to.

    If anything fails, the building too, `directory` is what it was before.

    Args:
        model_path: the model.
        board: what to compile for.
        directory: an empty or missing folder, or an earlier project, which is replaced.
        name: prefix of every symbol.
        optimize: `speed`, `size`, `ram`, or None for the default mode.
        toolchain: what to build with; needed if `build`.
        build: whether to build the firmware.
        decide: gives the tuner's decisions for the model after its passes; they are written into the project. Without
            it every layer takes its first variant.

    Raises:
        InputError: a bad model file, name or folder, or decisions that are not this model's.
        UnsupportedError: an operator that has no kernel, or a core that has no start-up.
        CapacityError: the model does not fit the board.
        MissingToolError: the compiler is not there.
    """
    check_prefix(name)
    graph = prepare_graph(model_path, board, optimize)
    decisions = None if decide is None else decide(graph)
    program, plan = lower_graph(graph, board, optimize, decisions)
    with replace_project(directory) as replacement:
        manifest = stage_project(
            program, plan, board, replacement.staging, name, model_file=model_path.name, decisions=decisions
        )
        _check_capacity(manifest, board)
        replacement.install()
        built = None
        if build:
            assert toolchain is not None, "building needs a toolchain"
            built = build_project(directory, board, toolchain, optimize=optimize)
    return CompileResult(program, plan, manifest, directory, built)


def lower_for_board(model_path: Path, board: Board, optimize: str | None = None) -> tuple[Program, Plan]:
    """Read a model file, lower it for a board's core and plan its memory.

    Raises:
        InputError: the file cannot be read, or is not what it claims to be.
        UnsupportedError: an operator that has no kernel.
    """
    return lower_graph(prepare_graph(model_path, board, optimize), board, optimize)


def prepare_graph(model_path: Path, board: Board, optimize: str | None = None) -> Graph:
    """Read a model file, run the passes, and for `ram` cut what needs most memory into bands.

    Raises:
        InputError: the file cannot be read, or is not what it claims to be.
        UnsupportedError: an operator that has no kernel.
    """
    graph = run_passes(read_file(model_path))
    return stream_rows(graph, Target(arch_for(board.cpu), optimize)) if optimize == "ram" else graph


def lower_graph(
    graph: Graph, board: Board, optimize: str | None = None, decisions: Decisions | None = None
) -> tuple[Program, Plan]:
    """Lower a model after its passes for a board's core and plan its memory.

    Raises:
        InputError: the decisions are not this model's.
        UnsupportedError: an operator that has no kernel.
    """
    target = Target(arch_for(board.cpu), optimize or "default")
    choices = None if decisions is None else decisions.choices(graph, board.cpu, target.optimize)
    if decisions is None and target.optimize == "ram":
        choices = least_memory(graph, target)
    try:
        program = lower(graph, target, choices)
    except KeyError as error:
        raise InputError(
            f"{TUNING_NAME} names the variant {error}, which is not one of this layer's: tune again"
        ) from None
    return program, plan_memory(program)


def _check_capacity(manifest: Manifest, board: Board) -> None:
    """Refuse what can never fit before any compiler has run; code and stack come on top and are checked by linking."""
    ram, flash = manifest.arena + manifest.scratch, manifest.weights
    memory = board.arena_memory(ram)
    if ram > memory.size:
        raise CapacityError(
            f"{manifest.model_file} needs {ram:,} bytes of RAM for its tensors alone (arena {manifest.arena:,}, scratch"
            f" {manifest.scratch:,}), but {memory.name} of {board.name} has {memory.size:,}; choose a smaller"
            " model or a board with more RAM"
        )
    if flash > board.flash.size:
        raise CapacityError(
            f"{manifest.model_file} needs {flash:,} bytes of flash for its weights alone, but {board.flash.name} of"
            f" {board.name} has {board.flash.size:,}; choose a smaller model or a board with more flash"
        )
