"""Weights of few values, stored in four bits each: the same bits, half the bytes, and only where that pays."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert import schema_py_generated as schema
from core_host import run_way
from core_layers import Layer, make_layer, ways
from oracle import TensorSpec, build, single

from midge.runtime.graph import Node
from midge.runtime.lower import candidates, check
from midge.runtime.operators.few_values import codebook_of, pays, stored_bytes
from midge.runtime.operators.variants.packed import pack_codes, pack_nibbles
from midge.runtime.program import Target
from midge.runtime.tflite.reader import read_model

LAYERS = 8
"""Random layers per operator, type of weights and instruction set."""
WAYS = {
    "armv7em": ("nibbles", "codebook"),
    "armv7m": ("masked_nibbles", "masked_codebook", "joined_packed"),
    "armv6m": ("masked_nibbles", "masked_codebook", "segments_packed"),
    "riscv": ("masked_nibbles", "masked_codebook", "segments_packed"),
}
"""Variants that store four bits per weight, by instruction set."""
CODEBOOK = np.array([-120, -99, -77, -60, -48, -31, -17, -5, 0, 9, 21, 37, 52, 69, 88, 127], np.int8)


@cache
def random_layer(operator: str, dtype: str, number: int) -> Layer:
    """Return the same layer for all instruction sets: the oracle is asked once."""
    return make_layer(operator, dtype, 31, number)


@pytest.mark.parametrize("arch", WAYS)
@pytest.mark.parametrize("dtype", ["int4", "clustered"])
@pytest.mark.parametrize("operator", ["CONV_2D", "FULLY_CONNECTED"])
def test_four_bits_per_weight_change_no_bit(arch: str, dtype: str, operator: str) -> None:
    """Layers with int4 weights and with int8 weights of few values equal the oracle's, whether it pays or not."""
    runs = 0
    for number in range(LAYERS):
        layer = random_layer(operator, dtype, number)
        for way in ways(layer, arch):
            if way.name.partition(":")[0] in WAYS[arch]:
                runs += 1

                assert run_way(layer, way) is None, f"{layer.name} ({way.name})"
    assert runs >= LAYERS // 2


def fully_connected(weights: npt.NDArray[np.int8], dtype: str = "int8") -> Node:
    """Return a fully connected layer with one scale."""
    channels, depth = weights.shape
    specs = [
        TensorSpec((1, depth), "int8", 0.02, 3),
        TensorSpec(weights.shape, dtype, np.float32(0.01), 0, 0, weights),
    ]
    output, feed = TensorSpec((1, channels), "int8", 0.05, -128), np.zeros((1, depth), np.int8)
    case = single("FULLY_CONNECTED", specs, [output], [feed], schema.FullyConnectedOptionsT(), 3)
    (node,) = read_model(build(case), "case").nodes()
    check(node)
    return node


def draw(values: npt.NDArray[np.int8], channels: int = 64, depth: int = 256) -> npt.NDArray[np.int8]:
    """Return weights that take each of these values."""
    return np.random.default_rng(2).permutation(np.resize(values, channels * depth)).reshape(channels, depth)


@pytest.mark.parametrize("arch", WAYS)
@pytest.mark.parametrize("dtype", ["int8", "int4"])
def test_few_values_take_half_the_bytes(arch: str, dtype: str) -> None:
    """Default and size mode store them in four bits; records and segments leave a third of all bytes saved."""
    values = CODEBOOK if dtype == "int8" else np.arange(-8, 8, dtype=np.int8)
    node = fully_connected(draw(values), dtype)
    for mode in ("default", "size"):
        name, calls = next(candidates(node, Target(arch, mode)))

        assert name in WAYS[arch]
        assert sum(array.nbytes for array in calls[0].constants().values()) <= 64 * 256 * 2 // 3


@pytest.mark.parametrize("arch", WAYS)
def test_ram_mode_spends_no_memory_on_tables(arch: str) -> None:
    """Nibbles need no scratch that bytes would not; the values of a fully connected layer go to a table of 1,024."""
    nibbles, values = draw(np.arange(-8, 8, dtype=np.int8)), draw(CODEBOOK)

    assert next(candidates(fully_connected(nibbles), Target(arch, "ram")))[0] == WAYS[arch][0]
    assert next(candidates(fully_connected(values), Target(arch, "ram")))[0] not in WAYS[arch]


