"""Layers with many zeros: the kernels that leave them out give the oracle's bits, and know when they pay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert import schema_py_generated as schema
from core_host import run_way
from core_layers import make_layer, ways
from oracle import TensorSpec, build, single

from midge.runtime.lower import candidates, check
from midge.runtime.operators.variants import blocks, sparse
from midge.runtime.program import Target
from midge.runtime.tflite.reader import read_model

LAYERS = 12
"""Random layers per operator and instruction set."""
ARCHES = ("armv7em", "riscv")
LISTS_ONLY = ("armv7m", "armv6m")
"""Instruction sets with lists for fully connected layers, and nothing else."""


@pytest.mark.parametrize(
    ("operator", "arch"),
    [(operator, arch) for operator in ("CONV_2D", "FULLY_CONNECTED") for arch in ARCHES]
    + [("FULLY_CONNECTED", arch) for arch in LISTS_ONLY],
)
def test_leaving_zeros_out_changes_no_bit(arch: str, operator: str) -> None:
    """Layers with zeros anywhere, in blocks, in whole rows, everywhere or nowhere: all equal the oracle's."""
    runs = 0
    for number in range(LAYERS):
        layer = make_layer(operator, "sparse", 7, number)
        for way in ways(layer, arch):
            if way.name.startswith(("sparse", "blocks")):
                runs += 1

                assert run_way(layer, way) is None, f"{layer.name} ({way.name})"
    assert runs >= LAYERS // 2


def test_lists_hold_every_weight_that_is_not_zero() -> None:
    """A list is a count and so many places and weights, for each output channel and each 256 inputs."""
    rows = np.zeros((2, 300), np.int8)
    rows[0, [3, 255]] = 7, -128
    rows[1, [256, 299]] = -1, 5

    lists = sparse.pack_lists(rows)

    assert lists.tolist() == [2, 3 | 7 << 8, 255 | 128 << 8, 0, 0, 2, 0 | 255 << 8, 43 | 5 << 8]


def test_places_name_the_blocks_that_are_left() -> None:
    """A byte counts pairs of blocks; where their number is odd, a block of zeros in column 0 is added."""
    rows = np.zeros((6, 5), np.int8)
    rows[2, 3] = 9
    rows[5, [0, 4]] = 1, 2

    places, left = blocks.pack_places(blocks.cut_blocks(rows))

    assert places.tolist() == [1, 1, 0, 1, 0, 2]
    assert left.shape == (4, 4, 2)
    assert (left[0, 2, 1], left[2, 1, 0], left[3, 1, 0]) == (9, 1, 2)
    assert np.count_nonzero(left) == 3


def first_choice(arch: str, mode: str, weights: npt.NDArray[np.int8]) -> str:
    """Return the variant that a fully connected layer gets without a tuner."""
    channels, depth = weights.shape
    specs = [
        TensorSpec((1, depth), "int8", 0.02, 3),
        TensorSpec(weights.shape, "int8", np.full(channels, 0.01, np.float32), 0, 0, weights),
    ]
    output = TensorSpec((1, channels), "int8", 0.05, -128)
    feed = np.zeros((1, depth), np.int8)
    case = single("FULLY_CONNECTED", specs, [output], [feed], schema.FullyConnectedOptionsT(), 3)
    (node,) = read_model(build(case), "case").nodes()
    check(node)
    name, calls = next(candidates(node, Target(arch, mode)))
    if mode == "default" and name in ("sparse", "blocks"):
        assert sum(array.nbytes for array in calls[0].constants().values()) <= weights.size + 12 * channels
    return name


def random_weights(part: float, block: tuple[int, int] = (1, 1)) -> npt.NDArray[np.int8]:
    """Return weights for 256 inputs and 64 outputs of which a part is zero, block by block."""
    rng = np.random.default_rng(11)
    kept = (rng.random((64 // block[0], 256 // block[1])) >= part).repeat(block[0], axis=0).repeat(block[1], axis=1)
    return (rng.integers(1, 128, (64, 256)) * kept).astype(np.int8)


@pytest.mark.parametrize("arch", ARCHES)
def test_zeros_are_left_out_where_that_pays(arch: str) -> None:
    """Few weights go into lists and few blocks into blocks; a layer with few zeros or none is left to others."""
    for mode in ("default", "speed", "size", "ram"):
        assert first_choice(arch, mode, random_weights(0.95)) == "sparse"
        assert first_choice(arch, mode, random_weights(0.75, blocks.BLOCKS[0])) == "blocks"
        assert first_choice(arch, mode, random_weights(0.0)) not in ("sparse", "blocks")
        assert first_choice(arch, mode, random_weights(0.25)) not in ("sparse", "blocks")


@pytest.mark.parametrize("arch", LISTS_ONLY)
def test_lists_pay_without_simd(arch: str) -> None:
    """Few weights go into lists in every mode; a layer with few zeros or none is left to others."""
    for mode in ("default", "speed", "size", "ram"):
        assert first_choice(arch, mode, random_weights(0.9)) == "sparse"
        assert first_choice(arch, mode, random_weights(0.0)) != "sparse"
        assert first_choice(arch, mode, random_weights(0.25)) != "sparse"


def test_what_pays_depends_on_the_core_and_the_mode() -> None:
    """Three quarters of zeros anywhere save time on RV32, and on a Cortex-M4 nothing but flash."""
    weights = random_weights(0.75)

    assert first_choice("riscv", "default", weights) == "sparse"
    assert first_choice("armv7em", "default", weights) not in ("sparse", "blocks")
    assert first_choice("armv7em", "size", weights) == "sparse"
