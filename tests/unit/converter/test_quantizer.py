"""Midge's quantizer, on graphs written by hand; LiteRT says what they compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from float_graphs import RELU, SAME, VALID, Network, litert, samples

from midge.converter.data import Dataset
from midge.converter.quantizer.bias import correct_biases, input_means
from midge.converter.quantizer.bits import all_four
from midge.converter.quantizer.equalize import equalize, pairs
from midge.converter.quantizer.execute import divergence, outputs_of
from midge.converter.quantizer.mixed import choose_bits
from midge.converter.quantizer.network import quantize_network
from midge.converter.quantizer.observe import Histogram, Observed, observe
from midge.converter.quantizer.post_training import Settings, quantize
from midge.converter.quantizer.prepare import prepare
from midge.converter.quantizer.ranges import choose_ranges
from midge.converter.quantizer.rounding import round_weights
from midge.converter.quantizer.weighted import with_biases
from midge.runtime.errors import UnsupportedError
from midge.runtime.graph import DType, Graph
from midge.runtime.operators.movement import ConcatenationOptions
from midge.runtime.operators.pool import Pool2D
from midge.runtime.operators.softmax import SoftmaxOptions
from midge.runtime.tflite.reader import read_model
from midge.runtime.tflite.writer import write_model


def ranges_of(graph: Graph) -> dict[int, tuple[float, float]]:
    return choose_ranges(observe(graph, write_model(graph), samples(graph).inputs), "minmax")


def int8_of(graph: Graph) -> Graph:
    return quantize_network(graph, ranges_of(graph)).graph


def image_network() -> Graph:
    net = Network()
    x = net.conv(net.input(1, 8, 8, 2), 8, act=RELU)
    x = net.conv(net.depthwise(x, act=RELU, stride=2), 6, 1, act=RELU)
    x = net.operator("MAX_POOL_2D", [x], (1, 2, 2, 6), Pool2D(VALID, 2, 2, 2, 2, 0))
    x = net.operator("RESHAPE", [x, net.constant(np.array([1, 24], np.int32))], (1, 24))
    return net.graph(net.dense(net.dense(x, 16, act=RELU), 5))


def test_an_activations_scale_covers_its_range_and_zero_is_stored_exactly() -> None:
    """real = scale * (stored - zero_point) with 255 steps from the least to the greatest value."""
    net = Network()
    graph = net.graph(net.dense(net.input(1, 3), 2))
    x, y = graph.inputs[0], graph.outputs[0]

    quantized = quantize_network(graph, {x: (-1.0, 1.55), y: (2.0, 5.1)}).graph

    first, last = quantized.tensors[x].quantization, quantized.tensors[y].quantization
    assert first is not None and last is not None
    assert (first.scale, first.zero_point) == (pytest.approx(0.01), -28)
    assert (last.scale, last.zero_point) == (pytest.approx(0.02), -128)


def test_weights_are_symmetric_per_output_channel_and_biases_have_the_scale_of_the_products() -> None:
    net = Network()
    graph = net.graph(net.conv(net.input(1, 4, 4, 3), 5, spread=np.array([1, 4, 9, 16, 25]).reshape(5, 1, 1, 1)))
    exact_weights, exact_bias = (graph.tensors[graph.operators[0].inputs[n] or 0] for n in (1, 2))

    quantized = int8_of(graph)

    op = quantized.operators[0]
    x, weights, bias = (quantized.tensors[i] for i in op.inputs if i is not None)
    assert weights.quantization is not None and bias.quantization is not None and x.quantization is not None
    assert exact_weights.data is not None and exact_bias.data is not None
    greatest = np.abs(exact_weights.data).reshape(5, -1).max(axis=1)
    np.testing.assert_allclose(weights.quantization.scales, greatest / 127, rtol=1e-6)
    assert weights.data is not None and np.abs(weights.data.reshape(5, -1)).max(axis=1).tolist() == [127] * 5
    products = x.quantization.scale * weights.quantization.scales.astype(np.float64)
    assert bias.dtype is DType.INT32 and bias.data is not None
    np.testing.assert_array_equal(bias.data, np.round(exact_bias.data / products))


def test_softmax_has_the_scale_that_its_kernel_asks_for() -> None:
    net = Network()
    x = net.dense(net.input(1, 4), 3)
    graph = net.graph(net.operator("SOFTMAX", [x], (1, 3), SoftmaxOptions(1.0)))

    quantization = int8_of(graph).tensors[graph.outputs[0]].quantization

    assert quantization is not None and (quantization.scale, quantization.zero_point) == (1 / 256, -128)


def test_what_is_joined_shares_one_scale_that_covers_all() -> None:
    net = Network()
    x = net.input(1, 4)
    small, large = net.dense(x, 3, spread=0.01), net.dense(x, 3, spread=5.0)
    joined = net.operator("CONCATENATION", [small, large], (1, 6), ConcatenationOptions(1, 0))
    graph = net.graph(joined)

    quantized = int8_of(graph)

    scales = {quantized.tensors[i].quantization.scale for i in (small, large, joined)}  # type: ignore[union-attr]
    assert len(scales) == 1
    assert [op.kind for op in quantized.operators].count("QUANTIZE") == 0


def test_what_is_joined_with_a_fixed_scale_is_brought_in_line_by_quantize() -> None:
    """A softmax has a scale of its own; the other part keeps its range."""
    net = Network()
    x = net.input(1, 4)
    soft = net.operator("SOFTMAX", [net.dense(x, 3)], (1, 3), SoftmaxOptions(1.0))
    parts = [soft, net.dense(x, 3, spread=5.0)]
    graph = net.graph(net.operator("CONCATENATION", parts, (1, 6), ConcatenationOptions(1, 0)))
    data = samples(graph)

    quantized = int8_of(graph)

    assert "QUANTIZE" in [op.kind for op in quantized.operators]
    assert divergence(litert(graph, data), outputs_of(quantized, data)) < 1e-3


def test_an_operator_without_a_rule_is_refused_by_name() -> None:
    net = Network()
    graph = net.graph(net.operator("LOGISTIC", [net.input(1, 4)], (1, 4)))
    graph = graph.replace(operators=(dataclasses.replace(graph.operators[0], kind="NEG"),))

    with pytest.raises(UnsupportedError, match="NEG"):
        quantize_network(graph, {graph.inputs[0]: (0.0, 1.0), graph.outputs[0]: (0.0, 3.0)})


def test_a_file_with_int4_weights_is_read_back_as_it_was_and_saves_their_bytes() -> None:
    graph = image_network()
    weights = [op.inputs[1] for op in graph.operators if op.kind != "RESHAPE" and len(op.inputs) == 3]
    bits = dict.fromkeys((i for i in weights if i is not None), 4)

    wide, narrow = (quantize_network(graph, ranges_of(graph), b) for b in ({}, bits))

    back = read_model(narrow.content())
    for index in bits:
        assert back.tensors[index].dtype is DType.INT4
        np.testing.assert_array_equal(back.tensors[index].data, narrow.graph.tensors[index].data)  # type: ignore[arg-type]
        assert np.abs(back.tensors[index].data).max() <= 7  # type: ignore[arg-type]
    elements = sum(graph.tensors[i].elements for i in bits)
    assert len(wide.content()) - len(narrow.content()) >= elements // 2 - 16 * len(bits)


def test_the_first_and_last_layer_keep_eight_bits_where_they_are_small() -> None:
    net = Network()
    x = net.dense(net.input(1, 4), 32, act=RELU)
    x = net.dense(net.dense(x, 64, act=RELU), 64, act=RELU)
    graph = net.graph(net.dense(x, 4))

    kept = [op.inputs[1] not in all_four(graph) for op in graph.operators]

    assert kept == [True, False, False, True]


LAYERS: dict[str, Callable[[Network, int], int]] = {
    "same": lambda net, x: net.conv(x, 4),
    "valid, stride 2": lambda net, x: net.conv(x, 4, stride=2, padding=VALID),
    "same, stride 2": lambda net, x: net.conv(x, 4, stride=2, padding=SAME),
    "dilated": lambda net, x: net.conv(x, 4, dilation=2),
    "1x1": lambda net, x: net.conv(x, 4, 1),
    "depthwise": lambda net, x: net.depthwise(x),
    "depthwise, multiplied": lambda net, x: net.depthwise(x, 2, stride=2),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_mean_inputs_times_weights_are_the_mean_output(layer: str) -> None:
    """A layer without an activation is linear: its mean output is its weights times its mean inputs, plus the bias."""
    net = Network()
    graph = net.graph(LAYERS[layer](net, net.input(1, 7, 6, 3)))
    data = samples(graph)
    (means,) = input_means(graph, data).values()
    weights, bias = (means.node.input(n).data for n in (1, 2))
    assert weights is not None and bias is not None

    expected = litert(graph, data)[0].mean(axis=(0, 1, 2))

    np.testing.assert_allclose(means.sums(weights) + bias, expected, rtol=1e-4, atol=1e-5)


def test_corrected_biases_keep_the_mean_of_a_linear_layer() -> None:
    """Four bits move each output's mean; afterwards it is off by no more than a rounded output on average."""
    net = Network()
    graph = net.graph(net.dense(net.dense(net.input(1, 24), 16), 8, bias=False))
    graph, data = with_biases(graph), samples(graph, 64)
    shifted = Dataset(data.role, (np.asarray(data.inputs[0]) + np.float32(2.0),), None)
    ranges = choose_ranges(observe(graph, write_model(graph), shifted.inputs), "minmax")
    bits = {op.inputs[1]: 4 for op in graph.operators if op.inputs[1] is not None}
    rough = quantize_network(graph, ranges, bits)
    expected = litert(graph, shifted)[0].mean(axis=0)

    corrected = correct_biases(rough, shifted)

    step = rough.graph.tensors[graph.outputs[0]].quantization.scale  # type: ignore[union-attr]
    before, after = (np.abs(outputs_of(n.graph, shifted)[0].mean(axis=0) - expected) for n in (rough, corrected))
    assert before.max() > 2 * step
    assert after.max() < step / 2


