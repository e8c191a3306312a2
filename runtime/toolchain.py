"""Finding a C compiler for a core, and the flags that make it build firmware for it.

GCC where it is installed, else zig (clang and lld), which comes as the wheel `ziglang`. Both get the same language,
warning and section flags. No build contracts `a * b + c` into one rounding: float results are the same on every core.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

from midge.runtime.board import Board
from midge.runtime.cpus import CPUS, Family
from midge.runtime.errors import InputError, MissingToolError, UnsupportedError

CompilerName = Literal["gcc", "zig"]
COMPILERS: tuple[CompilerName, ...] = ("gcc", "zig")

C_FLAGS = (
    "-std=gnu99",  # C99 and the `__asm__` of start-up
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-ffp-contract=off",
    "-fno-math-errno",  # lets sqrtf be the FPU's instruction
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-common",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-g",
)
"""For every compiler and core."""

# The entry is named here because zig overrides the linker script's.
LINK_FLAGS = ("-nostartfiles", "-static", "-Wl,--gc-sections", "-Wl,-e,midge_reset")

OPTIMIZE_FLAGS = {"default": "-O2", "speed": "-O2", "size": "-Os", "ram": "-O2"}
"""What `--optimize` means to the compiler; the larger part of a mode is which kernels it picks."""


@dataclass(frozen=True)
class _GccPort:
    """One GCC: the program, and the Debian packages that bring it."""

    program: str
    packages: tuple[str, ...]
    c_flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    libraries: tuple[str, ...]
    has_libc: bool
    """Whether memcpy, memmove and memset come with it."""


_GCC_PORTS: dict[Family, _GccPort] = {
    "cortex_m": _GccPort(
        program="arm-none-eabi-gcc",
        packages=("gcc-arm-none-eabi", "libnewlib-arm-none-eabi"),
        c_flags=(),
        link_flags=(),
        libraries=(),
        has_libc=True,
    ),
    # Debian packages no C library for bare RISC-V: nothing but libgcc is linked, on any system. Without one stdint.h
    # needs -ffreestanding, which would also turn memcpy of a few bytes into a call.
    "riscv": _GccPort(
        program="riscv64-unknown-elf-gcc",
        packages=("gcc-riscv64-unknown-elf",),
        c_flags=("-ffreestanding", "-fbuiltin"),
        link_flags=("-nostdlib",),
        libraries=("-lgcc",),
        has_libc=False,
    ),
}

# A Cortex-M7 may have single precision only (STM32F746), and no kernel computes in double: all get that.
_GCC_CPU_FLAGS: dict[str, tuple[str, ...]] = {
    "cortex-m0": ("-mthumb", "-mcpu=cortex-m0", "-mfloat-abi=soft"),
    "cortex-m0plus": ("-mthumb", "-mcpu=cortex-m0plus", "-mfloat-abi=soft"),
    "cortex-m3": ("-mthumb", "-mcpu=cortex-m3", "-mfloat-abi=soft"),
    "cortex-m4": ("-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "cortex-m7": ("-mthumb", "-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    "cortex-m33": ("-mthumb", "-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    "cortex-m55": ("-mthumb", "-mcpu=cortex-m55", "-mfloat-abi=hard", "-mfpu=auto"),
    "rv32imc": ("-march=rv32imc", "-mabi=ilp32", "-mcmodel=medany"),
    "rv32imac": ("-march=rv32imac", "-mabi=ilp32", "-mcmodel=medany"),
}

# FPU and DSP have to be named, or zig leaves them out without a word.
_ZIG_CPU_FLAGS: dict[str, tuple[str, ...]] = {
    "cortex-m0": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0"),
    "cortex-m0plus": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0plus"),
    "cortex-m3": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3"),
    "cortex-m4": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
    "cortex-m7": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m7+fp_armv8d16sp"),
    "cortex-m33": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m33+fp_armv8d16sp+dsp"),
    "cortex-m55": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m55+mve_fp+fp_armv8d16"),
    "rv32imc": ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c-d-f", "-mabi=ilp32", "-mcmodel=medany"),
    "rv32imac": (
        "-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+a+c-d-f", "-mabi=ilp32", "-mcmodel=medany",
    ),
}  # fmt: skip


_ZIG_C_FLAGS = (
    "-fno-sanitize=undefined",  # zig turns it on in builds that it takes for debugging ones
    "-fomit-frame-pointer",
)
# Small variables keep their names: the linker script knows the arena by its name. Other targets never merge.
_ZIG_ARM_FLAGS = ("-mno-global-merge",)


@dataclass(frozen=True)
class Toolchain:
    """A compiler and its flags for one core."""

    name: CompilerName
    version: str
    """As the compiler says it: `12.2.1`, `0.17.1`."""
    command: tuple[str, ...]
    """What to run; the flags follow."""
    cpu_flags: tuple[str, ...]
    """For compiling and linking."""
    c_flags: tuple[str, ...]
    """For compiling only, without optimization and include folders."""
    link_flags: tuple[str, ...]
    """For linking only, before the objects, without linker script and map."""
    libraries: tuple[str, ...]
    """For linking only, after the objects."""
    has_libc: bool
    """Whether memcpy, memmove and memset come with the compiler; if not, the firmware brings them."""
    writes_map: bool
    """Whether the linker knows `-Map`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables to set when running it."""

    def compile_flags(self, optimize: str | None) -> tuple[str, ...]:
        """Return all flags of a compilation but include folders, input and output; no mode is the default one.

        Raises:
            InputError: `optimize` is no mode of ours.
        """
        return (*self.cpu_flags, *self.c_flags, optimize_flag(optimize))


def optimize_flag(optimize: str | None) -> str:
    """Return the compiler's flag for a mode of `--optimize`; no mode is the default one.

    Raises:
        InputError: `optimize` is no mode of ours.
    """
    mode = optimize or "default"
    if mode not in OPTIMIZE_FLAGS:
        raise InputError(f"--optimize: expected one of {', '.join(OPTIMIZE_FLAGS)}, found {optimize!r}")
    return OPTIMIZE_FLAGS[mode]


def find_toolchain(target: Board | str, compiler: str | None = None) -> Toolchain:
    """Return the compiler called `compiler` for a board or core; without a name GCC where installed, else zig.

    Raises:
        InputError: no such compiler or core.
        UnsupportedError: no compiler that we know makes code for this core.
        MissingToolError: the compiler is not installed; the message says how to get it.
    """
    cpu = target.cpu if isinstance(target, Board) else target
    if cpu not in CPUS:
        raise InputError(f"cpu: expected one of {', '.join(CPUS)}, found {cpu!r}")
    if compiler is not None and compiler not in COMPILERS:
        raise InputError(f"--compiler: expected gcc or zig, found {compiler!r}")
    family = CPUS[cpu].family
    if family not in _GCC_PORTS:
        raise UnsupportedError(
            f"{CPUS[cpu].title} cannot be built for: neither Debian nor PyPI has a compiler or an emulator for Xtensa "
            "with register windows. `midge inspect` serves; to run a model, take a board with an Arm or RISC-V core"
        )
    port = _GCC_PORTS[family]
    gcc = None if compiler == "zig" else _find_gcc(port, cpu)
    if gcc is not None:
        return gcc
    zig = None if compiler == "gcc" else _find_zig(cpu)
    if zig is not None:
        return zig
    debian = f"apt install {' '.join(port.packages)} ({port.program} on the PATH)"
    raise MissingToolError(
        f"no C compiler for {CPUS[cpu].title} found"
        + {
            "gcc": f" ({port.program}): {debian}, or use --compiler zig (pip install 'midge[emulate]')",
            "zig": ": pip install 'midge[emulate]' brings zig",
            None: f": pip install 'midge[emulate]' brings zig; or {debian}",
        }[compiler]
    )


def describe_toolchain(cpu: str, compiler: CompilerName) -> Toolchain:
    """Return a toolchain's flags for a core that has one, installed or not: its command is the plain program name."""
    if compiler == "zig":
        return Toolchain(
            name="zig",
            version="",
            command=("zig", "cc"),
            cpu_flags=_ZIG_CPU_FLAGS[cpu],
            c_flags=(*C_FLAGS, *_ZIG_C_FLAGS, *(_ZIG_ARM_FLAGS if CPUS[cpu].family == "cortex_m" else ())),
            link_flags=LINK_FLAGS,
            libraries=(),
            has_libc=True,
            writes_map=False,
        )
    port = _GCC_PORTS[CPUS[cpu].family]
    return Toolchain(
        name="gcc",
        version="",
        command=(port.program,),
        cpu_flags=_GCC_CPU_FLAGS[cpu],
        c_flags=(*C_FLAGS, *port.c_flags),
        link_flags=(*LINK_FLAGS, *port.link_flags),
        libraries=port.libraries,
        has_libc=port.has_libc,
        writes_map=True,
    )


