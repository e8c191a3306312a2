"""The two engines run the same unchanged ELF; they see the same, and both see what goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from midge.runtime.emulators import Emulator
from midge.runtime.errors import CapacityError, DataError, DeviceError

Open = Callable[..., Emulator]

INPUT = bytes((i * 37) % 90 if i % 3 else 256 - (i + 1) for i in range(64))
BOTH_MODEL = ["microbit", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "qemu-rv32"]
ENGINES = ["unicorn", "qemu"]
BAD_READ, BAD_WRITE, UNDEFINED, HANG, DEEP_STACK, WRITE_FLASH, MISALIGNED = (
    bytes([100 + way]) + bytes(63) for way in range(7)
)


def signed(data: bytes) -> list[int]:
    return [value - 256 if value > 127 else value for value in data]


def expected_output(data: bytes, calls: int) -> bytes:
    """What model.c computes, written once more in Python."""
    x = signed(data)
    total = sum(a * max(a, 0) for a in x[:63]) + calls
    wide = total * 1000003
    total = {
        0: total + 3,
        1: total ^ 5,
        2: total - 9,
        3: total + wide % 11,
        4: total * 3,
        5: total + total // 7,
    }.get(total & 7, total)
    low, high = total & 255, total >> 8 & 255
    value = signed(bytes([low]))[0] * 0.25
    for _ in range(4):
        value = value * 1.5 + 1
    return bytes([low, high, 1 if value > 10 else 255, calls])


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("board", BOTH_MODEL)
def test_unicorn_and_qemu_see_the_same(open_board: Open, board: str, compiler: str) -> None:
    """Instructions per layer and function, outputs, stack and arena agree exactly on the same ELF."""
    with (
        open_board(board, "unicorn", compiler=compiler) as unicorn,
        open_board(board, "qemu", compiler=compiler) as qemu,
    ):
        for calls in range(2):
            by_unicorn, by_qemu = (emulator.run([INPUT], touched=True) for emulator in (unicorn, qemu))

            assert by_unicorn.outputs == by_qemu.outputs == (expected_output(INPUT, calls),)
            assert by_unicorn.instructions == by_qemu.instructions
            assert by_unicorn.layers == by_qemu.layers
            assert by_unicorn.functions == by_qemu.functions
            assert by_unicorn.stack_bytes == by_qemu.stack_bytes
            assert by_unicorn.arena_touched == by_qemu.arena_touched == 64 + 4 + 63
            assert by_unicorn.arena_extent == by_qemu.arena_extent == 128 + 63


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_helium_runs_on_qemu(open_board: Open, compiler: str) -> None:
    """Without a wish for an engine, QEMU serves the core that Unicorn does not model."""
    with open_board("mps3-an547", compiler=compiler) as emulator:
        run = emulator.run([INPUT], touched=True)

    assert run.outputs == (expected_output(INPUT, 0),)
    assert sum(run.functions.values()) == run.instructions
    assert run.arena_touched == 64 + 4 + 63


@pytest.mark.parametrize("engine", ENGINES)
def test_state_carries_on_until_reset(open_board: Open, engine: str) -> None:
    """The model counts its calls in the last output byte."""
    with open_board("mps2-an386", engine) as emulator:
        seen = [emulator.run([INPUT]).outputs[0][3] for _ in range(3)]
        emulator.reset()
        seen.append(emulator.run([INPUT]).outputs[0][3])

    assert seen == [0, 1, 2, 0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("board", ["mps2-an386", "qemu-rv32"])
def test_layers_can_be_looked_at_one_by_one(open_board: Open, board: str, engine: str) -> None:
    """After layer 0 its output is in the arena and later outputs are not; looking changes no count."""
    seen: dict[int, tuple[bytes, bytes]] = {}
    with open_board(board, engine) as emulator:
        plain = emulator.run([INPUT])
        emulator.reset()
        watched = emulator.run([INPUT], after_layer=lambda i, read: seen.update({i: (read(128, 63), read(64, 4))}))

    relu = bytes(max(value, 0) for value in signed(INPUT)[:63])
    final = expected_output(INPUT, 0)
    assert seen == {0: (relu, bytes(4)), 1: (relu, final[:2] + bytes(2)), 2: (relu, final)}
    assert (watched.layers, watched.instructions) == (plain.layers, plain.instructions)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("board", ["mps2-an386", "mps2-an505", "qemu-rv32"])
@pytest.mark.parametrize(
    ("how", "reason", "function"),
    [
        (BAD_READ, "outside every memory", "model_bad_read"),
        (BAD_WRITE, "outside every memory", "model_bad_write"),
        (UNDEFINED, "undefined instruction", "model_undefined"),
        (HANG, "hung", "model_hang"),
    ],
    ids=["read", "write", "undefined", "hang"],
)
def test_a_fault_names_its_place(
    open_board: Open, board: str, engine: str, how: bytes, reason: str, function: str
) -> None:
    """A fault is an error that names the cause, the function and the layer; the next run starts from reset."""
    with open_board(board, engine) as emulator:
        emulator.run([INPUT])
        with pytest.raises(DeviceError) as caught:
            emulator.run([how], limit=1_000_000)
        after = emulator.run([INPUT])

    assert reason in str(caught.value)
    assert f"in `{function}`" in str(caught.value)
    assert "in layer 1 (OP step1)" in str(caught.value)
    assert ("address 0x9f000000" in str(caught.value)) == (reason == "outside every memory")
    assert after.outputs == (expected_output(INPUT, 0),)


@pytest.mark.parametrize("engine", ENGINES)
def test_faults_of_the_smallest_core_are_seen(open_board: Open, engine: str) -> None:
    """A Cortex-M0 says nothing about a fault but where it was."""
    with open_board("microbit", engine) as emulator, pytest.raises(DeviceError, match="in `model_bad_read`"):
        emulator.run([BAD_READ])


def test_writing_flash_is_a_fault(open_board: Open) -> None:
    with open_board("mps2-an386", "unicorn") as emulator, pytest.raises(DeviceError, match="write to flash"):
        emulator.run([WRITE_FLASH])


@pytest.mark.parametrize(
    ("engine", "reason"), [("unicorn", "an access not aligned to its size"), ("qemu", "hard fault")]
)
def test_misaligned_accesses_are_found_where_they_would_fault(open_board: Open, engine: str, reason: str) -> None:
    """A Cortex-M0 faults on them, a Cortex-M4 does not; Unicorn lets them pass on both, so we look ourselves."""
    with open_board("microbit", engine) as emulator:
        emulator.run([INPUT], touched=True)
        with pytest.raises(DeviceError, match=rf"{reason}.*in `model_misaligned`"):
            emulator.run([MISALIGNED], touched=True)
    with open_board("mps2-an386", engine) as emulator:
        emulator.run([MISALIGNED], touched=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_deep_stack_shows(open_board: Open, engine: str) -> None:
    """A callee's array of 512 bytes is in the stack's high-water mark."""
    with open_board("mps2-an386", engine) as emulator:
        shallow = emulator.run([INPUT]).stack_bytes
        deep = emulator.run([DEEP_STACK]).stack_bytes

    assert 512 <= deep < 512 + 128
    assert shallow < 128


@pytest.mark.parametrize("engine", ENGINES)
def test_inputs_are_checked(open_board: Open, engine: str) -> None:
    with open_board("mps2-an386", engine) as emulator:
        with pytest.raises(DataError, match="takes 64 bytes"):
            emulator.run([bytes(63)])
        with pytest.raises(DataError, match="has 1 inputs, but 2"):
            emulator.run([bytes(64), bytes(64)])


@pytest.mark.parametrize("engine", ENGINES)
def test_firmware_for_another_board_is_refused(open_board: Open, engine: str) -> None:
    """The Nucleo's flash is where the other board has nothing."""
    with (
        open_board("mps2-an386", engine, built_for="nucleo-f446re") as emulator,
        pytest.raises(CapacityError, match="built for another board"),
    ):
        emulator.run([INPUT])


