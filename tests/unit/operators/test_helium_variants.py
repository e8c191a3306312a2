"""The variants for Helium: how weights are packed, how far ahead outputs are written, what is turned down."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from midge.runtime.graph import DType, Tensor
from midge.runtime.lower import lower
from midge.runtime.operators.variants.lanes import pack_blocks, pixelwise_lead
from midge.runtime.operators.variants.words import rowwise_lead
from midge.runtime.operators.window import SAME, VALID, Window, make_window
from midge.runtime.program import Program, Target
from midge.runtime.tflite.reader import read_model

DIGITS = Path(__file__).parents[2] / "models" / "digits_int8.tflite"


def window(shape: tuple[int, int, int, int], channels: int, size: int, stride: int, padding: int) -> Window:
    return make_window(Tensor("x", shape, DType.INT8), channels, (size, size), (stride, stride), (1, 1), padding)


def random_window(rng: np.random.Generator, *, depthwise: bool) -> Window:
    batches, height, width = (int(n) for n in rng.integers(1, [3, 9, 9]))
    channels, outputs = (int(n) for n in rng.integers(1, 6, 2))
    size, stride = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    padding = VALID if size <= min(height, width) and rng.integers(2) else SAME
    return window((batches, height, width, channels), channels if depthwise else outputs, size, stride, padding)


def read_bytes(made: Window, batch: int, row: int, column: int) -> Iterable[int]:
    """Yield the first byte of every pixel that a window covers."""
    for i in range(made.filter_height):
        for j in range(made.filter_width):
            y = row * made.stride_height - made.padding_top + i
            x = column * made.stride_width - made.padding_left + j
            if 0 <= y < made.input_height and 0 <= x < made.input_width:
                yield ((batch * made.input_height + y) * made.input_width + x) * made.input_channels


def overlap(reads: list[int], written: list[int]) -> int:
    """Return by how much outputs run ahead.

    Args:
        reads: the first byte read at each step.
        written: the bytes written up to and with each step, during which its reads may be repeated.
    """
    return max(0, *(end - min(reads[step:]) for step, end in enumerate(written)))


def test_blocks_hold_four_channels_and_then_what_is_left() -> None:
    """Five channels, one run of 18: 4 biases, a chunk of 16 and one of 2 per channel, 4 multipliers, 4 shifts; then the
    last channel's with its weights last and 48 bytes behind them, all in whole words."""
    weights = np.arange(5 * 18, dtype=np.int8).reshape(5, 1, 18)
    bias, multiplier, shift = (np.arange(5, dtype=np.int32) + start for start in (100, 200, -10))

    packed = pack_blocks(weights, bias, multiplier, shift)

    rows = weights[:, 0]
    first = np.concatenate([rows[:4, :16].ravel(), rows[:4, 16:].ravel()])
    assert packed[:4].tolist() == [100, 101, 102, 103]
    assert packed[4:22].astype("<i4").tobytes() == first.tobytes()
    assert packed[22:30].tolist() == [200, 201, 202, 203, -10, -9, -8, -7]
    assert packed[30:42].tolist() == [104, 0, 0, 0, 204, 0, 0, 0, -6, 0, 0, 0]
    assert packed[42:].astype("<i4").tobytes() == rows[4].tobytes() + bytes(2 + 48)


def test_runs_of_a_block_follow_each_other() -> None:
    """Two runs of one byte each: the four channels' first bytes come before their second ones."""
    weights = np.array([[[1], [5]], [[2], [6]], [[3], [7]], [[4], [8]]], dtype=np.int8)
    zeros = np.zeros(4, np.int32)

    assert pack_blocks(weights, zeros, zeros, zeros)[4:6].astype("<i4").tobytes() == bytes(range(1, 9))


def test_a_pair_of_pixels_is_read_again_until_both_are_written() -> None:
    """1x1, 3 channels to 5: after the last of 4 pixels 20 bytes are written and byte 6 may be wanted, of the third."""
    assert pixelwise_lead(window((1, 2, 2, 3), 5, 1, 1, VALID), 1) == 4 * 5 - 3 * 3
    assert pixelwise_lead(window((1, 1, 4, 3), 5, 1, 1, VALID), 2) == 4 * 5 - 2 * 3


@pytest.mark.parametrize("seed", range(40))
def test_pixelwise_leads_suffice_for_every_grouping(seed: int) -> None:
    """Pixels of a row computed together, from any column on, read all their windows until the last is written."""
    rng = np.random.default_rng(seed)
    made = random_window(rng, depthwise=False)
    together = int(rng.integers(1, 5))
    reads, written, done = [], [], 0
    for batch in range(made.batches):
        for row in range(made.output_height):
            column = 0
            while column < made.output_width:
                group = range(column, min(column + int(rng.integers(1, together + 1)), made.output_width))
                reads.append(min((b for c in group for b in read_bytes(made, batch, row, c)), default=10**9))
                done += len(group) * made.output_channels
                written.append(done)
                column = group.stop

    lead = pixelwise_lead(made, together)
    assert lead is not None
    assert lead >= overlap(reads, written)


@pytest.mark.parametrize("seed", range(40))
def test_rowwise_leads_suffice(seed: int) -> None:
    """A row's inputs are all read before its first output is written, or at least before its last one is."""
    made = random_window(np.random.default_rng(seed), depthwise=True)
    before, during, written = [], [], []
    for batch in range(made.batches):
        for row in range(made.output_height):
            windows = [b for column in range(made.output_width) for b in read_bytes(made, batch, row, column)]
            before.append(min(windows, default=10**9))
            during.append(min(windows, default=10**9))
            written.append(((batch * made.output_height) + row + 1) * made.output_width * made.output_channels)

    assert rowwise_lead(made, whole_rows=False) >= overlap(during, written)
    assert rowwise_lead(made, whole_rows=True) >= overlap([*before[1:], 10**9], written)


def constants(program: Program) -> int:
    return sum(array.nbytes for step in program.steps for call in step.calls for array in call.constants().values())


@pytest.mark.parametrize("mode", ["default", "size"])
def test_packing_makes_the_weights_hardly_larger(mode: str) -> None:
    graph = read_model(DIGITS.read_bytes(), "digits")
    plain = lower(graph, Target("portable", mode))

    packed = lower(graph, Target("mve", mode))
    assert {step.variant for step in packed.steps if step.kind != "SOFTMAX" and step.macs} == {"lanes", "words"}
    assert constants(packed) <= 1.1 * constants(plain)


def test_ram_mode_needs_no_more_scratch() -> None:
    graph = read_model(DIGITS.read_bytes(), "digits")
    default, small = (lower(graph, Target("mve", mode)) for mode in ("default", "ram"))

    assert all(a.scratch <= b.scratch for a, b in zip(small.steps, default.steps, strict=True))
