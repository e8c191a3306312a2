"""Builds the test's firmware with the product's own start-up code, for each compiler that is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from midge.runtime.backends.c.manifest import Buffer, Layer, Manifest
from midge.runtime.board import Board, Emulation, Memory

HERE = Path(__file__).parent
STARTUP = HERE.parents[1] / "firmware"

# CPU: QEMU's machine, flash and RAM (from QEMU's documentation of each machine), GCC's options, zig's options.
_M = ["-mthumb", "-mfloat-abi=soft"]
_THUMB = ["-target", "thumb-freestanding-eabi"]
_HARD = ["-target", "thumb-freestanding-eabihf"]
_RV = ["-march=rv32imc", "-misa-spec=2.2", "-mabi=ilp32"]
CPUS: dict[str, tuple[str, int, int, int, int, list[str], list[str]]] = {
    "cortex-m0": ("microbit", 0, 256, 0x2000_0000, 16, ["-mcpu=cortex-m0", *_M], [*_THUMB, "-mcpu=cortex_m0"]),
    "cortex-m3": ("mps2-an385", 0, 4096, 0x2000_0000, 4096, ["-mcpu=cortex-m3", *_M], [*_THUMB, "-mcpu=cortex_m3"]),
    "cortex-m4": (
        "mps2-an386", 0, 4096, 0x2000_0000, 4096,
        ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
        [*_HARD, "-mcpu=cortex_m4+vfp4d16sp"],
    ),
    "cortex-m7": (
        "mps2-an500", 0, 4096, 0x2000_0000, 4096,
        ["-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16"],
        [*_HARD, "-mcpu=cortex_m7+fp_armv8d16"],
    ),
    "cortex-m33": (
        "mps2-an505", 0x1000_0000, 4096, 0x3800_0000, 4096,
        ["-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"],
        [*_HARD, "-mcpu=cortex_m33+fp_armv8d16sp+dsp"],
    ),
    "cortex-m55": (
        "mps3-an547", 0, 512, 0x3000_0000, 4096,
        ["-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto"],
        [*_HARD, "-mcpu=cortex_m55+mve_fp+fp_armv8d16"],
    ),
    "rv32imc": (
        "virt", 0x8000_0000, 4096, 0x8040_0000, 4096, _RV,
        ["-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c-d-f", "-mabi=ilp32", "-mcmodel=medany"],
    ),
}  # fmt: skip


def board(cpu: str) -> Board:
    """Return an emulated board with that core."""
    machine, flash, flash_kib, ram, ram_kib, _, _ = CPUS[cpu]
    return Board(
        name=f"test-{cpu}",
        title=f"Test board with a {cpu}",
        cpu=cpu,
        clock_hz=25_000_000,
        clock_source="QEMU",
        memories=(
            Memory("flash", "flash", flash, flash_kib * 1024, "QEMU"),
            Memory("ram", "ram", ram, ram_kib * 1024, "QEMU"),
        ),
        emulated=True,
        emulation=Emulation(qemu_machine=machine),
    )


def manifest() -> Manifest:
    """Return what a generated project would say about model.c."""
    return Manifest(
        schema=1,
        name="model",
        model_file="model.tflite",
        model_sha256="0" * 64,
        board="test",
        optimize="default",
        arena=128,
        scratch=64,
        weights=0,
        macs=63,
        inputs=(Buffer("x", 0, 64, "int8", (1, 64)),),
        outputs=(Buffer("y", 64, 4, "int8", (1, 4)),),
        layers=tuple(Layer(i, "OP", f"layer {i}", f"model_layer_{i}", "test", 0) for i in range(3)),
    )


def missing_compiler(compiler: str, cpu: str) -> str | None:
    """Return why firmware cannot be built, or nothing."""
    if compiler == "zig":
        return None if importlib.util.find_spec("ziglang") else "ziglang is not installed"
    program = _gcc(cpu)
    return None if shutil.which(program) else f"{program} is not installed"


def _gcc(cpu: str) -> str:
    return "riscv64-unknown-elf-gcc" if cpu.startswith("rv") else "arm-none-eabi-gcc"


def build(cpu: str, compiler: str, folder: Path, model: Path = HERE / "model.c", optimize: str = "-O2") -> Path:
    """Build the firmware and return the path of its ELF file."""
    _, flash, flash_kib, ram, ram_kib, gcc, zig = CPUS[cpu]
    script = folder / "link.ld"
    text = (STARTUP / "common/sections.ld").read_text()
    for mark, value in {
        "@MEMORY@": f"flash (rx) : ORIGIN = {flash:#x}, LENGTH = {flash_kib}K\n"
        f"ram (rwx) : ORIGIN = {ram:#x}, LENGTH = {ram_kib}K",
        "@STACK_BYTES@": "2048",
        "@FLASH@": "flash",
        "@RAM@": "ram",
    }.items():
        text = text.replace(mark, value)
    script.write_text(text)
    family = "riscv" if cpu.startswith("rv") else "cortex_m"
    compile_command = (
        [sys.executable, "-m", "ziglang", "cc", *zig]
        if compiler == "zig"
        else [_gcc(cpu), *gcc, "-nostdlib", "-Wl,--no-warn-rwx-segments"]
    )
    elf = folder / "firmware.elf"
    sources = [STARTUP / "common/main.c", STARTUP / "common/memory.c", STARTUP / family / "startup.c", model]
    environment = dict(os.environ)
    environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(folder.parent / "zig"))
    environment.setdefault("ZIG_LOCAL_CACHE_DIR", str(folder.parent / "zig"))
    command = [
        *compile_command, "-std=c99", "-ffreestanding", optimize, "-g0", "-ffp-contract=off",
        "-ffunction-sections", "-fdata-sections",
        "-fno-builtin", f"-I{HERE}", f"-I{STARTUP / 'common'}",
        *map(str, sources), *([] if compiler == "zig" else ["-lgcc"]), f"-Wl,-T,{script}", "-Wl,--gc-sections",
        "-Wl,-e,midge_reset", "-o", str(elf),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
    return elf
