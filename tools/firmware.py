"""Firmware as the options of a command want it: what `run`, `validate`, `profile` and `bench` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from midge.runtime.backends.c.build import BuildResult
from midge.runtime.board import Board
from midge.runtime.firmware import Firmware
from midge.runtime.firmware import temporary_firmware as build_temporarily
from midge.runtime.toolchain import find_toolchain
from midge.tools import log
from midge.tools.options import BuildOptions
from midge.tools.tuning import decider


def describe_build(build: BuildResult, optimize: str) -> str:
    """Return compiler and mode, for people: `gcc 12.2.1, default mode`."""
    return f"{build.compiler} {build.compiler_version}, {optimize} mode"


@contextmanager
def temporary_firmware(model: Path, board: Board, options: BuildOptions | None = None) -> Iterator[Firmware]:
    """Build a model's firmware in a folder that goes when the block ends, and show the progress.

    Raises:
        Error: see `midge.runtime.firmware.temporary_firmware`.
        MissingToolError: no compiler is installed.
    """
    options = options or BuildOptions()
    toolchain = find_toolchain(board, options.compiler)
    with ExitStack() as stack:
        with log.progress(f"building with {toolchain.name} {toolchain.version}") as shown:
            decide = decider(model, board, options, shown.describe)
            firmware = stack.enter_context(build_temporarily(model, board, toolchain, options.optimize, decide))
        yield firmware
