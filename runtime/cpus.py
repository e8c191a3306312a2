"""The processor cores that a board may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["cortex_m", "riscv", "xtensa"]


@dataclass(frozen=True)
class Cpu:
    """A core, as far as start-up and compiler flags care."""

    title: str
    family: Family
    """Cores of one family start alike; `firmware/` has a folder for each that has firmware."""


CPUS: dict[str, Cpu] = {
    "cortex-m0": Cpu("Arm Cortex-M0", "cortex_m"),
    "cortex-m0plus": Cpu("Arm Cortex-M0+", "cortex_m"),
    "cortex-m3": Cpu("Arm Cortex-M3", "cortex_m"),
    "cortex-m4": Cpu("Arm Cortex-M4F", "cortex_m"),
    "cortex-m7": Cpu("Arm Cortex-M7F", "cortex_m"),
    "cortex-m33": Cpu("Arm Cortex-M33F", "cortex_m"),
    "cortex-m55": Cpu("Arm Cortex-M55 with Helium", "cortex_m"),
    "rv32imc": Cpu("RISC-V RV32IMC", "riscv"),
    "rv32imac": Cpu("RISC-V RV32IMAC", "riscv"),
    "xtensa-lx6": Cpu("Tensilica Xtensa LX6", "xtensa"),
    "xtensa-lx7": Cpu("Tensilica Xtensa LX7", "xtensa"),
}