def test_equalized_layers_compute_the_same_bits() -> None:
    graph = image_network()
    data = samples(graph)

    scaled = equalize(prepare(graph), data)

    changed = [n for n, (a, b) in enumerate(zip(graph.tensors, scaled.tensors, strict=True)) if a.data is not b.data]
    assert changed
    np.testing.assert_array_equal(litert(graph, data)[0], litert(scaled, data)[0])


def test_layers_are_equalized_where_one_alone_reads_the_other() -> None:
    net = Network()
    x = net.conv(net.input(1, 4, 4, 2), 4, act=RELU)
    one, two = net.conv(x, 4, act=RELU), net.conv(x, 4, act=RELU)
    last = net.conv(two, 3)
    graph = net.graph(one, last)

    found = [(pair.first.operator.outputs[0], pair.second.operator.outputs[0]) for pair in pairs(graph)]

    assert found == [(two, last)]


def test_equalization_brings_a_channel_that_dwarfs_the_others_into_line() -> None:
    """One channel is 256 times the others: in one scale for all, those keep next to nothing of their 8 bits."""
    net = Network()
    wide = np.where(np.arange(8) == 0, 256.0, 1.0)
    x = net.dense(net.input(1, 16), 8, act=RELU, spread=wide[:, None])
    graph = net.graph(net.dense(x, 4, spread=1 / wide))
    data = samples(graph, 64)
    exact = litert(graph, data)

    errors = [
        divergence(exact, outputs_of(quantize(write_model(graph), data, Settings(equalize=on)).network.graph, data))
        for on in (False, True)
    ]

    assert errors[1] < errors[0] / 4


