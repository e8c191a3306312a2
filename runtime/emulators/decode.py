"""How long instructions are, and how many a piece of machine code has."""

from __future__ import annotations

from midge.runtime.cpus import Family


def instruction_bytes(begin: bytes, family: Family) -> int:
    """Return the size of an instruction of which `begin` has at least the first two bytes.

    Arm: 4 if the top five bits of the first halfword are 11101, 11110 or 11111 (Armv7-M Architecture Reference Manual,
    A5.1), else 2. RISC-V: 2 unless the lowest two bits are 11 (RISC-V Unprivileged ISA, "Expanded Instruction-Length
    Encoding").
    """
    halfword = int.from_bytes(begin[:2], "little")
    wide = halfword >> 11 >= 0b11101 if family == "cortex_m" else halfword & 0b11 == 0b11
    return 4 if wide else 2


def count_instructions(code: bytes, family: Family) -> int:
    """Return the number of instructions in `code`, which begins and ends on an instruction's border.

    An instruction that an IT block skips counts: the core fetches and steps over it.
    """
    count = at = 0
    while at < len(code):
        at += instruction_bytes(code[at : at + 2], family)
        count += 1
    return count
