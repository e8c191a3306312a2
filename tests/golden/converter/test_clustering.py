"""Codebooks in whole networks: how many values, which layers, what becomes of biases and zeros, and training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from integer_networks import assert_exported_as_simulated, family, integers

from midge.converter.data import Dataset
from midge.converter.steps import Cluster
from midge.converter.steps.step import Training
from midge.runtime.errors import ConversionError
from midge.runtime.operators.few_values import codebook_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def weights(network: Any) -> dict[int, np.ndarray]:
    """Return the weights of each layer, by tensor."""
    from midge.converter.qat.operators import WEIGHTED

    found = {
        node.input_index(1): node.input(1).data for node in network.graph.nodes() if node.operator.kind in WEIGHTED
    }
    return {index: data for index, data in found.items() if data is not None}


def test_layers_have_at_most_sixteen_values_but_for_the_smallest() -> None:
    from midge.converter.cluster import cluster_weights

    network, data = family("mlp")
    start = integers(network, data)
    clustered, layers = cluster_weights(start, data, 16)
    before, after = list(weights(start).values()), list(weights(clustered).values())

    # 32 x 20 and 16 x 32 weights; 4 x 16 would save 64 - (32 + 16) = 16 bytes.
    assert [(layer.weights, layer.values) for layer in layers] == [(640, 16), (512, 16)]
    assert [codebook_of(data) is not None for data in after] == [True, True, False]
    np.testing.assert_array_equal(after[2], before[2])
    assert all(0 < layer.error < 0.2 for layer in layers)
    assert_exported_as_simulated(clustered, data.inputs)


def test_biases_make_up_for_the_mean_error() -> None:
    from midge.converter.cluster import cluster_weights

    network, data = family("autoencoder")
    shifted = Dataset("calibration", (data.inputs[0] + 3,), None)
    start = integers(network, shifted)
    clustered, _ = cluster_weights(start, shifted, 4)
    # The first layer of the sums alone: outputs without their rounding to zero.
    first, second = start.graph.operators[0], clustered.graph.operators[0]
    sums = []
    for graph, op in ((start.graph, first), (clustered.graph, second)):
        source, tensor, bias = (graph.tensors[i] for i in op.inputs)
        stored = np.clip(
            np.round(shifted.inputs[0] / source.quantization.scale) + source.quantization.zero_point, -128, 127
        )
        real = (stored - source.quantization.zero_point) * source.quantization.scale
        matrix = tensor.data * tensor.quantization.scales[:, None].astype(np.float64)
        sums.append((real @ matrix.T + bias.data * bias.quantization.scales).mean(axis=0))

    # Half a step of a bias, and that on both sides.
    assert np.abs(sums[0] - sums[1]).max() < 1e-4 * np.abs(sums[0]).max()


def test_pruned_weights_stay_zero() -> None:
    from midge.converter.cluster import cluster_weights
    from midge.converter.network import from_keras

    network, data = family("mlp")
    kernel = network.keras_model.layers[0].kernel
    pruned = np.random.default_rng(1).random(kernel.shape) < 0.5
    kernel.assign(np.where(pruned, 0, kernel.numpy()))
    start = integers(from_keras(network.keras_model), data)
    clustered, _ = cluster_weights(start, data, 4)

    assert (next(iter(weights(clustered).values()))[pruned.T] == 0).all()


def test_training_keeps_to_the_codebooks() -> None:
    from midge.converter.cluster import cluster_weights
    from midge.converter.qat.train import train_integers

    network, data = family("mlp")
    start, _ = cluster_weights(integers(network, data), data, 4)
    trained = train_integers(start, network, data, Training(epochs=2, batch=16, learning_rate=1e-2))

    assert trained.loss_after < trained.loss_before
    for index, grid in start.grids.items():
        assert set(np.unique(trained.network.graph.tensors[index].data)) <= set(grid.levels)
    assert_exported_as_simulated(trained.network, data.inputs)


def test_the_report_names_the_layers_as_the_model_does() -> None:
    from midge.converter.checkpoints import Checkpoints
    from midge.converter.cluster import run
    from midge.converter.context import Context, State

    network, data = family("mlp")
    context = Context("model.keras", network, None, data, None, 0, Checkpoints(None), lambda stage: None)
    run(Cluster(values=16), State(network, integer=integers(network, data)), context)
    names = [layer.name for layer in network.keras_model.layers]

    assert [layer["name"] for layer in context.notes[0]["layers"]] == names[:2]


def test_a_network_that_tensorflow_quantized_is_refused() -> None:
    from midge.converter.checkpoints import Checkpoints
    from midge.converter.cluster import run
    from midge.converter.context import Context, State

    network, data = family("mlp")
    context = Context("model.keras", network, None, data, None, 0, Checkpoints(None), lambda stage: None)

    with pytest.raises(ConversionError, match=r"Midge's own quantizer.*recipe int8"):
        run(Cluster(), State(network, content=b""), context)
