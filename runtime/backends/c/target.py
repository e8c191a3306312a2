"""Which kernels a board's core runs."""

from __future__ import annotations

_ARCH = {
    "cortex-m0": "portable",
    "cortex-m0plus": "portable",
    "cortex-m3": "portable",
    "cortex-m33": "portable",
    "cortex-m4": "portable",
    "cortex-m55": "portable",
    "cortex-m7": "portable",
    "rv32imac": "portable",
    "rv32imc": "portable",
    "xtensa-lx6": "portable",
    "xtensa-lx7": "portable",
}
"""Core to the folder of `kernels/arch` that serves it best."""


def arch_for(cpu: str) -> str:
    """Return the folder of `kernels/arch` for a core, a key of `midge.runtime.cpus.CPUS`."""
    return _ARCH[cpu]
