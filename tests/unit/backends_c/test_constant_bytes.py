"""The bytes of the constants are known before any compiler runs, and are what compilers make of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from generated import BOARD, small_program, wide_program, write

from midge.runtime.backends.c.emit_constants import constant_bytes
from midge.runtime.errors import MissingToolError
from midge.runtime.program import Program
from midge.runtime.toolchain import Toolchain, find_toolchain


def toolchains() -> list[Toolchain]:
    """The compilers for the emulated Cortex-M4 that are installed; zig is one of the development tools."""
    found = []
    for name in ("gcc", "zig"):
        try:
            found.append(find_toolchain(BOARD, name))
        except MissingToolError:
            continue
    return found


def read_only_bytes(elf: Path) -> dict[str, int]:
    """Sizes of the objects in read-only sections, by name."""
    with elf.open("rb") as file:
        image = ELFFile(file)
        table = image.get_section_by_name(".symtab")
        return {
            symbol.name: symbol["st_size"]
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_OBJECT"
            and image.get_section(symbol["st_shndx"]).name.startswith(".rodata")
        }


def test_small_is_the_sum_written_out() -> None:
    """Twelve constants; a midge_copy_params has 1 + 6 + 1 + 6 + 1 + 6 words; three calls differ in theirs."""
    assert constant_bytes(small_program()) == 12 + 3 * 4 * 21


def test_wide_is_the_sum_written_out() -> None:
    """Three int32 stored once, four floats, and five calls of which no two are alike."""
    assert constant_bytes(wide_program()) == 12 + 16 + 5 * 4 * 21


@pytest.mark.parametrize("program", [small_program(), wide_program()], ids=["small", "wide"])
@pytest.mark.parametrize("optimize", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("toolchain", toolchains(), ids=lambda toolchain: toolchain.name)
def test_the_object_file_has_exactly_these_bytes(
    program: Program, optimize: str, toolchain: Toolchain, tmp_path: Path
) -> None:
    """No compiler drops, merges or adds a constant."""
    write(program, tmp_path)
    command = [*toolchain.command, *toolchain.compile_flags(None), optimize, "-I.", "-Imidge/include"]
    environment = {**os.environ, **toolchain.environment}
    subprocess.run([*command, "-c", "model.c", "-o", "model.o"], cwd=tmp_path, check=True, env=environment)

    found = read_only_bytes(tmp_path / "model.o")
    found.pop("model_labels", None)
    assert sum(found.values()) == constant_bytes(program), found
