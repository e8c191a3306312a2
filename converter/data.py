"""Training, calibration and evaluation data: read, checked and brought into the network's units.

A data set is an ``.npz`` file, or in Python a dict of arrays, one array (the inputs) or a pair (inputs, labels).
Keys: ``x``, ``images`` or ``specs`` for the input of a network that has one, the inputs' names where it has
several; ``y`` or ``labels`` for what the network should say. The network sees ``value * scale + offset``.

Checking is in two parts so that most mistakes are found before TensorFlow is even imported: `read` needs no network,
`bind` compares with the network's inputs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midge.converter.tensor_spec import TensorSpec
from midge.runtime.errors import DataError

INPUT_KEYS = ("x", "images", "specs")
LABEL_KEYS = ("y", "labels")

Array = NDArray[Any]
Batch = tuple[tuple[Array, ...], Array | None]
Source = str | os.PathLike[str] | Mapping[str, Any] | tuple[Any, Any] | Array


@dataclass(frozen=True)
class Dataset:
    """Samples in the network's units: one array ``[n, *shape]`` per input, and labels ``[n, ...]`` or None.

    ``role`` is what messages call it: training, calibration or evaluation data.
    """

    role: str
    inputs: tuple[Array, ...]
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


def read(source: Source, role: str) -> dict[str, Array]:
    """Read a data set and check what can be checked without the network.

    Raises:
        DataError: The file is unreadable or no ``.npz``; an array is empty, not numeric, or holds NaN or infinity.
    """
    if isinstance(source, (str, os.PathLike)):
        arrays = _read_npz(Path(source), role)
    elif isinstance(source, Mapping):
        arrays = {str(key): np.asarray(value) for key, value in source.items()}
    elif isinstance(source, tuple) and len(source) == 2:
        arrays = {"x": np.asarray(source[0]), "y": np.asarray(source[1])}
    else:
        arrays = {"x": np.asarray(source)}
    if not arrays:
        raise DataError(f"the {role} data holds no arrays; expected at least 'x'")
    for key, array in arrays.items():
        _check_values(key, array, role)
    return arrays


def _read_npz(path: Path, role: str) -> dict[str, Array]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError(f"the {role} data {path} does not exist") from None
    except OSError as error:
        raise DataError(f"cannot read the {role} data {path}: {error.strerror or error}") from None
    with file:
        try:
            loaded = np.load(file, allow_pickle=False)
            arrays = None if isinstance(loaded, np.ndarray) else {key: loaded[key] for key in loaded.files}
        except Exception as error:  # NumPy, zipfile and zlib have a dozen ways to say that a file is damaged
            raise DataError(f"cannot read the {role} data {path} as an .npz file: {error}") from None
    if arrays is None:
        raise DataError(f"the {role} data {path} is a single .npy array; expected an .npz file with 'x' and 'y'")
    return arrays


def _check_values(key: str, array: Array, role: str) -> None:
    if array.dtype.kind not in "biuf":
        raise DataError(f"{key!r} in the {role} data has type {array.dtype}; expected numbers")
    if array.size == 0:
        raise DataError(f"{key!r} in the {role} data is empty (shape {array.shape}); expected at least one sample")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(np.atleast_1d(array)))
        where = tuple(int(i) for i in bad[0])
        raise DataError(f"{key!r} in the {role} data holds {len(bad)} NaN or infinite values, the first at {where}")


def bind(
    arrays: Mapping[str, Array],
    role: str,
    inputs: Sequence[TensorSpec],
    scale: float = 1.0,
    offset: float = 0.0,
) -> Dataset:
    """Give each input of a network its array, in the network's type and units.

    Raises:
        DataError: An input has no array, or a shape, type or number of samples does not fit.
    """
    bound = []
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


def _to_units(array: Array, key: str, role: str, spec: TensorSpec, scale: float, offset: float) -> Array:
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        # In double, so that 255 * (1 / 255) is 1 before it is rounded to the network's type.
        values = (array.astype(np.float64) * scale + offset).astype(dtype)
        if not np.isfinite(values).all():
            raise DataError(f"{key!r} in the {role} data leaves the range of {spec.dtype} after * {scale} + {offset}")
        return values
    if (scale, offset) != (1.0, 0.0):
        raise DataError(
            f"input {spec.name!r} is of type {spec.dtype}: an input scale or offset cannot be applied to it"
        )
    if array.dtype.kind == "f" and not (array == np.round(array)).all():
        raise DataError(f"{key!r} in the {role} data holds fractions; input {spec.name!r} takes {spec.dtype}")
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    if limits is not None and (array.min() < limits.min or array.max() > limits.max):
        raise DataError(f"{key!r} in the {role} data leaves the range of {spec.dtype}, input {spec.name!r}'s type")
    return array.astype(dtype)


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