def test_mixed_precision_stays_within_its_budget_and_spends_it() -> None:
    graph = with_biases(image_network())
    data, ranges = samples(graph, 64), ranges_of(graph)
    exact = litert(graph, data)
    shares = []
    for budget in (0.0, 0.002, 10.0):
        choice = choose_bits(graph, ranges, data, budget)
        found = divergence(exact, outputs_of(quantize_network(graph, ranges, choice.bits).graph, data))
        assert found == pytest.approx(choice.loss, abs=1e-6)
        assert choice.loss <= choice.loss_int8 + budget
        shares.append(sum(graph.tensors[i].elements for i in choice.bits))

    assert shares[0] < shares[1] < shares[2] == sum(layer.weights for layer in choice.layers)


@pytest.mark.parametrize("layer", ["dense", "conv", "depthwise"])
def test_weights_that_make_up_for_each_other_change_the_sums_less(layer: str) -> None:
    """Inputs that go together let one weight's error be undone by another's; stored integers stay within four bits."""
    net = Network()
    if layer == "dense":
        graph = net.graph(net.dense(net.input(1, 32), 16))
    else:
        x = net.input(1, 8, 8, 4)
        graph = net.graph(net.conv(x, 8) if layer == "conv" else net.depthwise(x, 2))
    data = samples(graph, 64)
    values = np.cumsum(np.asarray(data.inputs[0]), axis=1, dtype=np.float32)  # neighbours resemble each other
    data = Dataset(data.role, (values,), None)
    ranges = choose_ranges(observe(graph, write_model(graph), data.inputs), "minmax")
    index = graph.operators[0].inputs[1]
    assert index is not None
    nearest = quantize_network(graph, ranges, {index: 4})

    compensated = round_weights(nearest, data)

    exact = litert(graph, data)
    errors = [divergence(exact, outputs_of(correct_biases(n, data).graph, data)) for n in (nearest, compensated)]
    assert errors[1] < 0.8 * errors[0]
    stored = compensated.graph.tensors[index].data
    assert stored is not None and np.abs(stored).max() <= 7


