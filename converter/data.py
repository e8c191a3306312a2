"""Training, calibration and evaluation data, bound to a network: checked, and in the network's units.

Keys: ``x``, ``images`` or ``specs`` for the input of a network that has one, the inputs' names where it has
several; ``y`` or ``labels`` for what the network should say. The network sees ``value * scale + offset``.

Checking is in two parts so that most mistakes are found before TensorFlow is even imported: `data_sources.read` needs
no network, `bind` compares with the network's inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from midge.converter.data_sources import Arrays
from midge.converter.samples import Array, Column, Samples, chunks, to_units
from midge.converter.tensor_spec import TensorSpec
from midge.runtime.errors import DataError

INPUT_KEYS = ("x", "images", "specs")
LABEL_KEYS = ("y", "labels")

IN_MEMORY = 1 << 28
"""Bytes of one input, in the network's type, that are converted once and kept; more is converted as it is read."""

Batch = tuple[tuple[Array, ...], Array | None]


@dataclass(frozen=True)
class Dataset:
    """Samples in the network's units: one column ``[n, *shape]`` per input, and labels ``[n, ...]`` or None.

    Columns of data sets that do not fit in memory are no arrays but read like them. ``role`` is what messages call it:
    training, calibration or evaluation data.
    """

    role: str
    inputs: tuple[Column, ...]
    labels: Array | None

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.inputs[0])

    def batches(self, size: int, order: tuple[int, int] | None = None) -> Iterator[Batch]:
        """Yield the samples in batches of ``size``, the last one smaller: inputs ``[n, *shape]``, labels or None.

        ``order`` is a seed and the number of the epoch, which together shuffle; None keeps the order.
        """
        indices = np.arange(len(self)) if order is None else np.random.default_rng(order).permutation(len(self))
        for start in range(0, len(self), size):
            picked = indices[start : start + size]
            labels = None if self.labels is None else self.labels[picked]
            yield tuple(array[picked] for array in self.inputs), labels

    def first(self, count: int) -> Dataset:
        """Return up to ``count`` samples spread evenly over the set: sets are often sorted by label."""
        if count >= len(self):
            return self
        picked = np.linspace(0, len(self) - 1, count).round().astype(int)
        labels = None if self.labels is None else self.labels[picked]
        return Dataset(self.role, tuple(array[picked] for array in self.inputs), labels)


def bind(
    source: Arrays,
    role: str,
    inputs: Sequence[TensorSpec],
    scale: float = 1.0,
    offset: float = 0.0,
) -> Dataset:
    """Give each input of a network its array, in the network's type and units.

    Raises:
        DataError: An input has no array, or a shape, type or number of samples does not fit.
    """
    bound: list[Column] = []
    arrays = _unbatch(source, role, inputs)
    for spec in inputs:
        key = _find_key(arrays, role, spec, single=len(inputs) == 1)
        bound.append(_to_units(_shaped(arrays[key], key, role, spec), key, role, spec, scale, offset))
    counts = {spec.name: len(array) for spec, array in zip(inputs, bound, strict=True)}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name!r} {count}" for name, count in counts.items())
        raise DataError(f"the inputs in the {role} data have different numbers of samples: {listed}")
    labels = next((arrays[key] for key in LABEL_KEYS if key in arrays), None)
    if labels is not None:
        labels = np.atleast_1d(labels)
        if len(labels) != len(bound[0]):
            raise DataError(
                f"the {role} data holds {len(labels)} labels for {len(bound[0])} samples; expected one for each"
            )
    return Dataset(role, tuple(bound), labels)


def _unbatch(source: Arrays, role: str, inputs: Sequence[TensorSpec]) -> dict[str, Array]:
    """Return the arrays with axis 0 counting samples, whether a generator yielded samples or batches."""
    arrays = dict(source.by_name)
    if not source.stacked:
        return arrays
    key = _find_key(arrays, role, inputs[0], single=len(inputs) == 1)
    if arrays[key].shape[1:] == inputs[0].shape or arrays[key].shape[2:] != inputs[0].shape:
        return arrays  # samples; or something that `_shaped` refuses
    batch = arrays[key].shape[1]
    for name, array in arrays.items():
        if array.shape[1:2] != (batch,):
            raise DataError(
                f"{name!r} in the {role} data has elements of shape {array.shape[1:]} in batches of {batch}"
            )
    return {name: array.reshape(-1, *array.shape[2:]) for name, array in arrays.items()}


def _find_key(arrays: Mapping[str, Array], role: str, spec: TensorSpec, *, single: bool) -> str:
    wanted = [*INPUT_KEYS, spec.name] if single else [spec.name]
    for key in wanted:
        if key in arrays:
            return key
    expected = " or ".join(repr(key) for key in wanted)
    found = ", ".join(repr(key) for key in arrays)
    raise DataError(f"the {role} data has no array for input {spec.name!r}: expected {expected}, found {found}")


def _shaped(array: Array, key: str, role: str, spec: TensorSpec) -> Array:
    if array.shape == spec.shape:
        return array[None]
    if array.shape[1:] != spec.shape:
        sample = "".join(f", {n}" for n in spec.shape)
        raise DataError(
            f"{key!r} in the {role} data has shape {array.shape}; input {spec.name!r} expects (samples{sample})"
        )
    return array


def _to_units(array: Array, key: str, role: str, spec: TensorSpec, scale: float, offset: float) -> Column:
    dtype = np.dtype(spec.dtype)
    if dtype.kind != "f" and (scale, offset) != (1.0, 0.0):
        raise DataError(
            f"input {spec.name!r} is of type {spec.dtype}: an input scale or offset cannot be applied to it"
        )
    for _, part in chunks(array):
        _check_units(part, key, role, spec, scale, offset)
    samples = Samples(array, spec.dtype, scale, offset)
    return samples if array.size * dtype.itemsize > IN_MEMORY else samples[:]


def _check_units(values: Array, key: str, role: str, spec: TensorSpec, scale: float, offset: float) -> None:
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        ends = np.array([values.min(), values.max()])  # the map is monotone
        if not np.isfinite(to_units(ends, dtype, scale, offset)).all():
            raise DataError(f"{key!r} in the {role} data leaves the range of {spec.dtype} after * {scale} + {offset}")
        return
    if values.dtype.kind == "f" and not (values == np.round(values)).all():
        raise DataError(f"{key!r} in the {role} data holds fractions; input {spec.name!r} takes {spec.dtype}")
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    if limits is not None and (values.min() < limits.min or values.max() > limits.max):
        raise DataError(f"{key!r} in the {role} data leaves the range of {spec.dtype}, input {spec.name!r}'s type")


def check_units(scale: float, offset: float) -> None:
    """Check the input scale and offset.

    Raises:
        DataError: Either is not finite, or the scale is zero.
    """
    if not math.isfinite(scale) or scale == 0.0:
        raise DataError(f"the input scale must be finite and not zero, found {scale}")
    if not math.isfinite(offset):
        raise DataError(f"the input offset must be finite, found {offset}")


def stand_in(inputs: Sequence[TensorSpec], count: int, seed: int) -> Dataset:
    """Make samples to compare two forms of a network on where there are none: standard normal, or zeros and ones."""
    random = np.random.default_rng(seed)
    arrays: list[Array] = []
    for spec in inputs:
        shape = (count, *spec.shape)
        dtype = np.dtype(spec.dtype)
        values = random.standard_normal(shape) if dtype.kind == "f" else random.integers(0, 2, shape)
        arrays.append(values.astype(dtype))
    return Dataset("random", tuple(arrays), None)
