"""Channels that cannot change any output are cut out, and their shares move into biases."""

from __future__ import annotations

import numpy as np
import pytest
from sketch import RELU, SAME, VALID, Sketch, checked, data, output_shape

from midge.runtime.graph import DType, Graph
from midge.runtime.operators.conv_geometry import Conv2D
from midge.runtime.passes.drop_dead_channels import drop_dead_channels


def two_convs(
    first: object,
    bias: list[int],
    second: object,
    second_bias: list[int] | None,
    *,
    zero_point: int = 0,
    padding: int = VALID,
    fused: int = 0,
) -> Graph:
    """Input (1, 4, 4, 2), a 1x1 convolution, and another convolution behind it."""
    sketch = Sketch()
    source = sketch.activation(1, 4, 4, 2)
    weights = np.asarray(first, np.int8)
    weights = weights.reshape(len(weights), 1, 1, 2)
    middle = sketch.activation(1, 4, 4, len(weights), zero_point=zero_point)
    sketch.conv(source, weights, bias, middle, fused=fused)
    taps = np.asarray(second, np.int8)
    size = 4 if padding == SAME else 5 - taps.shape[1]
    output = sketch.activation(1, size, size, len(taps))
    sketch.conv(middle, taps, second_bias, output, padding=padding)
    return sketch.graph((source,), (output,))


def pointwise(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, np.int8)[:, None, None, :]


def test_a_constant_channel_moves_into_the_next_bias() -> None:
    """Channel 1 is always 5 + zero point: it adds 3 * 5 to the first sum and -2 * 5 to the second."""
    graph = two_convs([[1, 2], [0, 0]], [0, 5], pointwise([[1, 3], [7, -2]]), [10, 20], zero_point=-100)

    reduced = checked(drop_dead_channels(graph))

    assert output_shape(reduced, 0) == (1, 4, 4, 1)
    assert data(reduced, 0, 1).reshape(-1).tolist() == [1, 2] and data(reduced, 0, 2).tolist() == [0]
    assert data(reduced, 1, 1).reshape(-1).tolist() == [1, 7]
    assert data(reduced, 1, 2).tolist() == [10 + 3 * 5, 20 - 2 * 5]


def test_a_bias_appears_where_there_was_none() -> None:
    graph = two_convs([[1, 2], [0, 0]], [0, 5], pointwise([[1, 3], [7, -2]]), None)

    assert data(checked(drop_dead_channels(graph)), 1, 2).tolist() == [15, -10]


def test_a_channel_that_is_always_clamped_is_a_constant() -> None:
    """Channel 1 is at most 127 * (1 + 1) - 300 < 0 before RELU: it is always the zero point, and adds nothing."""
    graph = two_convs([[1, 2], [1, -1]], [0, -300], pointwise([[1, 3]]), [10], fused=RELU)

    reduced = checked(drop_dead_channels(graph))

    assert output_shape(reduced, 0) == (1, 4, 4, 1)
    assert data(reduced, 1, 2).tolist() == [10]


def test_a_channel_that_nobody_has_a_weight_for_is_dropped_whatever_it_is() -> None:
    graph = two_convs([[1, 2], [3, 4]], [0, 0], pointwise([[1, 0], [7, 0]]), [10, 20])

    reduced = checked(drop_dead_channels(graph))

    assert output_shape(reduced, 0) == (1, 4, 4, 1)
    assert data(reduced, 1, 2).tolist() == [10, 20]


@pytest.mark.parametrize(("bias", "left"), [(5, 2), (0, 1)])
def test_behind_padding_only_the_zero_point_is_a_constant(bias: int, left: int) -> None:
    """In the border a window sees the zero point in place of the channel's value."""
    taps = np.ones((1, 3, 3, 2), np.int8)
    graph = two_convs([[1, 2], [0, 0]], [0, bias], taps, [10], padding=SAME)

    assert output_shape(checked(drop_dead_channels(graph)), 0)[3] == left


