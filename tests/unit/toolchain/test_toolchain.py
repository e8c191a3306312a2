"""The right compiler is found, with flags that turn on what the core has."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from midge.runtime import toolchain as module
from midge.runtime.board import load_board
from midge.runtime.errors import InputError, MissingToolError, UnsupportedError
from midge.runtime.toolchain import cache_directory, find_toolchain


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch):
    """Make programs invisible as if they were not installed."""

    def hide(*, gcc: bool = False, zig: bool = False) -> None:
        real_which, real_spec = shutil.which, importlib.util.find_spec

        def which(program: str) -> str | None:
            hidden = (gcc and program.endswith("gcc")) or (zig and program == "zig")
            return None if hidden else real_which(program)

        monkeypatch.setattr(module.shutil, "which", which)
        monkeypatch.setattr(
            module.importlib.util, "find_spec", lambda name: None if zig and name == "ziglang" else real_spec(name)
        )

    return hide


@pytest.mark.parametrize(
    ("cpu", "package"), [("cortex-m4", "gcc-arm-none-eabi"), ("rv32imc", "gcc-riscv64-unknown-elf")]
)
def test_without_any_compiler_the_message_says_how_to_get_one(hide, cpu: str, package: str) -> None:
    """Both ways out are named: the wheel and the Debian package."""
    hide(gcc=True, zig=True)

    with pytest.raises(MissingToolError, match=r"midge\[emulate\]") as caught:
        find_toolchain(cpu)
    assert package in str(caught.value)


def test_a_compiler_asked_for_by_name_is_not_replaced(hide) -> None:
    """--compiler gcc without GCC is an error even where zig is there."""
    hide(gcc=True)
    with pytest.raises(MissingToolError, match="apt install gcc-arm-none-eabi libnewlib-arm-none-eabi"):
        find_toolchain("cortex-m4", "gcc")

    hide(zig=True)
    with pytest.raises(MissingToolError, match=r"midge\[emulate\]"):
        find_toolchain("cortex-m4", "zig")


def test_gcc_is_preferred_and_zig_is_the_fall_back(hide) -> None:
    """GCC where it is installed, else zig."""
    if not _installed("cortex-m4", "zig") or not _installed("cortex-m4", "gcc"):
        pytest.skip("needs arm-none-eabi-gcc and ziglang, both")
    assert find_toolchain(load_board("mps2-an386")).name == "gcc"

    hide(gcc=True)
    assert find_toolchain(load_board("mps2-an386")).name == "zig"


def test_gcc_without_its_c_library_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's gcc-arm-none-eabi may be there without libnewlib-arm-none-eabi, and cannot link then."""
    monkeypatch.setattr(module.shutil, "which", lambda program: f"/nowhere/{program}")
    monkeypatch.setattr(module, "_ask", lambda *command: "libc.a")

    with pytest.raises(MissingToolError, match="libnewlib-arm-none-eabi"):
        find_toolchain("cortex-m4", "gcc")


def test_unknown_words_are_refused() -> None:
    """A wrong compiler, core or mode is an InputError that lists the right ones."""
    with pytest.raises(InputError, match="--compiler: expected gcc or zig, found 'clang'"):
        find_toolchain("cortex-m4", "clang")
    with pytest.raises(InputError, match="cpu: expected one of cortex-m0"):
        find_toolchain("z80")
    with pytest.raises(InputError, match="--optimize: expected one of default, speed, size, ram, found 'fast'"):
        module.optimize_flag("fast")


@pytest.mark.parametrize("name", ["esp32-devkitc", "esp32-s3-devkitc"])
def test_xtensa_is_refused_with_the_reason(name: str) -> None:
    """No packaged compiler knows the windowed ABI."""
    with pytest.raises(UnsupportedError, match="Xtensa"):
        find_toolchain(load_board(name))


# What each core has, from its technical reference manual: DSP instructions, __ARM_FP (bit 2 single, bit 3 double; bit 1
# half is a conversion only), and vectors (1 integer, 2 float). Cortex-M7 is built for single precision, see the table.
FEATURES = {
    "cortex-m0": (False, False, 0),
    "cortex-m0plus": (False, False, 0),
    "cortex-m3": (False, False, 0),
    "cortex-m4": (True, True, 0),
    "cortex-m7": (True, True, 0),
    "cortex-m33": (True, True, 0),
    "cortex-m55": (True, True, 3),
}


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("cpu", FEATURES)
def test_flags_turn_on_what_an_arm_core_has(cpu: str, compiler: str) -> None:
    """Compilers silently leave out DSP, FPU or Helium when a flag is missing."""
    macros = _macros(cpu, compiler)
    dsp, fpu, vectors = FEATURES[cpu]

    assert ("__ARM_FEATURE_DSP" in macros) == dsp
    assert bool(int(macros.get("__ARM_FP", "0"), 0) & 4) == fpu
    assert int(macros.get("__ARM_FEATURE_MVE", "0"), 0) == vectors
    assert ("__ARM_PCS_VFP" in macros) == fpu


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("cpu", ["rv32imc", "rv32imac"])
def test_flags_turn_on_what_a_riscv_core_has(cpu: str, compiler: str) -> None:
    """Multiplication and compressed instructions; atomics where the name says a; no float."""
    macros = _macros(cpu, compiler)

    assert macros["__riscv_xlen"] == "32"
    assert "__riscv_mul" in macros
    assert "__riscv_compressed" in macros
    assert ("__riscv_atomic" in macros) == (cpu == "rv32imac")
    assert "__riscv_flen" not in macros


def test_the_cache_of_a_user_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG base directory specification: relative values are ignored."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "midge"

    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == tmp_path / ".cache" / "midge"


def test_a_cache_that_cannot_be_made_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home that is not there or not ours must not end a build: the cache is then temporary."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))

    assert cache_directory().is_dir()
    assert tmp_path not in cache_directory().parents


def _installed(cpu: str, compiler: str) -> bool:
    try:
        find_toolchain(cpu, compiler)
    except MissingToolError:
        return False
    return True


def _macros(cpu: str, compiler: str) -> dict[str, str]:
    if not _installed(cpu, compiler):
        pytest.skip(f"{compiler} for {cpu} is not installed")
    toolchain = find_toolchain(cpu, compiler)
    done = subprocess.run(
        (*toolchain.command, *toolchain.compile_flags(None), "-E", "-dM", "-x", "c", os.devnull),
        env=os.environ | dict(toolchain.environment),
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines() if line.startswith("#define ")]
    return {row[1]: row[2] if len(row) > 2 else "" for row in rows}
