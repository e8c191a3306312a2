"""Labelled data for a model file: what the board's outputs are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midge.converter.accuracy import Judge, choose_judge
from midge.converter.data import bind, check_units
from midge.converter.data_sources import read
from midge.converter.tensor_spec import TensorSpec
from midge.runtime.arrays import sample_shape
from midge.runtime.backends.backend import TensorInfo
from midge.runtime.graph import Array


@dataclass(frozen=True)
class Evaluation:
    """Samples in the model's real units, and how to score its outputs for them."""

    inputs: tuple[Array, ...]
    samples: int
    _judge: Judge
    _outputs: tuple[TensorInfo, ...]

    @property
    def metric(self) -> str:
        """What `score` returns: `accuracy` (0 to 1) or `mean squared error`."""
        return self._judge.metric

    def score(self, outputs: Sequence[Array]) -> float:
        """Score the outputs of all samples, in the file's types, stacked along axis 0."""
        real = [
            _real(array, info).reshape(self.samples, *sample_shape(info))
            for array, info in zip(outputs, self._outputs, strict=True)
        ]
        return self._judge.score(real)


def read_evaluation(
    path: Path, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo], scale: float, offset: float
) -> Evaluation:
    """Read an `.npz` file of labelled samples in the Keras model's units.

    Args:
        path: the file.
        inputs: what the model takes.
        outputs: what it gives.
        scale: the model sees `value * scale + offset`.
        offset: see `scale`.

    Raises:
        DataError: the file is damaged, or does not fit the model.
    """
    check_units(scale, offset)
    wanted, given = [_real_spec(info) for info in inputs], [_real_spec(info) for info in outputs]
    data = bind(read(path, "evaluation"), "evaluation", wanted, scale, offset)
    return Evaluation(
        tuple(np.asarray(column) for column in data.inputs),
        len(data),
        choose_judge(data, given, wanted),
        tuple(outputs),
    )


def _real_spec(info: TensorInfo) -> TensorSpec:
    """Describe a tensor as the Keras model has it: quantized ones hold real numbers."""
    return TensorSpec(info.name, sample_shape(info), info.dtype if info.scale is None else "float32")


def _real(array: Array, info: TensorInfo) -> Array:
    if info.scale is None or info.zero_point is None:
        return array
    return (array.astype(np.float64) - info.zero_point) * info.scale
