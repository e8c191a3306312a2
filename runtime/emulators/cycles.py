"""Cycles of a Cortex-M4 without wait states, from exact counts and the manual's timing.

The timing is that of the Cortex-M4 Technical Reference Manual (Arm DDI 0439): table 3-1 "Cortex-M4 instruction set
summary", table 3-2 "Cortex-M4 DSP instruction set summary", section 3.3.2 "Load/store timings", and table 7-1 "FPU
instruction set". Where the manual gives a range or says "might", `low` and `high` take its ends. Flash wait states and
caches come on top.

Against published measurements of integer code at zero wait states this way of counting is 1 to 4 % low; for neural
networks it has not been proven, so a range of at least ±15 % goes with it. For other cores there is no model that we
could show right: only instructions are reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midge.runtime.emulators.elf import Image
from midge.runtime.emulators.thumb import MOVES_SEVERAL, Instruction, ThumbDecoder
from midge.runtime.emulators.trace import Block

SOURCE = "emulator-cycle-model"
"""What a report names as the source of these figures."""

MODELLED_CPUS = frozenset({"cortex-m4"})
UNPROVEN = 0.15
"""Least relative half-width of the range."""


@dataclass(frozen=True)
class Span:
    """Cycles: what is most likely, and the manual's extremes."""

    low: float
    likely: float
    high: float

    def __add__(self, other: Span) -> Span:
        """Add end by end."""
        return Span(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, count: int) -> Span:
        """Multiply end by end."""
        return Span(self.low * count, self.likely * count, self.high * count)

    def within_model(self) -> Span:
        """Widen the range to what is unproven about the model itself."""
        low, high = self.likely * (1 - UNPROVEN), self.likely * (1 + UNPROVEN)
        return Span(min(self.low, low), self.likely, max(self.high, high))


@dataclass(frozen=True)
class Cycles:
    """A modelled number of cycles and its range."""

    estimate: int
    low: int
    high: int
    layers: tuple[int, ...]
    """The estimate for each layer, in the manifest's order."""


_NOTHING = Span(0, 0, 0)
_ONE = Span(1, 1, 1)
# Table 3-1, note on P: a pipeline refill takes 1 to 3 cycles, by the alignment and width of the target instruction and
# by whether its address is speculated early.
_REFILL = Span(1, 2, 3)
# Table 3-1, note on division: 2 to 12 cycles, ended early by leading zeros.
_DIVIDE = Span(2, 7, 12)
# Table 3-1: IT takes a cycle unless it is folded into a 16-bit instruction before it.
_IT = Span(0, 1, 1)

_LOADS = {"ldr", "ldrb", "ldrh", "ldrsb", "ldrsh", "ldrex", "vldr"}
_STORES = {"str", "strb", "strh", "strex", "vstr"}
_MULTIPLY_ACCUMULATE = {"vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms"}
_FP_ARITHMETIC = _MULTIPLY_ACCUMULATE | {"vadd", "vsub", "vmul", "vnmul", "vdiv", "vsqrt", "vcvt", "vcvtr"}


def estimate_cycles(cpu: str, blocks: Sequence[Block], image: Image, layers: int) -> Cycles | None:
    """Return the modelled cycles of one inference, or `None` for a core without a model.

    Args:
        cpu: the board's core.
        blocks: everything that was executed between entering the inference function and leaving it.
        image: the program.
        layers: how many layers the manifest has.

    Raises:
        MissingToolError: capstone is not installed.
    """
    if cpu not in MODELLED_CPUS:
        return None
    spans = [_NOTHING] * (layers + 1)
    decoded: dict[int, Instruction] = {}
    decoder = ThumbDecoder()
    ends: set[int] = set()
    by_layer: dict[int, list[Block]] = defaultdict(list)
    for block in blocks:
        by_layer[block.layer].append(block)
        if block.address not in decoded or block.address + block.bytes not in ends:
            ends.add(block.address + block.bytes)
            decoded.update(decoder.decode(image.code(block.address, block.bytes), block.address))
    for layer, executed in by_layer.items():
        spans[layer] = _span(executed, decoded)  # -1, the inference function itself, is the last
    total = _NOTHING
    for span in spans:
        total += span
    total = total.within_model()
    return Cycles(
        round(total.likely), round(total.low), round(total.high), tuple(round(span.likely) for span in spans[:layers])
    )


def _span(blocks: Iterable[Block], decoded: dict[int, Instruction]) -> Span:
    """Sum the cycles of one layer's blocks."""
    executed: dict[int, int] = defaultdict(int)
    went_on: dict[int, int] = defaultdict(int)  # how often control fell through to the next instruction
    total = _NOTHING
    for block in blocks:
        address, end = block.address, block.address + block.bytes
        while address < end:
            size = decoded[address].bytes
            executed[address] += block.executed
            went_on[address + size] += block.executed - (block.taken if address + size == end else 0)
            address += size
        total += _REFILL.times(block.taken)
    before: dict[int, Instruction] = {}
    for address in executed:
        before[address + decoded[address].bytes] = decoded[address]
    for address, count in executed.items():
        follows = min(count, went_on[address]) if address in before else 0
        total += cost(decoded[address], before.get(address)).times(follows)
        total += cost(decoded[address], None).times(count - follows)
    return total


def cost(instruction: Instruction, before: Instruction | None) -> Span:
    """Return the cycles of `instruction` directly after `before`, a pipeline refill behind it not included."""
    name = instruction.name
    span = _ONE  # moves, arithmetic, logic, compares, multiplications of every kind (tables 3-1 and 3-2): one cycle
    if name in ("sdiv", "udiv"):
        span = _DIVIDE
    elif name == "it":
        span = _IT
    elif name in ("tbb", "tbh"):
        span = Span(2, 2, 2)  # table 3-1: 2 + P
    elif name in MOVES_SEVERAL:
        span = Span(1, 1, 1) + _ONE.times(instruction.words)  # tables 3-1 and 7-1: 1 + N
    elif name in _LOADS:
        span = _load_cost(instruction, before)
    elif name in _STORES:
        span = _store_cost(instruction, before)
    elif name in ("vdiv", "vsqrt"):
        span = Span(14, 14, 14)  # table 7-1
    elif name in _MULTIPLY_ACCUMULATE:
        span = Span(3, 3, 3)  # table 7-1
    elif name == "vmov" and instruction.words == 2:
        span = Span(2, 2, 2)  # table 7-1: two core registers at once
    # Table 7-1, note: one cycle more if the next instruction consumes the result.
    if before is not None and before.name in _FP_ARITHMETIC and before.written & instruction.read:
        span += _ONE
    return span


def _load_cost(load: Instruction, before: Instruction | None) -> Span:
    """Table 3-1: 2 cycles; table 7-1: 3 for a double. One less behind a load that does not form its address (3.3.2)."""
    cycles = 1 + load.words - _follows_load(load, before)
    # 3.3.2: a load relative to the program counter might wait for the fetch unit.
    return Span(cycles, cycles, cycles + load.relative)


def _store_cost(store: Instruction, before: Instruction | None) -> Span:
    """3.3.2: one cycle with an immediate offset, because the data goes through the write buffer; 2 otherwise."""
    cycles = store.words + (store.offset_register and not _follows_load(store, before))
    # "Even a stalled store normally only takes two cycles."
    return Span(cycles, cycles, cycles + (not store.offset_register))


def _follows_load(instruction: Instruction, before: Instruction | None) -> bool:
    return before is not None and before.name in _LOADS and not before.written & instruction.address
