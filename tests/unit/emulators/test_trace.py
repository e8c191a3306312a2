"""The compiled record of executed blocks, called the way the engines call it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

import pytest

from midge.runtime.emulators.trace import RUNNING, SLICE_OVER, Block, Layout, Trace, built_library
from midge.runtime.errors import DeviceError

INVOKE, FIRST, SECOND = 0x100, 0x200, 0x300
LAYOUT = Layout(invoke=(INVOKE, INVOKE + 0x40), layers=(FIRST, SECOND), arena=(0x1000, 0x1010))


def library() -> ctypes.CDLL:
    return ctypes.CDLL(str(built_library("midge_trace")))


def execute(trace: Trace, blocks: Iterable[tuple[int, int]]) -> None:
    """Tell the record that blocks (address, bytes) are executed."""
    call = library().midge_unicorn_block
    call.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p]
    for address, size in blocks:
        call(None, address, size, trace.address)


def counting(layout: Layout = LAYOUT, capacity: int = 64, room: int = 1 << 40) -> Trace:
    trace = Trace(layout, capacity=capacity)
    trace.begin()
    trace.header.slice = room
    return trace


def test_a_block_is_taken_when_another_than_the_next_follows() -> None:
    """Three rounds of a loop of one block: two jumps back, then on to what follows; the last block leaves."""
    trace = counting()
    execute(trace, [(0x100, 8), (0x108, 4), (0x108, 4), (0x108, 4), (0x10C, 2)])
    trace.end()

    assert trace.blocks() == (
        Block(0x100, 8, 0, -1, executed=1, taken=0),
        Block(0x108, 4, 0, -1, executed=3, taken=2),
        Block(0x10C, 2, 0, -1, executed=1, taken=1),
    )


def test_a_layer_lasts_until_control_is_back_in_the_inference_function() -> None:
    """A callee counts for the layer that called it, and for each layer apart."""
    callee = (0x900, 6)
    trace = counting()
    execute(trace, [(0x100, 4), (FIRST, 2), callee, (0x202, 2), (0x104, 4), (SECOND, 2), callee, (0x108, 2)])
    trace.end()

    by_layer = {layer: [b.address for b in trace.blocks() if b.layer == layer] for layer in (-1, 0, 1)}
    assert by_layer == {-1: [0x100, 0x104, 0x108], 0: [0x200, 0x202, 0x900], 1: [0x300, 0x900]}


def test_a_loop_back_to_a_layers_first_instruction_stays_in_it() -> None:
    trace = counting()
    execute(trace, [(0x100, 4), (FIRST, 4), (FIRST, 4), (0x204, 2)])
    trace.end()

    assert [(b.address, b.layer, b.executed) for b in trace.blocks()] == [(0x100, -1, 1), (FIRST, 0, 2), (0x204, 0, 1)]


def test_layers_that_share_one_function_are_told_apart_by_their_order() -> None:
    """A compiler may fold two equal functions into one."""
    trace = counting(Layout(invoke=LAYOUT.invoke, layers=(FIRST, FIRST), arena=LAYOUT.arena))
    execute(trace, [(0x100, 4), (FIRST, 4), (0x104, 4), (FIRST, 4), (0x108, 4)])
    trace.end()

    assert [(b.layer, b.executed) for b in trace.blocks() if b.address == FIRST] == [(0, 1), (1, 1)]


def test_a_second_inference_starts_from_nothing() -> None:
    trace = counting()
    execute(trace, [(0x100, 4), (FIRST, 4), (0x104, 4)])
    trace.end()
    first = trace.blocks()
    trace.begin()
    execute(trace, [(0x100, 4), (FIRST, 4), (0x104, 4)])
    trace.end()

    assert trace.blocks() == first


def test_nothing_is_recorded_outside_the_inference() -> None:
    trace = counting()
    trace.end()
    execute(trace, [(0x100, 4)])

    assert trace.blocks() == ()
    assert trace.header.executed_bytes == 4


def test_a_used_up_slice_stops_before_the_block() -> None:
    """10 bytes allow two blocks of 4; the third is not counted, so it may be executed later."""
    trace = counting(room=10)
    execute(trace, [(0x100, 4), (0x104, 4), (0x108, 4)])

    assert trace.header.status == SLICE_OVER
    assert [b.address for b in trace.blocks()] == [0x100, 0x104]


def test_a_full_table_is_an_error_and_not_a_wrong_count() -> None:
    """Three quarters of 16 slots hold 12 blocks."""
    trace = counting(capacity=16)
    execute(trace, [(0x400 + 4 * i, 4) for i in range(12)])
    assert trace.header.status == RUNNING
    execute(trace, [(0x400 + 4 * 12, 4)])

    with pytest.raises(DeviceError, match="12 different basic blocks"):
        trace.end()


def test_accesses_are_cut_to_the_arena() -> None:
    """4 bytes from below reach 2 into it, 8 at its end reach 4 out of it."""
    read, write = 16, 17
    trace = counting()
    call = library().midge_unicorn_memory
    call.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64, ctypes.c_int, ctypes.c_int64, ctypes.c_void_p]
    for kind, address, size in ((read, 0xFFE, 4), (write, 0x1001, 2), (write, 0x100C, 8)):
        call(None, kind, address, size, 0, trace.address)

    assert trace.touched().tolist() == [1, 3, 2] + [0] * 9 + [2] * 4