def cache_directory() -> Path:
    """Return the folder for what can be made again, which exists and can be written.

    `$XDG_CACHE_HOME/midge`, else `~/.cache/midge`; where neither can be written, a new temporary folder.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # The XDG base directory specification has relative values ignored.
        directory = (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "midge"
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # read-only, or no home at all
        return _temporary_cache()
    return directory if os.access(directory, os.W_OK) else _temporary_cache()


@cache
def _temporary_cache() -> Path:
    return Path(tempfile.mkdtemp(prefix="midge-cache-"))


def _find_gcc(port: _GccPort, cpu: str) -> Toolchain | None:
    program = shutil.which(port.program)
    if program is None:
        return None
    # Without a C library GCC answers with the bare name of the file that it did not find.
    if port.has_libc and not Path(_ask(program, *_GCC_CPU_FLAGS[cpu], "-print-file-name=libc.a")).is_absolute():
        return None
    version = _ask(program, "-dumpfullversion")
    return replace(describe_toolchain(cpu, "gcc"), command=(program,), version=version)


def _find_zig(cpu: str) -> Toolchain | None:
    if importlib.util.find_spec("ziglang") is not None:
        command: tuple[str, ...] = (sys.executable, "-m", "ziglang")
    elif (program := shutil.which("zig")) is not None:
        command = (program,)
    else:
        return None
    cache = str(cache_directory() / "zig")
    variables = ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")
    return replace(
        describe_toolchain(cpu, "zig"),
        command=(*command, "cc"),
        version=_ask(*command, "version"),
        environment={variable: os.environ.get(variable, cache) for variable in variables},
    )


@cache
def _ask(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
