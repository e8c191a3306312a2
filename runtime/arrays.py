"""Arrays for a model's inputs: what one sample's looks like, and random ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from midge.runtime.backends.backend import TensorInfo
from midge.runtime.graph import Array


def sample_shape(info: TensorInfo) -> tuple[int, ...]:
    """Return the shape of one sample where axis 0 counts samples: the declared one without a leading batch of 1."""
    return info.shape[1:] if info.shape[:1] == (1,) else info.shape


def random_inputs(inputs: Sequence[TensorInfo], count: int, seed: int) -> list[Array]:
    """Make `count` samples, stacked along axis 0: integers uniform over their type's range, floats standard normal.

    They are NumPy's `default_rng(seed)`, drawn input by input: the same on every machine.
    """
    random = np.random.default_rng(seed)
    arrays = []
    for info in inputs:
        shape = (count, *sample_shape(info))
        dtype = np.dtype(info.dtype)
        if dtype.kind == "f":
            arrays.append(random.standard_normal(shape).astype(dtype))
        elif dtype.kind == "b":
            arrays.append(random.integers(0, 2, shape).astype(dtype))
        else:
            limits = np.iinfo(dtype)
            arrays.append(random.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True))
    return arrays


def first_sample(arrays: Sequence[Array], inputs: Sequence[TensorInfo]) -> list[Array]:
    """Keep one sample of arrays that hold several; what fits no input is left to `Model.run` to refuse."""
    if len(arrays) != len(inputs):
        return list(arrays)
    return [
        array[:1] if array.ndim and array.shape != info.shape else array
        for array, info in zip(arrays, inputs, strict=True)
    ]