def test_without_padding_each_tap_counts() -> None:
    taps = np.ones((1, 3, 3, 2), np.int8)
    graph = two_convs([[1, 2], [0, 0]], [0, 5], taps, [10])

    assert data(checked(drop_dead_channels(graph)), 1, 2).tolist() == [10 + 9 * 5]


@pytest.mark.parametrize(("bias", "left"), [(2**31 - 16, 1), (2**31 - 15, 2)])
def test_a_bias_that_could_overflow_is_left_alone(bias: int, left: int) -> None:
    """3 * 5 more than 2**31 - 16 still fit, more than 2**31 - 15 do not."""
    graph = two_convs([[1, 2], [0, 0]], [0, 5], pointwise([[1, 3]]), [bias])

    assert output_shape(checked(drop_dead_channels(graph)), 0)[3] == left


def test_the_outputs_of_the_graph_keep_their_channels() -> None:
    graph = two_convs([[1, 2], [3, 4]], [0, 0], pointwise([[1, 1], [0, 0]]), [10, 20])

    assert output_shape(drop_dead_channels(graph), 1) == (1, 4, 4, 2)


def test_a_tensor_keeps_one_channel() -> None:
    """Nothing of the first convolution is used, yet the second must read something."""
    graph = two_convs([[1, 2], [3, 4]], [0, 0], pointwise([[0, 0]]), [10])

    reduced = checked(drop_dead_channels(graph))

    assert output_shape(reduced, 0) == (1, 4, 4, 1)


def test_scales_are_cut_with_their_channels() -> None:
    sketch = Sketch()
    source = sketch.activation(1, 2, 2, 1)
    middle = sketch.activation(1, 2, 2, 3)
    sketch.conv(source, np.array([1, 0, 3]).reshape(3, 1, 1, 1), [0, 0, 0], middle, scale=[0.5, 0.25, 2.0])
    output = sketch.activation(1, 2, 2, 1)
    sketch.conv(middle, pointwise([[1, 1, 1]]), [0], output)

    reduced = checked(drop_dead_channels(sketch.graph((source,), (output,))))

    weights = reduced.operators[0].inputs[1]
    assert weights is not None
    kept = reduced.tensors[weights].quantization
    assert kept is not None and kept.scales.tolist() == [0.5, 2.0]


def test_a_depthwise_layer_ties_its_input_to_its_output() -> None:
    """Channel 1 is dead behind the depthwise layer: it goes before it, too. Channel 2 is used."""
    sketch = Sketch()
    source = sketch.activation(1, 3, 3, 1)
    first = sketch.activation(1, 3, 3, 3)
    sketch.conv(source, np.array([1, 2, 3]).reshape(3, 1, 1, 1), [0, 0, 0], first)
    second = sketch.activation(1, 3, 3, 3)
    sketch.depthwise(first, np.arange(27).reshape(1, 3, 3, 3), [1, 2, 3], second, SAME)
    output = sketch.activation(1, 3, 3, 1)
    sketch.conv(second, pointwise([[1, 0, 1]]), [0], output)

    reduced = checked(drop_dead_channels(sketch.graph((source,), (output,))))

    assert data(reduced, 0, 1).reshape(-1).tolist() == [1, 3]
    assert data(reduced, 1, 2).tolist() == [1, 3]
    assert output_shape(reduced, 1) == (1, 3, 3, 2)


def test_the_multiplier_of_a_depthwise_layer_on_one_channel_shrinks() -> None:
    sketch = Sketch()
    source = sketch.activation(1, 3, 3, 1)
    middle = sketch.activation(1, 3, 3, 8)
    sketch.depthwise(source, np.array([1, 0, 3, 0, 5, 0, 7, 0]).reshape(1, 1, 1, 8), [0, 7, 0, 0, 0, 0, 0, 0], middle)
    output = sketch.activation(1, 3, 3, 1)
    sketch.conv(middle, pointwise([[1, 2, 3, 4, 5, 6, 7, 8]]), [0], output)

    reduced = checked(drop_dead_channels(sketch.graph((source,), (output,))))

    assert reduced.operators[0].attributes.depth_multiplier == 4
    assert data(reduced, 1, 2).tolist() == [2 * 7]


