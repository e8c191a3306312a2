"""Thumb instructions, as far as a cycle model looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from midge.runtime.emulators.decode import instruction_bytes
from midge.runtime.errors import MissingToolError

MOVES_SEVERAL = frozenset("ldm ldmdb ldrd stm stmdb strd push pop vldmia vldmdb vstmia vstmdb vpush vpop".split())
"""Loads and stores of more than one register."""


@dataclass(frozen=True)
class Instruction:
    """One instruction."""

    name: str
    """Without condition and width; `?` if capstone does not know it."""
    bytes: int
    written: frozenset[int] = frozenset()
    """Registers, in capstone's numbers."""
    read: frozenset[int] = frozenset()
    address: frozenset[int] = frozenset()
    """Registers that form the address of a load or store."""
    offset_register: bool = False
    """Whether a load's or store's offset is a register."""
    relative: bool = False
    """Whether the address is relative to the program counter."""
    words: int = 1
    """32-bit words that a load, a store or a move between the register files moves."""


class ThumbDecoder:
    """Capstone, for M-profile code."""

    def __init__(self) -> None:
        """Set it up.

        Raises:
            MissingToolError: capstone is not installed.
        """
        try:
            import capstone
        except ImportError:
            raise MissingToolError("the cycle model needs capstone: `pip install midge[emulate]`") from None
        self._constants: Any = capstone.arm_const
        self._engine: Any = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
        self._engine.detail = True
        self._names = {
            value: name[len("ARM_INS_") :].lower()
            for name, value in vars(self._constants).items()
            if name.startswith("ARM_INS_")
        }

    def decode(self, code: bytes, address: int) -> dict[int, Instruction]:
        """Return the instructions of `code`, which begins at `address`, by their addresses."""
        found = {}
        at = 0
        while at < len(code):
            size = instruction_bytes(code[at : at + 2], "cortex_m")
            decoded = next(self._engine.disasm(code[at : at + size], address + at), None)
            found[address + at] = Instruction("?", size) if decoded is None else self._facts(decoded)
            at += size
        return found

    def _facts(self, decoded: Any) -> Instruction:
        c = self._constants
        read, written = decoded.regs_access()
        memory = [operand.mem for operand in decoded.operands if operand.type == c.ARM_OP_MEM]
        registers = [operand.reg for operand in decoded.operands if operand.type == c.ARM_OP_REG]
        name = self._names.get(decoded.id, "?")
        return Instruction(
            name,
            decoded.size,
            frozenset(written),
            frozenset(read),
            frozenset(register for m in memory for register in (m.base, m.index) if register),
            any(m.index for m in memory),
            any(m.base == c.ARM_REG_PC for m in memory),
            self._words(name, registers),
        )

    def _words(self, name: str, registers: list[int]) -> int:
        c = self._constants
        if name in ("push", "pop", "vpush", "vpop"):
            moved = registers
        elif name in ("ldrd", "strd"):
            return 2
        elif name in MOVES_SEVERAL:
            moved = registers[1:]  # the first holds the address
        elif name in ("vldr", "vstr"):
            moved = registers[:1]
        elif name == "vmov":
            return 2 if len(registers) > 2 else 1
        else:
            return 1
        return sum(2 if c.ARM_REG_D0 <= register <= c.ARM_REG_D31 else 1 for register in moved)
