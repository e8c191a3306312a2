"""Counting instructions from their lengths; the encodings are written out from the manuals."""

from __future__ import annotations

from midge.runtime.emulators.decode import count_instructions


def test_thumb_instructions_are_16_or_32_bits() -> None:
    """movs r0,#1 (2001); mul.w r0,r1,r2 (fb01 f002); bl (f000 f800); vadd.f32 (ee30 0a20); bx lr (4770)."""
    code = b"".join(
        half.to_bytes(2, "little") for half in (0x2001, 0xFB01, 0xF002, 0xF000, 0xF800, 0xEE30, 0x0A20, 0x4770)
    )

    assert count_instructions(code, "cortex_m") == 5


def test_an_unconditional_16_bit_branch_is_no_32_bit_prefix() -> None:
    """b.n begins with 11100, the largest prefix that is still 16 bits."""
    assert count_instructions((0xE7FE).to_bytes(2, "little"), "cortex_m") == 1


def test_riscv_instructions_are_compressed_or_not() -> None:
    """c.nop (0001), addi x0,x0,0 (00000013), c.jr ra (8082)."""
    code = bytes.fromhex("0100") + bytes.fromhex("13000000") + bytes.fromhex("8280")

    assert count_instructions(code, "riscv") == 3
