"""How long so many instructions take: the cycle model where the core has one, else a range that is sure to be wide.

For a core without a validated cycle model only bounds can be argued, from how many instructions its pipeline can issue
in a cycle and what the slowest of a neural network's common instructions take: `CYCLES_PER_INSTRUCTION`. Flash wait
states come on top on real boards, see `WAIT_STATES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from midge.runtime.board import Board
from midge.runtime.emulators.cycles import SOURCE as CYCLE_MODEL
from midge.runtime.emulators.cycles import Cycles

INSTRUCTIONS = "emulator-instructions"
"""Source of a profile without a validated cycle model."""

WAIT_STATES = 1.4
"""Most that flash wait states were seen to add: four published times of MLPerf Tiny networks on an STM32L4R5 at 120 MHz
are 1.34 to 1.40 times the cycle model, which has none. It widens the range upwards on boards that are not emulators."""

Range = tuple[float, float]

CYCLES_PER_INSTRUCTION: dict[str, Range] = {
    # Arm DDI 0432 and DDI 0484, table 3-1: one instruction a cycle, loads and stores 2, taken branches 2 or 3; the
    # multiplier is taken to be the single-cycle one.
    "cortex-m0": (1.0, 2.0),
    "cortex-m0plus": (1.0, 2.0),
    # Arm DDI 0337, table 3-1: one a cycle; loads 2 unless pipelined, multiply-accumulate 2, taken branches 2 to 4.
    "cortex-m3": (1.0, 2.0),
    # Arm DDI 0439, table 3-1, as the cycle model has it, which gives a narrower range.
    "cortex-m4": (1.0, 2.0),
    # Two instructions a cycle at best (Arm DDI 0489, dual issue); a cycle of waiting after every one at worst.
    "cortex-m7": (0.5, 2.0),
    # Some pairs of 16-bit instructions issue together; loads, stores and taken branches take 2 or more.
    "cortex-m33": (0.5, 2.0),
    # As the M33; a Helium instruction takes two beats of 64 bits, which overlap with its neighbours' at best.
    "cortex-m55": (0.5, 2.0),
    # Single issue in order; loads that are used at once, multiplications and taken branches take 2 or 3.
    "rv32imc": (1.0, 2.0),
    "rv32imac": (1.0, 2.0),
}
"""Least and most cycles that an instruction of an inference takes on average."""


@dataclass(frozen=True)
class Latency:
    """Microseconds of one inference."""

    estimate: float | None
    """None where there is no validated model of the core's cycles."""
    range: Range
    source: str


def latency(board: Board, instructions: int, cycles: Cycles | None) -> Latency:
    """Return how long an inference takes on a board at its clock.

    Args:
        board: its core, its clock, and whether it has a flash to wait for.
        instructions: executed.
        cycles: modelled, or None for a core without a model.
    """
    clock = board.clock_hz / 1e6
    slowest = 1.0 if board.emulated else WAIT_STATES
    if cycles is not None:
        return Latency(cycles.estimate / clock, (cycles.low / clock, slowest * cycles.high / clock), CYCLE_MODEL)
    low, high = CYCLES_PER_INSTRUCTION[board.cpu]
    return Latency(None, (low * instructions / clock, slowest * high * instructions / clock), INSTRUCTIONS)
