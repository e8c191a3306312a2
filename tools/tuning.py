"""What `--tune` and `--tuning` mean: where a build's decisions come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from midge.runtime.board import Board
from midge.runtime.decisions import Decisions, read_decisions
from midge.runtime.errors import MissingToolError, UnsupportedError
from midge.runtime.graph import Graph
from midge.runtime.toolchain import find_toolchain
from midge.tools import log
from midge.tools.options import BuildOptions

Decide = Callable[[Graph], Decisions]


def decider(model: Path, board: Board, options: BuildOptions, progress: Callable[[str], None]) -> Decide | None:
    """Return what decides how each layer is computed, or None where each takes its first variant.

    Args:
        model: the model's file.
        board: what to compile for.
        options: without a word about tuning, speed mode tunes if the board's core can be emulated here.
        progress: called with what the tuner is doing.

    Raises:
        InputError: the file of decisions is none of ours.
        MissingToolError, UnsupportedError: tuning is wanted, but there is no compiler or no emulator.
    """
    if options.tuning is not None:
        decisions = read_decisions(options.tuning)
        return lambda _: decisions
    if options.tune is False or (options.tune is None and options.optimize != "speed"):
        return None
    try:
        toolchain = find_toolchain(board, options.compiler)
        _require_emulator(board)
    except (MissingToolError, UnsupportedError) as error:
        if options.tune:
            raise
        log.talk(f"not tuned, every layer takes the variant that is usually best: {error}")
        return None
    from midge.runtime.tuner import tune

    return lambda graph: (
        tune(graph, board, toolchain, options.optimize, model_file=model.name, progress=progress).decisions
    )


def _require_emulator(board: Board) -> None:
    from midge.runtime.emulators.choose import choose_engine
    from midge.runtime.emulators.cores import find_core

    choose_engine(board, find_core(board.name, board.cpu), None)
