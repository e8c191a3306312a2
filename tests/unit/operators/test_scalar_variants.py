"""The variants for cores without SIMD: how weights are packed and cut, how much flash and scratch they take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.runtime.lower import lower
from midge.runtime.program import KernelCall, Target
from midge.runtime.tflite.reader import read_model

DIGITS = Path(__file__).parents[2] / "models" / "digits_int8.tflite"
SEGMENTED = "midge_conv_2d_segments_s8"
JOINED = "midge_conv_2d_joined_s8"


def calls(arch: str, kernel: str, optimize: str = "default") -> Iterator[KernelCall]:
    program = lower(read_model(DIGITS.read_bytes(), "digits"), Target(arch, optimize))
    for step in program.steps:
        yield from (call for call in step.calls if call.kernel == kernel)


def depth_of(call: KernelCall) -> tuple[int, int]:
    """Return the rows of a convolution's filter and the elements of each."""
    window: Any = call.params["window"]
    channels, height, width = window[3], window[7], window[8]
    return height, width * channels


def lengths(call: KernelCall) -> list[int]:
    """Return the elements of all segments: half a byte each, one less than they are, the lower half first."""
    halves = call.constants()["segments"].astype(np.int64)
    found = (np.stack([halves & 15, halves >> 4], axis=1).ravel() + 1).tolist()
    # Half a byte may be left over at the end.
    weights = call.constants()["weights"]
    return found if sum(found) == weights.shape[0] * weights.shape[1] else found[:-1]


@pytest.mark.parametrize(("arch", "channels"), [("riscv", 4), ("armv6m", 2)])
def test_segments_cover_every_row_of_every_groups_filter(arch: str, channels: int) -> None:
    found = list(calls(arch, SEGMENTED))

    assert found
    for call in found:
        height, length = depth_of(call)
        weights, segments = call.constants()["weights"], lengths(call)
        assert weights.shape[1:] == (height * length, channels)
        ends = set(np.cumsum(segments).tolist())
        assert ends >= {length * (row + 1) for row in range(height * len(weights))}
        assert max(ends) == length * height * len(weights)


@pytest.mark.parametrize("arch", ["riscv", "armv6m"])
def test_low_halves_stay_between_borrow_and_carry_for_the_worst_inputs(arch: str) -> None:
    for call in calls(arch, SEGMENTED):
        weights = call.constants()["weights"].astype(np.int64)
        flat = weights.reshape(-1, weights.shape[2])
        begin = 0
        for length in lengths(call):
            part = flat[begin : begin + length]
            assert np.maximum(127 * part, -128 * part).sum(axis=0).max() < 2**15
            assert np.minimum(127 * part, -128 * part).sum(axis=0).min() >= -(2**15)
            begin += length


@pytest.mark.parametrize(("arch", "kernel"), [("riscv", SEGMENTED), ("armv6m", SEGMENTED), ("armv7m", JOINED)])
def test_scratch_is_sums_then_expanded_weights_then_two_windows_then_a_bands_outputs(arch: str, kernel: str) -> None:
    found = list(calls(arch, kernel))

    assert found
    for call in found:
        height, length = depth_of(call)
        window: Any = call.params["window"]
        names = ("group_channels", "block_channels", "patch_offset")
        group, block, patch_offset = (call.params[name] for name in names)
        assert isinstance(group, int) and isinstance(block, int) and isinstance(patch_offset, int)
        assert block % group == 0
        # Two channels share a word; where there are segments, each one and each row has a word of its own.
        assert patch_offset >= 8 * block + 2 * height * length * min(block, window[6])
        whole = (window[15], window[16], window[17], window[18]) == (0, window[4], 0, window[5])
        inside = patch_offset + (0 if whole else 2 * height * length)
        buffer_offset: Any = call.params["buffer_offset"]
        if buffer_offset == 0:
            assert call.scratch == inside
        else:
            assert inside <= buffer_offset < inside + 4
            assert call.scratch > buffer_offset


@pytest.mark.parametrize("arch", ["riscv", "armv6m", "armv7m"])
def test_packed_weights_take_at_most_a_tenth_more_than_the_models_own(arch: str) -> None:
    program = lower(read_model(DIGITS.read_bytes(), "digits"), Target(arch))
    sizes = [call.constants() for step in program.steps for call in step.calls if "weights" in call.params]

    packed = sum(constants["weights"].nbytes for constants in sizes)
    cut_up = sum(constants["segments"].nbytes for constants in sizes if "segments" in constants)

    assert cut_up <= packed / 10


def test_no_scratch_is_spent_where_code_counts() -> None:
    for arch in ("riscv", "armv6m", "armv7m"):
        assert not list(calls(arch, SEGMENTED, "size"))
        assert not list(calls(arch, JOINED, "size"))


@pytest.mark.parametrize(("arch", "kernel"), [("riscv", SEGMENTED), ("armv6m", SEGMENTED), ("armv7m", JOINED)])
def test_less_scratch_is_spent_where_memory_counts(arch: str, kernel: str) -> None:
    usual = max(call.scratch for call in calls(arch, kernel))
    least = max(call.scratch for call in calls(arch, kernel, "ram"))

    assert least < usual