def test_percentiles_leave_out_the_rarest_values() -> None:
    """Of 100,000 values in 0 to 1 and one of 50, the greatest 0.01 % end near 1."""
    found = Observed(histogram=Histogram())
    found.add(np.random.default_rng(0).random(100_000).astype(np.float32))
    found.add(np.array([50.0], np.float32))

    low, high = choose_ranges({0: found}, "percentile", 99.98)[0]

    assert low == 0.0 and 0.95 < high < 1.1
    assert choose_ranges({0: found}, "minmax")[0] == (0.0, 50.0)


def test_the_range_of_least_error_is_the_one_that_brute_force_finds() -> None:
    values = np.random.default_rng(0).standard_t(3, 200_000).astype(np.float32)
    found = Observed(histogram=Histogram())
    found.add(values)

    def error(low: float, high: float) -> float:
        scale = (high - low) / 255
        stored = np.clip(np.round((values - low) / scale), 0, 255)
        return float(((stored * scale + low - values) ** 2).mean())

    ends = np.linspace(0.4, 1.0, 16)
    best = min(error(float(values.min()) * a, float(values.max()) * b) for a in ends for b in ends)
    low, high = choose_ranges({0: found}, "mse")[0]

    assert error(low, high) < 1.1 * best
    assert error(low, high) < 0.8 * error(float(values.min()), float(values.max()))


def test_a_histogram_keeps_every_count_while_it_grows() -> None:
    histogram = Histogram()
    for reach in (0.1, 3.0, 1000.0):
        histogram.add(np.linspace(-reach, reach, 1000, dtype=np.float32))

    assert histogram.counts.sum() == 3000
    assert histogram.reach >= 1000.0