@pytest.mark.parametrize("arch", WAYS)
def test_speed_mode_looks_no_values_up_of_its_own_accord(arch: str) -> None:
    """That takes longer everywhere; on a Cortex-M4 the tuner may try."""
    names = [name for name, _ in candidates(fully_connected(draw(CODEBOOK)), Target(arch, "speed"))]

    assert names[0] not in WAYS[arch]
    assert ("codebook" in names) == (arch == "armv7em")


@pytest.mark.parametrize("arch", WAYS)
def test_nibbles_are_faster_than_bytes_without_simd(arch: str) -> None:
    """One product for two channels, and half the loads: the first choice in every mode."""
    node = fully_connected(draw(np.arange(-8, 8, dtype=np.int8)), "int4")

    assert (next(candidates(node, Target(arch, "speed")))[0] == "masked_nibbles") == (arch != "armv7em")


@pytest.mark.parametrize("arch", WAYS)
def test_what_does_not_pay_is_turned_down(arch: str) -> None:
    """17 values need five bits; of 8 x 14 weights half is less than the 64 bytes that must be saved at least."""
    many = draw(np.append(CODEBOOK, np.int8(1)))
    for weights in (many, draw(CODEBOOK, 8, 14)):
        names = [name for name, _ in candidates(fully_connected(weights), Target(arch, "size"))]

        assert not set(names) & set(WAYS[arch])


@pytest.mark.parametrize("arch", ["armv7em", "riscv"])
def test_lists_of_few_weights_beat_four_bits_for_all(arch: str) -> None:
    """Two bytes for each of 5 % of the weights are less than half a byte for all, and take less time."""
    weights = draw(CODEBOOK)
    weights[np.random.default_rng(3).random(weights.shape) < 0.95] = 0
    for mode in ("default", "size", "ram"):
        assert next(candidates(fully_connected(weights), Target(arch, mode)))[0] == "sparse"


def test_lists_that_only_whole_bytes_exceed_are_turned_down() -> None:
    """At 40 % of weights left lists take 0.8 bytes for each weight: less than one, more than half."""
    weights = draw(CODEBOOK)
    weights[np.random.default_rng(3).random(weights.shape) < 0.6] = 0

    assert next(candidates(fully_connected(weights), Target("armv7em", "size")))[0] == "codebook"


def test_four_bits_pay_from_an_eighth_and_64_bytes_on() -> None:
    """The larger of the two decides; 16 values cost 16 bytes, weights of -8 to 7 none."""
    assert pays(1000, 875)
    assert not pays(1000, 876)
    assert pays(128, 64)
    assert not pays(127, 64)
    assert stored_bytes(draw(CODEBOOK)) == 64 * 256 // 2 + 16
    assert stored_bytes(draw(np.arange(-8, 8, dtype=np.int8))) == 64 * 256 // 2
    assert stored_bytes(draw(CODEBOOK, 4, 20)) == 80


def test_a_codebook_has_each_value_once_in_order() -> None:
    """At most 16 values, the negative ones first."""
    assert (codebook_of(draw(CODEBOOK)) == CODEBOOK).all()
    assert codebook_of(np.array([[3, -4], [-4, 3]], np.int8)).tolist() == [-4, 3]  # type: ignore[union-attr]
    assert codebook_of(np.arange(17, dtype=np.int8)) is None


def test_nibbles_add_up_to_four_channels_sums() -> None:
    """A halfword is w0 + 8 + 16 (w1 + 8) + 256 (w2 + 8) + 4096 w3: inputs 0 and 2 share a word, 1 and 3 the next."""
    rows = np.array([[1, -2, 3, -8], [7, 0, 0, 1], [-1, 2, 0, 0], [-8, 7, 1, 0]], np.int8)
    halves = [(w[0] + 8) + 16 * (w[1] + 8) + 256 * (w[2] + 8) + 4096 * w[3] for w in rows.T.astype(int)]

    packed = pack_nibbles(rows)

    assert packed is not None
    assert packed.view(np.int16).tolist() == [[np.int16(halves[i] + 2**15) ^ -(2**15) for i in (0, 2, 1, 3)]]


def test_codes_of_two_inputs_share_a_byte() -> None:
    """A byte of a word is one channel's two indices: inputs 0 and 2, then inputs 1 and 3."""
    codes = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]])

    packed = pack_codes(codes)

    assert packed.view(np.uint8).tolist() == [[0x20, 0x64, 0xA8, 0xEC, 0x31, 0x75, 0xB9, 0xFD]]
