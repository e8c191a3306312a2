"""How long instructions take: the model where there is one, else bounds, and wait states on real boards."""

from __future__ import annotations

import msgspec
import pytest

from midge.runtime.board import load_board
from midge.runtime.cpus import CPUS
from midge.runtime.emulators.cores import CORES
from midge.runtime.emulators.cycles import Cycles
from midge.runtime.latency import CYCLES_PER_INSTRUCTION, latency


def test_a_cycle_model_gives_an_estimate_and_its_range() -> None:
    """25 MHz: 2,500 cycles are 100 microseconds."""
    found = latency(load_board("mps2-an386"), 1500, Cycles(2500, 2000, 3000, ()))

    assert (found.estimate, found.range, found.source) == (100.0, (80.0, 120.0), "emulator-cycle-model")


def test_flash_that_is_waited_for_widens_the_range_upwards_on_real_boards() -> None:
    """120 MHz, 1.4 times at worst."""
    found = latency(load_board("nucleo-l4r5zi"), 1500, Cycles(12_000, 9_000, 15_000, ()))

    assert found.estimate == 100.0
    assert found.range == pytest.approx((75.0, 175.0))


def test_without_a_cycle_model_there_is_a_range_only() -> None:
    """133 MHz of a Cortex-M0+, whose instructions take one cycle to two; the emulated core has no flash to wait for."""
    found = latency(load_board("rp2040-core"), 133_000, None)

    assert (found.estimate, found.range, found.source) == (None, (1000.0, 2000.0), "emulator-instructions")


def test_every_core_that_is_emulated_has_bounds() -> None:
    missing = {cpu for cpu in CPUS if cpu not in CYCLES_PER_INSTRUCTION} & set(CORES)

    assert missing == set()
    assert all(0 < low < high for low, high in CYCLES_PER_INSTRUCTION.values())


def test_boards_of_the_users_own_have_bounds_too() -> None:
    board = msgspec.structs.replace(load_board("mps2-an500"), clock_hz=1_000_000)

    assert latency(board, 100, None).range == (50.0, 200.0)
