"""Builds a generated project by running the compiler, so that nobody needs CMake to measure or to emulate.

The project carries a CMakeLists.txt too (see `cmake.py`) for those who build it into something of their own; it has the
same flags, sources and linker script, and gives the same sections.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from midge.runtime.backends.c.platform import (
    LINKER_SCRIPT,
    MEMORY_FLAGS,
    MEMORY_SOURCE,
    PLATFORM_FOLDER,
    memory_command,
)
from midge.runtime.backends.c.sizes import FlashSizes, RamSizes, read_layout
from midge.runtime.board import Board, Memory
from midge.runtime.errors import CapacityError, InputError, MissingToolError
from midge.runtime.toolchain import Toolchain

BUILD_FOLDER = "build"
INCLUDE_FOLDERS = (".", "midge/include", "midge/src", PLATFORM_FOLDER)
PARALLEL_COMPILATIONS = 2

# The linker script tells kernels, model and the rest apart by these folders, which CMake's object libraries have too.
_KERNEL_OBJECTS = "midge_kernels.dir"
_MODEL_OBJECTS = "midge_model.dir"
_OTHER_OBJECTS = "firmware.dir"


@dataclass(frozen=True)
class Sources:
    """The C files of a project, relative to its folder."""

    model: tuple[str, ...]
    kernels: tuple[str, ...]
    platform: tuple[str, ...]


@dataclass(frozen=True)
class BuildResult:
    """A firmware, what made it and what it takes."""

    elf: Path
    map: Path
    binary: Path
    """What to write to the start of the flash."""
    compiler: str
    """`gcc` or `zig`."""
    compiler_version: str
    flags: tuple[str, ...]
    """Of every compilation; include folders left out."""
    flash: FlashSizes
    ram: RamSizes


def project_sources(directory: Path, *, has_libc: bool) -> Sources:
    """Return the C files of a project: the model's at the top, `midge/` the kernels', `platform/` the start-up's.

    Raises:
        InputError: the folder has no model, or no start-up.
    """

    def find(*patterns: str) -> tuple[str, ...]:
        found = (path for pattern in patterns for path in directory.glob(pattern))
        return tuple(sorted(path.relative_to(directory).as_posix() for path in found))

    memory = f"{PLATFORM_FOLDER}/{MEMORY_SOURCE}"
    platform = tuple(source for source in find(f"{PLATFORM_FOLDER}/*.c") if source != memory)
    if not has_libc:
        platform += (memory,)
    sources = Sources(find("*.c"), find("midge/src/*.c", "midge/arch/*/*.c"), platform)
    if not sources.model or not sources.platform or not (directory / PLATFORM_FOLDER / LINKER_SCRIPT).is_file():
        raise InputError(
            f"{directory}: expected a project made by `midge compile`, found no model or no {PLATFORM_FOLDER}/"
        )
    return sources


def build(
    directory: Path,
    board: Board,
    toolchain: Toolchain,
    *,
    optimize: str | None = None,
    extra_flags: Iterable[str] = (),
) -> BuildResult:
    """Compile and link the project in `directory` to `build/firmware.elf`, `.map` and `.bin`.

    `extra_flags` follow all others in every compilation.

    Raises:
        InputError: the folder is no project, or `optimize` is no mode.
        CapacityError: the firmware does not fit; the message says which memory, by how much and what takes it.
        MissingToolError: the compiler has gone.
        RuntimeError: the compiler refuses our C, which is our bug; the message is the compiler's.
    """
    sources = project_sources(directory, has_libc=toolchain.has_libc)
    output = directory / BUILD_FOLDER
    flags = (*toolchain.compile_flags(optimize), *extra_flags)
    # CMake links in this order too, and so the two ELF files have the same layout.
    jobs = [(_OTHER_OBJECTS, source) for source in sources.platform]
    jobs += [(_KERNEL_OBJECTS, source) for source in sources.kernels]
    jobs += [(_MODEL_OBJECTS, source) for source in sources.model]
    objects = [f"{BUILD_FOLDER}/{folder}/{source}.o" for folder, source in jobs]
    for name in objects:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)

    def compile_one(source: str, name: str) -> None:
        more = MEMORY_FLAGS if Path(source).name == MEMORY_SOURCE else ()
        includes = tuple(f"-I{folder}" for folder in INCLUDE_FOLDERS)
        prefix = f"-ffile-prefix-map={directory.resolve()}=."  # no path of this machine in the ELF
        _run(toolchain, (*flags, *more, *includes, prefix, "-c", source, "-o", name), directory)

    with ThreadPoolExecutor(PARALLEL_COMPILATIONS) as pool:
        list(pool.map(compile_one, (source for _, source in jobs), objects))

    elf, map_file = output / "firmware.elf", output / "firmware.map"
    script = f"{PLATFORM_FOLDER}/{LINKER_SCRIPT}"
    _link(directory, board, toolchain, flags, objects, script)
    layout = read_layout(elf)
    if not toolchain.writes_map:
        map_file.write_text(layout.listing(), encoding="utf-8")
    binary = output / "firmware.bin"
    binary.write_bytes(layout.image(board.flash))
    return BuildResult(
        elf=elf,
        map=map_file,
        binary=binary,
        compiler=toolchain.name,
        compiler_version=toolchain.version,
        flags=flags,
        flash=layout.flash_sizes(board.flash),
        ram=layout.ram_sizes(board.ram),
    )


class _CompilerError(RuntimeError):
    """The compiler's output."""


