"""`midge validate`, and how it finds the first layer that differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import midge as package
from midge.runtime.arrays import random_inputs
from midge.runtime.backends.c import lower_for_board
from midge.runtime.board import load_board
from midge.runtime.comparison import ComparingBackend, same_bits
from midge.runtime.firmware import EmulatedBackend, Firmware, emulated
from midge.runtime.model import Model
from midge.runtime.tflite.reader import read_file
from midge.tools.firmware import temporary_firmware

pytest.importorskip("unicorn", reason="needs midge[emulate]")

Midge = Callable[..., Any]
KEYS = {"schema", "board", "on", "samples", "equal", "first_difference", "accuracy"}
TEST_DATA = Path(__file__).parents[3] / "examples" / "digits" / "test.npz"


def test_equal_bits_end_with_0(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    outcome = midge("validate", digits, "--board", "mps2-an386", "--samples", 3, "--json", tmp_path / "v.json")
    document = load_json(tmp_path / "v.json")

    assert outcome.code == 0 and outcome.err == ""
    assert set(document) == KEYS
    assert document["samples"] == 3 and document["equal"] is True
    assert document["first_difference"] is None and document["accuracy"] is None


def test_accuracy_is_the_boards_on_labelled_samples(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    """The same images through the Python API give the expected share of right answers."""
    with np.load(TEST_DATA) as data:
        x, y = data["x"][:25], data["y"][:25]
    np.savez(tmp_path / "part.npz", images=x, labels=y)
    outcome = midge(
        "validate", digits, "--board", "mps2-an386", "--evaluate", tmp_path / "part.npz", "--json", tmp_path / "v.json"
    )
    document = load_json(tmp_path / "v.json")

    assert outcome.code == 0, outcome.err
    (scores,) = package.load(digits).run(x)
    assert document["accuracy"] == float(np.mean(scores.argmax(axis=1) == y))
    assert document["samples"] == 25


def damaged(path: Path, operator: int) -> bytes:
    """The model's file with the weights of one operator changed."""
    graph = read_file(path)
    weights = graph.tensors[graph.operators[operator].inputs[1] or 0].data
    assert weights is not None
    content = bytearray(path.read_bytes())
    at = content.index(weights.tobytes())
    for place in range(at, at + weights.nbytes):
        content[place] ^= 0x55
    return bytes(content)


@pytest.mark.parametrize("operator", [4, 11])
def test_the_first_layer_that_differs_is_named(digits: Path, tmp_path: Path, operator: int) -> None:
    """A board whose firmware has other weights in one layer differs from the host from that layer on."""
    wrong = tmp_path / "wrong.tflite"
    wrong.write_bytes(damaged(digits, operator))
    board = load_board("mps2-an386")
    program, _ = lower_for_board(digits, board)
    with temporary_firmware(wrong, board) as firmware, emulated(firmware) as backend:
        claimed = dataclasses.replace(firmware.compiled, program=program)
        lying = EmulatedBackend(Firmware(board, claimed, firmware.build), backend._emulator)
        comparison = ComparingBackend(lying)
        Model(comparison).run(*random_inputs(comparison.inputs, 2, seed=0))

    assert comparison.samples == 2
    assert comparison.first is not None
    assert (comparison.first.sample, comparison.first.layer) == (0, operator)
    assert comparison.first.op == program.steps[operator].kind
    assert comparison.first.host != comparison.first.board
    assert set(comparison.first.document()) == {"sample", "layer", "op", "index", "host", "board"}


def test_different_bits_end_with_1_and_the_answer_is_written(
    midge: Midge, digits: Path, tmp_path: Path, load_json: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board that gets the last output value wrong; layer by layer it agrees, so the output itself is named."""
    invoke = EmulatedBackend.invoke

    def wrong(self: EmulatedBackend, arrays: Any) -> Any:
        outputs = invoke(self, arrays)
        outputs[0].reshape(-1)[-1] ^= 1
        return outputs

    monkeypatch.setattr(EmulatedBackend, "invoke", wrong)
    outcome = midge("validate", digits, "--board", "mps2-an386", "--samples", 2, "--json", tmp_path / "v.json")
    document = load_json(tmp_path / "v.json")

    assert outcome.code == 1
    assert "SOFTMAX" in outcome.err and len(outcome.err.splitlines()) <= 10
    assert document["equal"] is False
    first = document["first_difference"]
    assert (first["sample"], first["layer"], first["op"], first["index"]) == (0, 12, "SOFTMAX", 9)
    assert first["host"] ^ first["board"] == 1


def test_bits_are_compared_not_values() -> None:
    nan, zero = np.array([np.nan], np.float32), np.array([0.0], np.float32)

    assert same_bits(nan, nan.copy())
    assert not same_bits(zero, -zero)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--board", "esp32-devkitc"], 1),
        (["--board", "no-board"], 2),
        (["--board", "mps2-an386", "--on", "host"], 2),
        (["--board", "mps2-an386", "--on", "/dev/ttyACM0"], 2),
        (["--board", "mps2-an386", "--inputs", "absent.npy"], 2),
        (["--board", "mps2-an386", "--evaluate", "absent.npz"], 2),
        (["--board", "mps2-an386", "--evaluate", str(TEST_DATA), "--input-scale", "0"], 2),
    ],
)
def test_what_cannot_be_validated_is_refused(
    midge: Midge, digits: Path, tmp_path: Path, arguments: list[str], code: int, contents: Callable[[], set[str]]
) -> None:
    before = contents()
    outcome = midge("validate", digits, *arguments, "--json", tmp_path / "v.json")

    assert outcome.code == code, outcome.err
    assert 1 <= len(outcome.err.splitlines()) <= 10
    assert contents() == before
