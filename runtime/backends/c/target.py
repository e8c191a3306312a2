"""Which kernels a board's core runs."""

from __future__ import annotations

_ARCH = {
    "cortex-m0": "armv6m",
    "cortex-m0plus": "armv6m",
    "cortex-m3": "armv7m",
    "cortex-m33": "armv7em",
    "cortex-m4": "armv7em",
    "cortex-m55": "mve",
    "cortex-m7": "armv7em",
    "rv32imac": "riscv",
    "rv32imc": "riscv",
    "xtensa-lx6": "portable",
    "xtensa-lx7": "portable",
}
"""Core to the instruction set, a key of `midge.runtime.arches.ARCHES`, whose kernels serve it best."""


def arch_for(cpu: str) -> str:
    """Return the instruction set of a core, a key of `midge.runtime.cpus.CPUS`."""
    return _ARCH[cpu]
