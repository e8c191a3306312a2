"""Firmware builds without a warning for every board, lies where it should, and its sizes add up."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from midge.runtime.backends.c.build import BuildResult, build
from midge.runtime.backends.c.cmake import write_cmake
from midge.runtime.backends.c.platform import DEFAULT_STACK_BYTES, write_platform
from midge.runtime.backends.c.sizes import read_layout
from midge.runtime.board import Memory, board_names, load_board
from midge.runtime.cpus import CPUS
from midge.runtime.errors import CapacityError, InputError, MissingToolError, UnsupportedError
from midge.runtime.toolchain import Toolchain

from .conftest import toolchain_or_skip

BUILDABLE = [name for name in board_names() if CPUS[load_board(name).cpu].family != "xtensa"]
COMPILERS = ["gcc", "zig"]
ONE_OF_EACH_FAMILY = ["mps2-an386", "qemu-rv32"]

BuildFor = Callable[..., BuildResult]
Project = Callable[..., Path]


def _holds(memory: Memory, address: int) -> bool:
    return memory.address <= address < memory.end


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", BUILDABLE)
def test_firmware_builds_for_every_board_and_adds_up(build_for: BuildFor, name: str, compiler: str) -> None:
    """500 bytes of weights, 1000 of arena, the reserved stack, one 4-byte variable and at most 15 of padding.

    Flash sizes add up to the flash image; what must lie in RAM or flash does; reset finds the stack and the entry.
    """
    board = load_board(name)
    result = build_for(name, compiler)
    layout = read_layout(result.elf)
    symbols = {symbol.name: symbol for symbol in layout.symbols}
    image = result.binary.read_bytes()

    assert result.flash.weights == 500
    assert result.ram.arena == 1000
    assert result.ram.stack == DEFAULT_STACK_BYTES
    assert 4 <= result.ram.data <= 4 + 15
    assert result.flash.code >= symbols["midge_scale"].size + symbols["tiny_invoke"].size + symbols["tiny_init"].size
    assert result.flash.total == len(image)
    # Each of .code, .weights and .other may be followed by a gap to the next word.
    assert 0 <= result.flash.total - sum(len(section.content) for section in layout.sections) <= 3 * 3
    assert _holds(board.flash, symbols["tiny_weights"].address)
    assert _holds(board.flash, symbols["midge_scale"].address)
    assert _holds(board.arena_memory(1000), symbols["tiny_arena"].address)
    assert _holds(board.ram, symbols["calls"].address)
    assert symbols["tiny_arena"].address % 16 == 0
    (entry,) = struct.unpack_from("<I", result.elf.read_bytes(), 24)  # e_entry of an ELF32 header
    assert entry & ~1 == symbols["midge_reset"].address & ~1
    if CPUS[board.cpu].family == "cortex_m":
        stack_top, reset = struct.unpack_from("<II", image)
        assert stack_top == board.ram.address + DEFAULT_STACK_BYTES
        assert reset == symbols["midge_reset"].address | 1
    else:
        assert symbols["midge_reset"].address == board.flash.address


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_initial_values_of_variables_end_the_image(build_for: BuildFor, name: str, compiler: str) -> None:
    """`calls` starts as 5: start-up copies it from the last word of the flash image."""
    assert build_for(name, compiler).binary.read_bytes()[-4:] == struct.pack("<I", 5)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_size_mode_is_compiled_for_size(build_for: BuildFor, name: str, compiler: str) -> None:
    """-Os for --optimize size, -O2 otherwise, and the result says so."""
    default, size = build_for(name, compiler), build_for(name, compiler, "size")

    assert "-O2" in default.flags
    assert "-Os" in size.flags
    assert size.flash.code <= default.flash.code


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_the_linker_map_has_the_same_arena(build_for: BuildFor, name: str) -> None:
    """GNU ld's own map gives the arena's section 1000 = 0x3e8 bytes."""
    text = build_for(name, "gcc").map.read_text()

    assert re.search(r"^ \.bss\.tiny_arena\s+0x[0-9a-f]+\s+0x3e8 ", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_where_the_linker_writes_no_map_we_do(build_for: BuildFor, name: str) -> None:
    """zig's linker has no -Map: symbols and sections are listed from the ELF."""
    board = load_board(name)
    text = build_for(name, "zig").map.read_text()

    address = re.search(r"^(0x[0-9a-f]{8}) +0x3e8     tiny_arena$", text, flags=re.MULTILINE)
    assert address
    assert _holds(board.arena_memory(1000), int(address[1], 16))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_a_build_is_the_same_in_every_folder(project: Project, name: str, compiler: str) -> None:
    """No path and no time of this machine gets into the image."""
    board = load_board(name)
    toolchain = toolchain_or_skip(board, compiler)
    results = [build(project(board, folder=folder), board, toolchain) for folder in ("one", "an/other midge")]

    assert results[0].binary.read_bytes() == results[1].binary.read_bytes()
    assert str(results[0].elf.parents[1]).encode() not in results[0].elf.read_bytes()


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
@pytest.mark.parametrize("optimize", [None, "size"])
def test_cmake_builds_the_same(project: Project, name: str, compiler: str, optimize: str | None) -> None:
    """CMakeLists.txt has the sources, flags and linker script of the direct build: the layouts are equal."""
    board = load_board(name)
    toolchain = toolchain_or_skip(board, compiler)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    if not shutil.which("cmake", path=path) or not shutil.which("ninja", path=path):
        pytest.skip("cmake or ninja is not installed")
    directory = project(board)
    built = build(directory, board, toolchain, optimize=optimize)
    write_cmake(directory, board, optimize=optimize)
    environment = os.environ | dict(toolchain.environment) | {"PATH": path}
    options = ("-G", "Ninja", f"-DCMAKE_TOOLCHAIN_FILE=cmake/{compiler}.cmake", "-DCMAKE_C_FLAGS_DEBUG=")
    for command in (("cmake", "-S", ".", "-B", "cmake-build", *options), ("cmake", "--build", "cmake-build")):
        done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    assert read_layout(directory / "cmake-build" / "firmware.elf") == read_layout(built.elf)


