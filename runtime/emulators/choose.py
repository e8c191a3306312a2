"""Which engine runs a board's firmware."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec

from midge.runtime.backends.c.manifest import Manifest
from midge.runtime.board import Board
from midge.runtime.emulators.cores import Core
from midge.runtime.emulators.elf import Image
from midge.runtime.emulators.engine import Engine
from midge.runtime.emulators.trace import Layout
from midge.runtime.errors import InputError, MissingToolError, UnsupportedError

Start = Callable[[], Engine]
"""Makes an engine that has been reset."""
StarterFor = Callable[[Image, Manifest, Board, Core], Start]


def _layout(image: Image, manifest: Manifest) -> Layout:
    invoke = image.symbol(f"{manifest.name}_invoke")
    arena = image.symbol(f"{manifest.name}_arena")
    return Layout(
        invoke=(invoke.address, invoke.end),
        layers=tuple(image.symbol(layer.function).address for layer in manifest.layers),
        arena=(arena.address, arena.address + manifest.arena + manifest.scratch),
    )


def _unicorn(image: Image, manifest: Manifest, board: Board, core: Core) -> Start:
    from midge.runtime.emulators.unicorn_core import UnicornEngine

    layout = _layout(image, manifest)
    return lambda: UnicornEngine(image, board, core, layout)


def _qemu(image: Image, manifest: Manifest, board: Board, core: Core) -> Start:
    from midge.runtime.emulators.qemu import QemuEngine

    layout = _layout(image, manifest)
    return lambda: QemuEngine(image, board, core, layout)


ENGINES: dict[str, StarterFor] = {"unicorn": _unicorn, "qemu": _qemu}


def choose_engine(board: Board, core: Core, name: str | None) -> StarterFor:
    """Return what starts the engine called `name`, or without a name the first that is installed and can do it.

    Raises:
        InputError: there is no engine of that name.
        MissingToolError: the engine, or with no name every possible one, is not installed.
        UnsupportedError: the engine does not model this board's core.
    """
    if name is not None and name not in ENGINES:
        raise InputError(f"no engine is called {name!r}; expected one of {', '.join(ENGINES)}")
    reasons = {"unicorn": _why_not_unicorn(board, core), "qemu": _why_not_qemu(board, core)}
    wanted = [name] if name is not None else list(ENGINES)
    for candidate in wanted:
        if reasons[candidate] is None:
            return ENGINES[candidate]
    missing = [reason for candidate in wanted if isinstance(reason := reasons[candidate], MissingToolError)]
    if missing:
        raise MissingToolError("; or: ".join(str(reason) for reason in missing))
    raise UnsupportedError("; ".join(str(reasons[candidate]) for candidate in wanted))


def _why_not_unicorn(board: Board, core: Core) -> MissingToolError | UnsupportedError | None:
    if core.unicorn_model is None:
        return UnsupportedError(f"Unicorn does not model the core {board.cpu} of board {board.name}")
    if find_spec("unicorn") is None:
        return MissingToolError("Unicorn is not installed: `pip install midge[emulate]`")
    return None


def _why_not_qemu(board: Board, core: Core) -> MissingToolError | UnsupportedError | None:
    if board.emulation.qemu_machine is None:
        return UnsupportedError(f"QEMU has no machine like board {board.name}")
    if shutil.which(core.qemu_program) is None:
        package = "qemu-system-arm" if core.family == "cortex_m" else "qemu-system-misc"
        return MissingToolError(f"{core.qemu_program} is not installed: `sudo apt install {package}`")
    return None
