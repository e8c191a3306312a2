"""The firmware that runs kernel calls given as data: all kernels of a core in one program, built once."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from midge.runtime.backends.c.build import build
from midge.runtime.backends.c.platform import write_platform
from midge.runtime.backends.c.sources import kernel_sources
from midge.runtime.backends.c.target import arch_for
from midge.runtime.board import Board, Memory, load_board
from midge.runtime.cpus import CPUS
from midge.runtime.native import HEADER, KERNELS
from midge.runtime.toolchain import find_toolchain

CORE = Path(__file__).parent / "core"
STACK_BYTES = 16384

_COMMENT = re.compile(r"/\*.*?\*/", flags=re.DOTALL)
_PROTOTYPE = re.compile(r"^void (midge_\w+)\(([^)]*)\);", flags=re.MULTILINE)


@dataclass(frozen=True)
class Window:
    """Where a core finds its jobs: memory that no other part of the program uses."""

    board: str
    """Whose address map it is; cores with little memory borrow another board's."""
    address: int
    size: int
    backing: int
    """Where in the machine's main memory, which QEMU can keep in a file, the window begins."""
    backing_size: int
    """Bytes of the machine's main memory."""


_MIB = 1 << 20

WINDOWS: dict[str, Window] = {
    # The second memory of the MPS2 boards, the PSRAM, is their machine's main memory.
    "rp2040-core": Window("mps2-an385", 0x2100_0000, 16 * _MIB, 0, 16 * _MIB),
    "mps2-an385": Window("mps2-an385", 0x2100_0000, 16 * _MIB, 0, 16 * _MIB),
    "mps2-an386": Window("mps2-an386", 0x2100_0000, 16 * _MIB, 0, 16 * _MIB),
    "mps2-an500": Window("mps2-an500", 0x6000_0000, 16 * _MIB, 0, 16 * _MIB),
    "mps2-an505": Window("mps2-an505", 0x8000_0000, 16 * _MIB, 0, 16 * _MIB),
    # The secure alias of the DDR memory: QEMU source, hw/arm/mps2-tz.c, and the SSE-300's map.
    "mps3-an547": Window("mps3-an547", 0x7000_0000, 16 * _MIB, 0x1000_0000, 2048 * _MIB),
    # The upper end of what the board file calls ram.
    "qemu-rv32": Window("qemu-rv32", 0x8110_0000, 15 * _MIB, 0x0110_0000, 128 * _MIB),
}


@dataclass(frozen=True)
class CoreImage:
    """A built runner and what one must know to feed it."""

    arch: str
    elf: Path
    window: Window
    kernels: tuple[str, ...]
    """By number."""
    pointer: int
    """Bytes of a pointer."""
    page: int
    """Bytes of the smallest page that can be taken away."""


@dataclass(frozen=True)
class BoardImage(CoreImage):
    """A firmware."""

    board: Board
    """The core with the address map that it runs in."""


PAGES = {"cortex_m": 1024, "riscv": 4096}
"""Bytes of the smallest page that Unicorn takes away."""


@cache
def prototypes() -> dict[str, int]:
    """Return all kernels of `kernels.h` and the number of their arguments."""
    text = _COMMENT.sub(" ", HEADER.read_text())
    return {name: arguments.count(",") + 1 for name, arguments in _PROTOTYPE.findall(text)}


def core_board(name: str) -> tuple[Board, Window]:
    """Return the board that a core is emulated on, and the window for its jobs."""
    window = WINDOWS[name]
    board = load_board(window.board)
    board = msgspec.structs.replace(board, cpu=load_board(name).cpu)
    if not any(m.address <= window.address and window.address + window.size <= m.end for m in board.memories):
        extra = Memory("window", "ram", window.address, window.size, "for the tests")
        board = msgspec.structs.replace(board, memories=(*board.memories, extra))
    return board, window


def build_image(name: str, folder: Path, compiler: str | None = None, optimize: str | None = None) -> BoardImage:
    """Build the firmware of a core.

    Args:
        name: a key of `WINDOWS`.
        folder: empty; the project.
        compiler: `gcc`, `zig`, or None for whichever is there.
        optimize: a mode of `--optimize`, for the compiler's flags.

    Raises:
        MissingToolError: there is no such compiler.
    """
    board, window = core_board(name)
    toolchain = find_toolchain(board, compiler)
    arch = arch_for(board.cpu)
    family = CPUS[board.cpu].family
    write_runner(folder, arch, f"leave_{family}.c")
    write_platform(board, folder, "model", STACK_BYTES)
    flags = [f"-DRUNNER_WINDOW={window.address:#x}U"]
    result = build(folder, board, toolchain, optimize=optimize, extra_flags=flags)
    return BoardImage(arch, result.elf, window, tuple(prototypes()), 4, PAGES[family], board)


def write_runner(folder: Path, arch: str, system: str) -> None:
    """Write the runner's sources: it with its table of kernels, `system` of `CORE`, and the kernels below `midge`."""
    kernels = prototypes()
    for file in ("model.h", "runner.c", system):
        shutil.copy(CORE / file, folder)
    (folder / "calls.c").write_text(_calls(kernels))
    for path in kernel_sources(kernels, arch):
        target = folder / "midge" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(KERNELS / path, target)


def _calls(kernels: dict[str, int]) -> str:
    """Write the table of all kernels, each behind a function that takes its arguments as a list of pointers."""
    lines = ["/* Generated by core_image.py from kernels.h. */", '#include "model.h"', '#include "midge/kernels.h"', ""]
    for name, arguments in kernels.items():
        passed = ", ".join(f"a[{i}]" for i in range(arguments))
        lines.append(f"static void call_{name}(void *const *a)\n{{\n  {name}({passed});\n}}\n")
    lines.append("const runner_call runner_calls[] = {")
    lines += [f"  call_{name}," for name in kernels]
    return "\n".join([*lines, "};", ""])