def _run(toolchain: Toolchain, arguments: tuple[str, ...], directory: Path) -> None:
    command = (*toolchain.command, *arguments)
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=os.environ | dict(toolchain.environment),
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise MissingToolError(f"{toolchain.command[0]} was there and is gone: install it again") from None
    if done.returncode != 0:
        raise _CompilerError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}{done.stdout}")


def _link(
    directory: Path, board: Board, toolchain: Toolchain, flags: tuple[str, ...], objects: list[str], script: str
) -> None:
    map_flags = (f"-Wl,-Map={BUILD_FOLDER}/firmware.map",) if toolchain.writes_map else ()

    def link(script: str, output: str, *more: str) -> None:
        # The compilation's flags too: zig builds memcpy and the like for this program, with these.
        settings = (*flags, *toolchain.link_flags, *more, "-T", script)
        _run(toolchain, (*settings, *objects, *toolchain.libraries, "-o", output), directory)

    elf = f"{BUILD_FOLDER}/firmware.elf"
    try:
        link(script, elf, *map_flags)
    except _CompilerError as error:
        if not _OVERFLOW.search(str(error)):
            raise
    else:
        return

    # Link once more into memories that are large enough, to say what takes how much.
    (directory / elf).unlink(missing_ok=True)
    roomy, measured = f"{BUILD_FOLDER}/roomy.ld", f"{BUILD_FOLDER}/too_large.elf"
    flash = msgspec.structs.replace(board.flash, address=0x1000_0000, size=1 << 30)
    ram = msgspec.structs.replace(board.ram, address=0x5000_0000, size=1 << 30)
    others = [
        msgspec.structs.replace(memory, address=0x9000_0000 + 0x0800_0000 * number, size=1 << 27)
        for number, memory in enumerate(m for m in board.memories if m not in (board.flash, board.ram))
    ]
    (directory / roomy).write_text(
        _MEMORY_COMMAND.sub(memory_command((flash, ram, *others)), (directory / script).read_text(encoding="utf-8")),
        encoding="utf-8",
    )
    link(roomy, measured)
    layout = read_layout(directory / measured)
    (directory / measured).unlink()
    (directory / roomy).unlink()
    raise CapacityError(_explain(board, layout.flash_sizes(flash), layout.ram_sizes(ram), layout.arena_lies_in(ram)))


# GNU ld: region `ram' overflowed by 8 bytes. lld: section '.arena' will not fit in region 'ram': overflowed by 8 bytes.
_OVERFLOW = re.compile(r"region [`']\w+':? overflowed by \d+ bytes")
_MEMORY_COMMAND = re.compile(r"^MEMORY\n\{\n[^}]*\}$", flags=re.MULTILINE)


def _explain(board: Board, flash: FlashSizes, ram: RamSizes, with_arena: bool) -> str:
    """Say what exceeds flash or RAM; an arena in a memory of its own is known to fit before anything is built."""
    lines = []
    if flash.total > board.flash.size:
        users = f"weights {flash.weights:,}, code {flash.code:,}, other {flash.other:,}"
        lines.append(f"{_excess(board.flash, flash.total)}: {users}")
    needed = ram.total if with_arena else ram.stack + ram.data
    if needed > board.ram.size:
        arena = f"arena {ram.arena:,}, " if with_arena else ""
        lines.append(f"{_excess(board.ram, needed)}: {arena}stack {ram.stack:,}, data {ram.data:,}")
    what = "; ".join(lines)
    return f"the firmware does not fit {board.name}: {what}. Choose a smaller model or a board with more memory"


def _excess(memory: Memory, needed: int) -> str:
    return f"{memory.name} has {memory.size:,} bytes and {needed:,} are needed, {needed - memory.size:,} too many"
