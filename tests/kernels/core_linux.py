"""The runner as a Linux program for AArch64, which QEMU's user mode runs on this host."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core_image import CoreImage, Window, prototypes, write_runner

from midge.runtime.errors import MissingToolError
from midge.runtime.toolchain import cache_directory, optimize_flag

PROCESSORS = {"aarch64-max": "max", "aarch64-a53": "cortex-a53"}
"""Processors by what QEMU calls them: one with dot products of four bytes, and one without."""

QEMU = "qemu-aarch64"
GCC = "aarch64-linux-gnu-gcc"

# Above 4 GiB: a pointer that lost its upper half shows.
_WINDOW = Window("", 0x12_3450_0000, 16 << 20, 0, 16 << 20)
_PAGE = 4096
_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffp-contract=off", "-static")


@dataclass(frozen=True)
class ProgramImage(CoreImage):
    """A Linux program."""

    processor: str
    """As QEMU calls it."""


def build_program(
    names: Iterable[str], folder: Path, compiler: str | None = None, optimize: str | None = None
) -> dict[str, ProgramImage]:
    """Build the runner with all kernels of AArch64, once for all processors.

    Args:
        names: keys of `PROCESSORS`.
        folder: empty; for the sources and the program.
        compiler: `gcc`, `zig`, or None for whichever is there.
        optimize: a mode of `--optimize`, for the compiler's flags; without one those of the host library.

    Raises:
        MissingToolError: there is no such compiler.
    """
    write_runner(folder, "aarch64", "linux.c")
    command, environment = _compiler(compiler)
    flags = [
        *_FLAGS,
        "-O3" if optimize is None else optimize_flag(optimize),
        f"-DRUNNER_WINDOW={_WINDOW.address:#x}UL",
        f"-DRUNNER_WINDOW_SIZE={_WINDOW.size:#x}UL",
        *(f"-I{folder / path}" for path in (".", "midge/include", "midge/src")),
    ]
    elf = folder / "runner"
    sources = sorted(str(path) for path in folder.rglob("*.c"))
    subprocess.run([*command, *flags, "-o", str(elf), *sources, "-lm"], check=True, env={**environment, **os.environ})
    kernels = tuple(prototypes())
    return {name: ProgramImage("aarch64", elf, _WINDOW, kernels, 8, _PAGE, PROCESSORS[name]) for name in names}


def _compiler(name: str | None) -> tuple[list[str], dict[str, str]]:
    """Return the command of a compiler, and what it wants in its environment."""
    if name in (None, "gcc") and shutil.which(GCC):
        return [GCC], {}
    if name in (None, "zig") and importlib.util.find_spec("ziglang"):
        cache = str(cache_directory() / "zig")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-fno-sanitize=undefined"]
        return command, {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    raise MissingToolError(f"{GCC if name != 'zig' else 'zig'} is not installed")