def test_dead_channels_fill_the_last_group_of_four_up_without_weights() -> None:
    """Three of eight channels are live: four stay, the dead one without weights and at the first one's scale."""
    sketch = Sketch()
    source = sketch.activation(1, 2, 2, 1)
    middle, output = sketch.activation(1, 2, 2, 8), sketch.activation(1, 2, 2, 1)
    scales = [0.5, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]
    sketch.conv(source, np.arange(1, 9).reshape(8, 1, 1, 1), [9] * 8, middle, scale=scales)
    sketch.conv(middle, pointwise([[1, 0, 2, 0, 0, 3, 0, 0]]), [0], output)

    reduced = checked(drop_dead_channels(sketch.graph((source,), (output,))))

    assert data(reduced, 0, 1).reshape(-1).tolist() == [1, 0, 3, 6]
    assert data(reduced, 0, 2).tolist() == [9, 0, 9, 9]
    weights = reduced.operators[0].inputs[1]
    assert weights is not None
    kept = reduced.tensors[weights].quantization
    assert kept is not None and kept.scales.tolist() == [0.5, 0.5, 4.0, 32.0]
    assert data(reduced, 1, 1).reshape(-1).tolist() == [1, 0, 2, 3]


def test_a_sum_keeps_a_channel_that_one_of_its_sides_needs() -> None:
    """Channel 0 is constant on one side only; channel 1 is constant on both."""
    sketch = Sketch()
    source = sketch.activation(1, 2, 2, 1)
    left, right, total, output = (sketch.activation(1, 2, 2, 2) for _ in range(4))
    sketch.conv(source, np.array([0, 0]).reshape(2, 1, 1, 1), [1, 2], left)
    sketch.conv(source, np.array([5, 0]).reshape(2, 1, 1, 1), [3, 4], right)
    sketch.sum(left, right, total)
    sketch.conv(total, pointwise([[1, 1], [2, 3]]), [0, 0], output)

    reduced = checked(drop_dead_channels(sketch.graph((source,), (output,))))

    assert [output_shape(reduced, i)[3] for i in range(4)] == [1, 1, 1, 2]
    assert data(reduced, 3, 2).tolist() == [6, 18]  # the constant is 2 + 4


def test_flattened_channels_are_followed() -> None:
    """Of each pixel's two channels the second is constant: half of the columns go."""
    sketch = Sketch()
    source = sketch.activation(1, 1, 3, 1)
    middle = sketch.activation(1, 1, 3, 2)
    sketch.conv(source, np.array([1, 0]).reshape(2, 1, 1, 1), [0, 2], middle)
    flat = sketch.activation(1, 6)
    sketch.add("RESHAPE", (middle, sketch.constant([1, 6], DType.INT32)), flat)
    output = sketch.activation(1, 1)
    sketch.fully_connected(flat, [[1, 10, 2, 20, 3, 30]], [7], output)

    reduced = checked(drop_dead_channels(sketch.graph((source,), (output,))))

    assert output_shape(reduced, 1) == (1, 3)
    assert data(reduced, 2, 1).tolist() == [[1, 2, 3]]
    assert data(reduced, 2, 2).tolist() == [7 + 2 * (10 + 20 + 30)]


def test_float_layers_stay() -> None:
    """A product with a zero weight is not nothing where the other factor is infinite."""
    sketch = Sketch()
    source = sketch.activation(1, 2, 2, 1, dtype=DType.FLOAT32)
    middle = sketch.activation(1, 2, 2, 2, dtype=DType.FLOAT32)
    output = sketch.activation(1, 2, 2, 1, dtype=DType.FLOAT32)
    for a, weights, b in ((source, [[1], [0]], middle), (middle, [[1, 0]], output)):
        values = sketch.constant(np.array(weights)[:, None, None, :], DType.FLOAT32)
        sketch.add("CONV_2D", (a, values), b, Conv2D(VALID, 1, 1))
    graph = sketch.graph((source,), (output,))

    assert drop_dead_channels(graph) is graph
