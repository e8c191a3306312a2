"""Counts of code that can be counted by eye: the assembly of counted.c."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from midge.runtime.emulators import Emulator

INPUT = bytes(range(64))
BOARDS = ["microbit", "mps2-an385", "mps2-an386"]
ENGINES = ["unicorn", "qemu"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("board", BOARDS)
def test_every_instruction_from_entry_to_exit_counts_once(
    open_board: Callable[..., Emulator], board: str, engine: str
) -> None:
    """A layer's count includes its return; an instruction that IT skips counts; the caller's calls are its own."""
    with open_board(board, engine, source="counted.c") as emulator:
        run = emulator.run([INPUT])

    assert run.layers == (1 + 100 * 2 + 1, 9, 5)
    assert run.instructions == 202 + 9 + 5 + 5
    assert run.functions == {"model_layer_0": 202, "model_layer_1": 9, "model_layer_2": 5, "model_invoke": 5}


@pytest.mark.parametrize("engine", ENGINES)
def test_stack_reaches_to_the_lowest_written_byte(open_board: Callable[..., Emulator], engine: str) -> None:
    """Two words pushed by the inference function and a frame of 60 bytes whose lowest word is written."""
    with open_board("mps2-an386", engine, source="counted.c") as emulator:
        assert emulator.run([INPUT]).stack_bytes == 8 + 60


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("board", BOARDS)
def test_touched_bytes_are_those_read_or_written(open_board: Callable[..., Emulator], board: str, engine: str) -> None:
    """Inputs (0 to 63) and outputs (64 to 67) are ours, bytes 8 to 11 and 100 to 101 the firmware's."""
    with open_board(board, engine, source="counted.c") as emulator:
        run = emulator.run([INPUT], touched=True)

    assert run.arena_touched == 64 + 4 + 2
    assert run.arena_extent == 102


@pytest.mark.parametrize("engine", ENGINES)
def test_cycles_follow_the_manual(open_board: Callable[..., Emulator], engine: str) -> None:
    """Layer 0: 202 cycles and 100 refills of 1 to 3; the estimate takes 2.

    Layer 1: sub 1, str with immediate offset 1, ite 1, two additions 2, b 1 + 2, nop 1, add 1, bx 1 + 2. Layer 2:
    ldr 2, ldr 2 (its address comes from the load before), adds 1, strh 1, bx 1 + 2.
    """
    with open_board("mps2-an386", engine, source="counted.c") as emulator:
        cycles = emulator.cycles(emulator.run([INPUT]))

    assert cycles is not None
    assert cycles.layers == (202 + 100 * 2, 5 + 1 + 2 + 2 + 1 + 2, 2 + 2 + 1 + 1 + 1 + 2)
    invoke = (1 + 2) + 3 * (1 + 2) + (1 + 2 + 2)  # push of 2, three calls, pop of 2 with a refill
    assert cycles.estimate == sum(cycles.layers) + invoke
    assert cycles.low <= 0.85 * cycles.estimate
    assert cycles.high >= 1.15 * cycles.estimate


def test_no_cycles_are_claimed_for_a_core_without_a_model(open_board: Callable[..., Emulator]) -> None:
    with open_board("mps2-an385", source="counted.c") as emulator:
        assert emulator.cycles(emulator.run([INPUT])) is None
