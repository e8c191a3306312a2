"""Convolutions with filters three taps wide: fields and Winograd, at the limits of their arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert import schema_py_generated as schema
from host import execute
from oracle import Case, TensorSpec, build, expected, single

from midge.runtime.lower import candidates, lower
from midge.runtime.lower import check as check_node
from midge.runtime.operators.variants import fields, row_bands, winograd
from midge.runtime.program import Choice, Target
from midge.runtime.tflite.reader import read_model

Array = npt.NDArray[Any]

SAME, VALID = 0, 1


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every layer that the kernels can compute, whether or not it pays and whatever memory it takes."""
    monkeypatch.setattr(fields, "_DIRECT", float("inf"))
    monkeypatch.setattr(winograd, "_DIRECT", float("inf"))
    monkeypatch.setattr(row_bands, "_LEAST_SCRATCH", 2**20)


def layer(
    shape: tuple[int, int, int],
    filters: tuple[int, int, int],
    padding: int = SAME,
    stride: int = 1,
    weights: Array | None = None,
    feed: Array | None = None,
    zero_point: int = -128,
) -> Case:
    """Make a CONV_2D of one image; `shape` is (height, width, channels), `filters` (channels, height, width)."""
    rng = np.random.default_rng(5)
    height, width, channels = shape
    outputs, filter_height, filter_width = filters
    if weights is None:
        weights = rng.integers(-127, 128, (outputs, filter_height, filter_width, channels), np.int8)
    if feed is None:
        feed = rng.integers(-128, 128, (1, height, width, channels), np.int8)
    lost = (0, 0) if padding == SAME else (filter_height - 1, filter_width - 1)
    output = (1, -(-(height - lost[0]) // stride), -(-(width - lost[1]) // stride), outputs)
    depth = weights[0].size
    specs = [
        TensorSpec((1, *shape), "int8", 0.5, zero_point),
        TensorSpec(weights.shape, "int8", np.full(outputs, 0.01, np.float32), 0, 0, weights),
        TensorSpec((outputs,), "int32", np.full(outputs, 0.005, np.float32), 0, 0, np.arange(outputs, dtype=np.int32)),
    ]
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = padding, stride, stride
    options.dilationHFactor = options.dilationWFactor = 1
    scale = float(np.float32(0.5 * 0.01 * 74 * 74 * depth**0.5 / 40))
    return single("CONV_2D", specs, [TensorSpec(output, "int8", scale, 3)], [feed], options, 3)


def ways(case: Case, mode: str) -> list[str]:
    """Return the names of the variants that Armv7E-M has for a layer."""
    (node,) = read_model(build(case), "case").nodes()
    check_node(node)
    return [name for name, _ in candidates(node, Target("armv7em", mode))]


def compute(case: Case, mode: str, variant: str) -> Array:
    """Return what one variant makes of a layer, its inner loops in portable C."""
    program = lower(read_model(build(case), "case"), Target("armv7em", mode), {0: Choice(variant)})
    assert program.steps[0].variant == variant
    return execute(program, case.feeds)[0]


@pytest.mark.parametrize(("mode", "variant"), [("speed", "fields"), ("speed", "winograd")])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("shape", [(32, 32, 16), (18, 31, 24)])
def test_the_greatest_sums_do_not_run_into_each_other(
    mode: str, variant: str, sign: int, shape: tuple[int, int, int]
) -> None:
    """Weights and inputs of greatest magnitude everywhere, of one sign and of the other, give the oracle's bits."""
    weights = np.full((16, 3, 3, shape[2]), 127, np.int8)
    weights[1::2] = -127
    feed = np.full((1, *shape), -128 if sign < 0 else 127, np.int8)
    case = layer(shape, (16, 3, 3), weights=weights, feed=feed, zero_point=0)

    assert np.array_equal(compute(case, mode, variant), expected(case)[0])


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("width", [12, 13])
@pytest.mark.parametrize("filters", [(3, 2), (3, 3), (1, 5), (2, 7)])
def test_fields_take_filters_of_several_widths(padding: int, width: int, filters: tuple[int, int]) -> None:
    """Even and odd widths, and widths that are no multiple of three taps, give the oracle's bits."""
    case = layer((30, width, 16), (16, *filters), padding)
    (node,) = read_model(build(case), "case").nodes()
    window = fields.conv_geometry(node)
    weights = np.asarray(node.input(1).data)
    segments = fields._segments(fields._cut(weights))
    assert segments is not None

    for bands in fields._candidates(window, *segments):
        assert bands.rows == window.output_height or bands.rows * bands.period % 2 == 0
        assert bands.period >= window.input_width

    assert np.array_equal(compute(case, "speed", "fields"), expected(case)[0])


def test_no_segment_overflows_a_field() -> None:
    """In every segment and output channel 128 * the sum of magnitudes stays below 2^20, and no entry is left out."""
    rng = np.random.default_rng(8)
    for channels in (1, 3, 16, 40, 64):
        taps = fields._cut(rng.integers(-128, 128, (4, 3, 3, channels)).astype(np.int8))
        found = fields._segments(taps)
        assert found is not None
        count, length = found
        magnitudes = np.abs(taps.astype(np.int64)).reshape(4, -1, 3).sum(axis=2)

        assert length % 8 == 0
        assert count * length >= magnitudes.shape[1]
        for first in range(0, magnitudes.shape[1], length):
            assert 128 * magnitudes[:, first : first + length].sum(axis=1).max() < 2**20


def test_transformed_filters_give_four_times_the_convolution() -> None:
    """A^T (U * V) A is 4 * the 2x2 outputs of a tile, with U from the packed weights and V and A as in winograd.h."""
    rng = np.random.default_rng(9)
    weights = rng.integers(-128, 128, (2, 3, 3, 8)).astype(np.int8)
    tile = rng.integers(-128, 128, (4, 4, 8))
    packed = winograd._transform(weights)
    low, high = packed.astype(np.int16).astype(np.int64), (packed >> 16).astype(np.int64)
    # [1][16][words][2]: words 2q and 2q + 1 hold channels 4q and 4q + 2, 4q + 1 and 4q + 3.
    transformed = np.zeros((2, 16, 8), np.int64)
    for word in range(4):
        channel = word // 2 * 4 + word % 2
        transformed[:, :, channel], transformed[:, :, channel + 2] = low[0, :, word].T, high[0, :, word].T
    b = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    a = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])
    places = np.einsum("yi,ijc,xj->xyc", b, tile, b).reshape(16, 8)

    for output in range(2):
        products = (transformed[output] * places).sum(axis=1).reshape(4, 4).T
        direct = [
            [(tile[y : y + 3, x : x + 3] * weights[output].astype(np.int64)).sum() for x in range(2)] for y in range(2)
        ]

        assert np.array_equal(a @ products @ a.T, 4 * np.array(direct))


def test_what_does_not_fit_is_turned_down() -> None:
    """A stride, channels in odd numbers, single taps and modes that must not grow leave the layer to others."""
    assert "winograd" in ways(layer((16, 16, 32), (32, 3, 3)), "speed")
    assert "winograd" not in ways(layer((16, 16, 32), (32, 3, 3)), "default")
    assert "winograd" not in ways(layer((16, 16, 32), (31, 3, 3)), "speed")
    assert "winograd" not in ways(layer((16, 16, 30), (32, 3, 3)), "speed")
    assert "fields" in ways(layer((32, 32, 16), (16, 3, 3)), "default")
    assert "fields" not in ways(layer((32, 32, 16), (16, 3, 3)), "size")
    assert not {"fields", "winograd"} & set(ways(layer((16, 16, 32), (32, 3, 3), stride=2), "speed"))
    assert not {"fields", "winograd"} & set(ways(layer((16, 16, 32), (32, 3, 1)), "speed"))