def test_a_model_that_is_too_large_for_ram_says_what_takes_it(project: Project) -> None:
    """4096 of stack, 4 of variables, 12 of padding and 20,000 of arena are 24,112: 7,728 more than 16 KiB."""
    for compiler in COMPILERS:
        board = load_board("microbit")
        directory = project(board, arena=20_000)
        expected = (
            r"does not fit microbit: ram has 16,384 bytes and 24,112 are needed, 7,728 too many: "
            r"arena 20,000, stack 4,096, data 16\."
        )
        with pytest.raises(CapacityError, match=expected):
            build(directory, board, toolchain_or_skip(board, compiler))
        assert not (directory / "build" / "firmware.elf").exists()


@pytest.mark.parametrize("compiler", COMPILERS)
def test_an_overflow_into_the_next_memory_is_still_explained(project: Project, compiler: str) -> None:
    """qemu-rv32 has its RAM right behind its 16 MiB of program memory, 17,000,000 bytes of weights reach into it."""
    board = load_board("qemu-rv32")
    with pytest.raises(CapacityError, match=r"program has 16,777,216 bytes and 17,[\d,]+ are needed"):
        build(project(board, weights=17_000_000), board, toolchain_or_skip(board, compiler))


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_model_that_is_too_large_for_everything_says_both(project: Project, compiler: str) -> None:
    """Both memories are named, and each sum holds."""
    board = load_board("microbit")
    with pytest.raises(CapacityError) as caught:
        build(project(board, arena=40_000, weights=300_000), board, toolchain_or_skip(board, compiler))
    numbers = [int(word.replace(",", "")) for word in re.findall(r"[\d,]*\d", str(caught.value))]
    flash, flash_needed, flash_excess, weights, code, other, ram, ram_needed, ram_excess, arena, stack, data = numbers

    assert (flash, weights) == (262_144, 300_000)
    assert flash_needed == weights + code + other
    assert flash_excess == flash_needed - flash
    assert (ram, arena, stack) == (16_384, 40_000, DEFAULT_STACK_BYTES)
    assert ram_needed == arena + stack + data
    assert ram_excess == ram_needed - ram


