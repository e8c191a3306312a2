"""A channel's record scales every sum that the channel can have to the reference's result."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from midge.runtime.fixed_point import multiply_by_quantized_multiplier
from midge.runtime.graph import DType, Graph, Node, Operator, Quantization, Tensor
from midge.runtime.operators.fully_connected import FullyConnected
from midge.runtime.operators.weighted import channel_records, factors

DEPTH, CHANNELS = 24, 40


def layer(weights: npt.NDArray[np.int8], bias: npt.NDArray[np.int32], scales: npt.NDArray[np.float32]) -> Node:
    """Return a fully connected layer; input scale 1 and zero point 3, output scale 1 and zero point 5."""

    def activations(name: str, elements: int, zero_point: int) -> Tensor:
        quantization = Quantization(np.array([1], np.float32), np.array([zero_point]))
        return Tensor(name, (1, elements), DType.INT8, quantization)

    per_channel = Quantization(scales, np.zeros(len(scales), np.int64))
    tensors = (
        activations("x", weights.shape[1], 3),
        Tensor("w", weights.shape, DType.INT8, per_channel, data=weights),
        Tensor("b", bias.shape, DType.INT32, data=bias),
        activations("y", len(weights), 5),
    )
    operator = Operator("FULLY_CONNECTED", (0, 1, 2), (3,), FullyConnected())
    return next(iter(Graph("g", tensors, (operator,), (0,), (3,)).nodes()))


def by_record(sums: npt.NDArray[np.int64], records: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Compute what requantize.h says of midge_requantize_record_s8, up to the clamp."""
    bias, multiplier, shift = records.astype(np.int64).T
    x = sums + bias
    scaled = x + ((x * multiplier + 2**31) >> 32)
    scaled += scaled >> 31
    result: npt.NDArray[np.int64] = (scaled + ((2 * 5 + 1) << (shift - 1))) >> shift
    return result


@pytest.mark.parametrize("seed", range(20))
def test_records_scale_as_the_reference_does(seed: int) -> None:
    """Among the channels are some without weights, with large biases, and some whose scale is next to nothing."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-128, 128, (CHANNELS, DEPTH)).astype(np.int8)
    bias = rng.integers(-(2**14), 2**14, CHANNELS).astype(np.int32)
    scales = np.exp2(rng.uniform(-20, -1.5, CHANNELS)).astype(np.float32)
    weights[:10] = 0
    bias[:10] = rng.integers(-(2**28), 2**28, 10)
    scales[5:15] = np.exp2(rng.uniform(-31, -22, 10))
    node = layer(weights, bias, scales)

    records = channel_records(node, weights)

    assert records is not None
    for _ in range(50):
        x = rng.choice([-128, 127, *range(-9, 9)], DEPTH)
        sums = weights.astype(np.int64) @ x
        exact = sums - 3 * weights.astype(np.int64).sum(axis=1) + bias
        expected = multiply_by_quantized_multiplier(exact, *factors(node)).astype(np.int64) + 5

        clamped = np.clip(by_record(sums, records), -128, 127)
        assert np.array_equal(clamped, np.clip(expected, -128, 127))


def test_factors_of_a_half_and_more_have_no_record() -> None:
    weights = np.ones((1, DEPTH), np.int8)

    assert channel_records(layer(weights, np.zeros(1, np.int32), np.array([0.5], np.float32)), weights) is None
    assert channel_records(layer(weights, np.zeros(1, np.int32), np.array([0.49], np.float32)), weights) is not None
