"""Samples that are brought into the network's type and units as they are read; they never lie in memory whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CHUNK = 1 << 23
"""Bytes that are looked at together."""


class Column(Protocol):
    """All samples of one input, ``[n, *shape]``: a NumPy array, or something that reads like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents, the number of samples first."""

    @property
    def dtype(self) -> Any:
        """NumPy's type of one element."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...


class Samples:
    """Stored values, as ``(value * scale + offset)`` in ``dtype``; indexing axis 0 reads and converts what it names."""

    def __init__(self, stored: Array, dtype: str, scale: float, offset: float) -> None:
        """Wrap ``stored``, ``[n, *shape]`` of any numeric type, in memory or mapped from a file."""
        self._stored = stored
        self._scale, self._offset = scale, offset
        self.dtype = np.dtype(dtype)
        self.shape: tuple[int, ...] = stored.shape

    def __len__(self) -> int:
        """Count the samples."""
        return len(self._stored)

    def __getitem__(self, key: Any) -> Array:
        """Return samples: an index, a slice, or an array of indices along axis 0."""
        return to_units(self._stored[key], self.dtype, self._scale, self._offset)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return all samples in memory."""
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)


def to_units(values: Array, dtype: np.dtype[Any], scale: float, offset: float) -> Array:
    """Return ``value * scale + offset`` in ``dtype``; integer types take the values as they are."""
    if dtype.kind != "f":
        return np.asarray(values).astype(dtype)
    # In double, so that 255 * (1 / 255) is 1 before it is rounded to the network's type.
    with np.errstate(over="ignore"):
        return np.asarray(np.asarray(values).astype(np.float64) * scale + offset).astype(dtype)


def chunks(array: Column) -> Iterator[tuple[int, Array]]:
    """Yield an array in pieces of at most `CHUNK` bytes (at least one sample), each with its first index."""
    if not array.shape:
        yield 0, np.asarray(array)
        return
    sample = int(np.prod(array.shape[1:], dtype=np.int64)) * np.dtype(array.dtype).itemsize
    step = max(1, CHUNK // max(1, sample))
    for start in range(0, len(array), step):
        yield start, array[start : start + step]