def test_qemus_own_words_are_passed_on(open_board: Open) -> None:
    """A machine that QEMU does not have."""
    with (
        open_board("mps2-an386", "qemu", machine="nonsense") as emulator,
        pytest.raises(DeviceError, match="unsupported machine type"),
    ):
        emulator.run([INPUT])


def test_looking_out_for_ctrl_c_loses_no_count(open_board: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unicorn runs in slices; where they are cut changes nothing."""
    with open_board("mps2-an386", "unicorn") as emulator:
        whole = emulator.run([INPUT])
        monkeypatch.setattr("midge.runtime.emulators.unicorn_core._SLICE", 4096)  # no block is longer
        emulator.reset()
        sliced = emulator.run([INPUT])

    assert sliced == whole


@pytest.mark.parametrize("engine", ENGINES)
def test_noting_accesses_changes_no_result(open_board: Open, engine: str) -> None:
    """Conditional instructions go the same way whether or not the arena is watched."""
    given = bytes(range(64))
    with open_board("mps2-an386", engine, source="conditional.c") as emulator:
        plain, watched = (emulator.run([given], touched=touched) for touched in (False, True))

    assert plain.outputs == watched.outputs == (bytes([99, 0, 0, 0]),)
    assert plain.instructions == watched.instructions
    assert watched.arena_touched == 64 + 4 + 48
