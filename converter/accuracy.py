"""What a network is worth on evaluation data, before and after the conversion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from midge.converter.data import Dataset
from midge.converter.samples import Array
from midge.converter.tensor_spec import TensorSpec
from midge.runtime.errors import DataError

ACCURACY = "accuracy"
MEAN_SQUARED_ERROR = "mean squared error"


@dataclass(frozen=True)
class Judge:
    """How outputs are compared with labels; made by `choose_judge`."""

    metric: str
    output: int
    targets: Array

    def score(self, outputs: Sequence[Array]) -> float:
        """Score all samples' outputs, given in the order of the network's outputs."""
        found = outputs[self.output].astype(np.float64)
        if self.metric == MEAN_SQUARED_ERROR:
            return float(np.mean((found - self.targets) ** 2))
        classes = found[..., 0] > 0.5 if found.shape[-1] == 1 else found.argmax(axis=-1)
        return float(np.mean(classes == self.targets))


def choose_judge(data: Dataset, outputs: Sequence[TensorSpec], inputs: Sequence[TensorSpec]) -> Judge:
    """Decide by shapes what the labels mean; labels belong to the network's first output.

    - integer labels, or one-hot labels of the output's shape: the largest output is the class;
    - labels 0 and 1 for a single output: above 0.5 is class 1;
    - other labels of the output's shape: mean squared error;
    - no labels, but an output of the input's shape, as an autoencoder has: mean squared error to the input.

    Raises:
        DataError: The labels fit none of these.
    """
    shape = outputs[0].shape
    labels = data.labels
    if labels is None:
        if len(inputs) == 1 and inputs[0].shape == shape:
            return Judge(MEAN_SQUARED_ERROR, 0, np.asarray(data.inputs[0], np.float64))
        raise DataError(
            f"the {data.role} data has no labels: expected 'y' or 'labels' beside the inputs; only a network that "
            "rebuilds its input is judged without"
        )
    labels = labels.astype(np.float64)
    full = (len(data), *shape)
    if labels.ndim == 2 and labels.shape[1] == 1 and len(full) == 2 and shape[0] != 1:
        labels = labels[:, 0]
    if shape[-1] == 1 and labels.size == int(np.prod(full)) and bool(np.isin(labels, (0.0, 1.0)).all()):
        return Judge(ACCURACY, 0, labels.reshape(full)[..., 0])
    if labels.shape == full and shape[-1] > 1 and _one_hot(labels):
        return Judge(ACCURACY, 0, labels.argmax(axis=-1))
    if labels.shape == full or (shape == (1,) and labels.shape == (len(data),)):
        return Judge(MEAN_SQUARED_ERROR, 0, labels.reshape(full))
    if labels.shape == full[:-1]:
        _check_classes(labels, shape[-1], data.role)
        return Judge(ACCURACY, 0, labels)
    raise DataError(
        f"the labels in the {data.role} data have shape {labels.shape}; output {outputs[0].name!r} expects class "
        f"numbers of shape {full[:-1]}, or values of shape {full}"
    )


def _one_hot(labels: Array) -> bool:
    """Whether every row is a distribution: not negative, and its sum is 1."""
    return bool((labels >= 0).all() and np.allclose(labels.sum(axis=-1), 1.0, atol=1e-3))


def _check_classes(labels: Array, classes: int, role: str) -> None:
    wrong = (labels != np.round(labels)) | (labels < 0) | (labels >= classes)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise DataError(
            f"labels in the {role} data must be whole numbers from 0 to {classes - 1}, one per class of the output; "
            f"found {labels[first]:g} at {first[0] if len(first) == 1 else first}"
        )
