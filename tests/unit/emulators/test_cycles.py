"""The Cortex-M4 timing rules against the examples and tables of its Technical Reference Manual (DDI 0439)."""

from __future__ import annotations

import pytest

from midge.runtime.emulators.cycles import cost
from midge.runtime.emulators.thumb import ThumbDecoder


def likely(code: str) -> float:
    """Cycles of a straight run of instructions, given as halfwords in hexadecimal."""
    pytest.importorskip("capstone", reason="the cycle model needs capstone")
    halves = b"".join(bytes.fromhex(half)[::-1] for half in code.split())
    total, before = 0.0, None
    for _, instruction in sorted(ThumbDecoder().decode(halves, 0x100).items()):
        assert instruction.name != "?"
        total += cost(instruction, before).likely
        before = instruction
    return total


@pytest.mark.parametrize(
    ("code", "cycles", "what"),
    [
        ("6808 6811", 3, "ldr r0,[r1]; ldr r1,[r2]: section 3.3.2, normally 3 cycles"),
        ("5888 6158", 3, "ldr r0,[r1,r2]; str r0,[r3,#20]: section 3.3.2, normally 3 cycles"),
        ("5888 5099", 3, "ldr r0,[r1,r2]; str r1,[r3,r2]: section 3.3.2, normally 3 cycles"),
        ("5948 6811 685a", 4, "ldr r0,[r1,r5]; ldr r1,[r2]; ldr r2,[r3,#4]: section 3.3.2, normally 4 cycles"),
        ("6808 6801", 4, "ldr r0,[r1]; ldr r1,[r0]: the address waits for the first load"),
        ("cb07", 4, "ldmia r3!,{r0-r2}: section 3.3.2, a three-element LDM takes 4 cycles"),
        ("e9d1 0200", 3, "ldrd r0,r2,[r1]: 1 + N"),
        ("b51f", 7, "push {r0-r4,lr}: 1 + N"),
        ("6001", 1, "str r1,[r0]: section 3.3.2, always one cycle"),
        ("fb01 f002", 1, "mul"),
        ("fbc1 0302", 1, "smlal r0,r3,r1,r2"),
        ("fb21 0002", 1, "smlad r0,r1,r2,r0"),
        ("fb90 f0f1", 7, "sdiv: 2 to 12"),
        ("ee80 0a20", 14, "vdiv.f32 s0,s0,s1"),
        ("eea0 0a20", 3, "vfma.f32 s0,s0,s1"),
        ("ee30 0a20", 1, "vadd.f32 s0,s0,s1"),
        ("ee30 0a20 ee30 1a20", 3, "vadd.f32 s0,..; vadd.f32 s2,s0,s1: one more where the result is consumed"),
        ("ed90 0a00", 2, "vldr s0,[r0]"),
        ("ec90 0a04", 5, "vldmia r0,{s0-s3}: 1 + N"),
    ],
)  # fmt: skip
def test_timing(code: str, cycles: int, what: str) -> None:
    assert likely(code) == cycles, what
