"""How many instructions a piece of machine code has."""

from __future__ import annotations

from midge.runtime.cpus import Family


def count_instructions(code: bytes, family: Family) -> int:
    """Return the number of instructions in `code`, which begins and ends on an instruction's border.

    The first halfword tells an instruction's length. Arm: 32 bits if its top five bits are 11101, 11110 or 11111
    (Armv7-M Architecture Reference Manual, A5.1), else 16. RISC-V: 16 bits unless the lowest two bits are 11 (RISC-V
    Unprivileged ISA, "Expanded Instruction-Length Encoding"). An instruction that an IT block skips counts: the core
    fetches and steps over it.
    """
    count = at = 0
    while at < len(code):
        halfword = int.from_bytes(code[at : at + 2], "little")
        wide = halfword >> 11 >= 0b11101 if family == "cortex_m" else halfword & 0b11 == 0b11
        at += 4 if wide else 2
        count += 1
    return count