# 64-bit division and float arithmetic are calls of the compiler's own library on most of these cores.
ARITHMETIC = """\
#include "midge/scale.h"

void midge_scale(int8_t *output, const int8_t *input, const int8_t *weights, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const int64_t quotient = ((int64_t)input[i] << 32) / (weights[i] + 300);
    output[i] = (int8_t)((float)quotient / ((float)input[i] + 300.5f));
  }
}
"""


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", [name for name in BUILDABLE if load_board(name).emulated])
def test_the_compilers_own_arithmetic_is_linked_and_brings_no_unwinder(
    project: Project, name: str, compiler: str
) -> None:
    """The right variant of libgcc or compiler_rt is found for each core; neither may bring C++ unwinding."""
    board = load_board(name)
    toolchain = toolchain_or_skip(board, compiler)
    directory = project(board)
    (directory / "midge/src/scale.c").write_text(ARITHMETIC)
    result = build(directory, board, toolchain, extra_flags=("-Werror",))

    assert not [symbol.name for symbol in read_layout(result.elf).symbols if symbol.name.startswith("_Unwind")]
    assert result.flash.other < 10_000


def test_c_that_does_not_compile_is_our_bug(project: Project) -> None:
    """The compiler's words and its command line come along."""
    board = load_board("mps2-an386")
    directory = project(board)
    (directory / "tiny.c").write_text("int tiny_init(void) { return nonsense; }\n")
    for compiler in COMPILERS:
        with pytest.raises(RuntimeError, match=r"tiny\.c[\s\S]*nonsense"):
            build(directory, board, toolchain_or_skip(board, compiler))


def test_a_kernel_without_definition_is_our_bug(project: Project) -> None:
    """A link error that is no overflow is not taken for one."""
    board = load_board("mps2-an386")
    directory = project(board)
    (directory / "midge/src/scale.c").unlink()
    for compiler in COMPILERS:
        with pytest.raises(RuntimeError, match=r"midge_scale"):
            build(directory, board, toolchain_or_skip(board, compiler))


def test_a_compiler_that_has_gone_is_a_missing_tool(project: Project) -> None:
    """Between finding and running it, a compiler can be uninstalled."""
    board = load_board("mps2-an386")
    gone = Toolchain("gcc", "1", ("midge-no-such-compiler",), (), (), (), (), has_libc=True, writes_map=True)

    with pytest.raises(MissingToolError, match="midge-no-such-compiler"):
        build(project(board), board, gone)


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    """Nothing to build is the user's mistake, not the compiler's."""
    board = load_board("mps2-an386")
    with pytest.raises(InputError, match="expected a project made by `midge compile`"):
        build(tmp_path, board, toolchain_or_skip(board, "zig"))


@pytest.mark.parametrize("name", ["esp32-devkitc", "esp32-s3-devkitc"])
def test_xtensa_has_no_platform(tmp_path: Path, name: str) -> None:
    """Refused before anything is written, with what works instead."""
    with pytest.raises(UnsupportedError, match=r"Xtensa.*midge inspect"):
        write_platform(load_board(name), tmp_path, "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "stack"), [("two words", 1024), ("", 1024), ("model", 0), ("model", 1001), ("model", -8)]
)
def test_a_bad_name_or_stack_is_refused(tmp_path: Path, name: str, stack: int) -> None:
    """A prefix is a C identifier, a stack a positive multiple of 8 bytes."""
    with pytest.raises(InputError):
        write_platform(load_board("microbit"), tmp_path, name, stack)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_stack_is_as_large_as_asked(project: Project, compiler: str) -> None:
    """The linker script reserves it, and it lies lowest: an overflow leaves the RAM."""
    board = load_board("mps2-an386")
    directory = project(board)
    write_platform(board, directory, "tiny", 2048)
    result = build(directory, board, toolchain_or_skip(board, compiler))

    assert result.ram.stack == 2048
    assert struct.unpack_from("<I", result.binary.read_bytes())[0] == board.ram.address + 2048


def test_generated_files_say_so_in_line_1(project: Project) -> None:
    """With the board and the model they were made for."""
    directory = project(load_board("mps2-an386"))
    write_cmake(directory, load_board("mps2-an386"))
    files = [*(directory / "platform").iterdir(), directory / "CMakeLists.txt", *(directory / "cmake").iterdir()]

    assert len(files) == 8
    for path in files:
        first = path.read_text().splitlines()[0]
        assert re.match(r"(/\*|#) Generated by midge for board mps2-an386", first), path
