"""The reference residual network, trained in its integers: what training computes is what TFLM computes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from integer_networks import exported, integers, simulated
from reference import SHARED

from midge.converter.data import Dataset
from midge.converter.steps.step import Training

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

TRAINED_ON = 64
"""Images, of the 500."""
TRAINING = Training(epochs=1, batch=16, learning_rate=1e-4)


@pytest.fixture(scope="module")
def resnet() -> tuple[Any, Dataset]:
    """Return the network and all images with their labels."""
    from midge.converter import export
    from midge.converter.load import load

    path, data = SHARED / "models" / "pretrainedResnet.h5", SHARED / "data" / "cifar10_500.npz"
    if not path.exists() or not data.exists():
        pytest.skip("the reference models and data are not beside the repository (../shared)")
    with np.load(data) as file:
        images, labels = file["images"].astype(np.float32), file["labels"]
    return export.compute_in_float32(load(path, path.parent)), Dataset("evaluation", (images,), labels)


@pytest.mark.parametrize(("weights", "values"), [("int8", None), ("int4", None), ("int8", 16)])
def test_a_residual_network_is_exported_as_it_was_simulated_on_500_images(
    resnet: tuple[Any, Dataset], weights: Literal["int8", "int4"], values: int | None
) -> None:
    from midge.converter.cluster import cluster_weights
    from midge.converter.qat.train import train_integers

    network, data = resnet
    few = Dataset("training", (data.inputs[0][:TRAINED_ON],), data.labels[:TRAINED_ON])
    start = integers(network, few, weights)
    if values is not None:
        start, _ = cluster_weights(start, few, values)
    trained = train_integers(start, network, few, TRAINING)
    (found,), (wanted,) = simulated(trained.network, data.inputs), exported(trained.network, data.inputs)

    assert trained.loss_after < trained.loss_before, "what follows would be about the network before training"
    assert found.shape == (500, 10)
    np.testing.assert_array_equal(found, wanted)
