"""Instruction sets that have kernels of their own."""

from __future__ import annotations

ARCHES: dict[str, tuple[str, ...]] = {
    "portable": ("portable",),
    "armv6m": ("armv6m", "portable"),
    "armv7m": ("armv7m", "portable"),
    "armv7em": ("armv7em", "armv7m", "portable"),
    "mve": ("mve", "armv7em", "armv7m", "portable"),
    "riscv": ("riscv", "portable"),
    "x86_64": ("x86_64", "portable"),
    "aarch64": ("aarch64", "portable"),
}
"""Instruction set to the folders of `kernels/arch` that serve it; of files with one name, the first folder's counts."""


def arch_folders(arch: str) -> tuple[str, ...]:
    """Return the folders of `kernels/arch` that serve an instruction set, the most special one first."""
    return ARCHES[arch]
