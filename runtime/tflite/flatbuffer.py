"""Reading a flatbuffer whose every byte may be wrong.

Generated flatbuffer readers trust the offsets they follow. This one checks each step it takes, so that verifying and
reading are the same act: what could not be read safely raises, whatever the bytes. The format is FlatBuffers'
"internals" page: tables point back to a vtable of 16-bit field offsets, vectors start with a 32-bit length, and all
references are unsigned 32-bit distances forward.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.errors import ModelError

_SCALARS = {
    "bool": "<?",
    "int8": "<b",
    "uint8": "<B",
    "int16": "<h",
    "uint16": "<H",
    "int32": "<i",
    "uint32": "<I",
    "int64": "<q",
    "uint64": "<Q",
    "float32": "<f",
}


class FlatBuffer:
    """The bytes, and how much work may still be spent on them.

    A small file can name the same megabyte a million times; the budget bounds the time that reading it takes.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._budget = 64 * len(data) + 65536

    def spend(self, amount: int) -> None:
        """Charge `amount` bytes of work.

        Raises:
            ModelError: the file refers to its own bytes implausibly often.
        """
        self._budget -= amount
        if self._budget < 0:
            raise ModelError("the file refers to the same bytes far more often than any real model does")

    def scalar(self, kind: str, position: int) -> Any:
        """Read one little-endian scalar.

        Raises:
            ModelError: it lies outside the file.
        """
        form = _SCALARS[kind]
        if not 0 <= position <= len(self.data) - struct.calcsize(form):
            raise ModelError(f"expected a {kind} at byte {position}, but the file has only {len(self.data)} bytes")
        return struct.unpack_from(form, self.data, position)[0]

    def follow(self, position: int) -> int:
        """Return where the reference at `position` points."""
        distance = int(self.scalar("uint32", position))
        if distance == 0 or position + distance > len(self.data) - 4:
            raise ModelError(f"the reference at byte {position} points {distance} bytes ahead, outside the file")
        return position + distance

    def root(self) -> Table:
        """Return the root table."""
        return Table(self, self.follow(0))


class Table:
    """A table whose own extent has been checked."""

    def __init__(self, buffer: FlatBuffer, position: int) -> None:
        buffer.spend(16)
        self._buffer = buffer
        self._position = position
        self._vtable = position - int(buffer.scalar("int32", position))
        self._vtable_size = int(buffer.scalar("uint16", self._vtable))
        self._size = int(buffer.scalar("uint16", self._vtable + 2))
        if (
            self._vtable_size < 4
            or self._vtable_size % 2
            or self._vtable + self._vtable_size > len(buffer.data)
            or self._size < 4
            or position + self._size > len(buffer.data)
        ):
            raise ModelError(f"the table at byte {position} is larger than the file or has a damaged vtable")

    def _field(self, field_id: int, size: int) -> int | None:
        slot = 4 + 2 * field_id
        if slot + 2 > self._vtable_size:
            return None
        offset = int(self._buffer.scalar("uint16", self._vtable + slot))
        if offset == 0:
            return None
        if offset < 4 or offset + size > self._size:
            raise ModelError(f"field {field_id} of the table at byte {self._position} lies outside the table")
        return self._position + offset

    def scalar(self, field_id: int, kind: str, default: Any) -> Any:
        """Return a scalar field, or its default where the file leaves it out."""
        position = self._field(field_id, struct.calcsize(_SCALARS[kind]))
        return default if position is None else self._buffer.scalar(kind, position)

    def table(self, field_id: int) -> Table | None:
        """Return a table field, or None."""
        position = self._field(field_id, 4)
        return None if position is None else Table(self._buffer, self._buffer.follow(position))

    def _vector(self, field_id: int, itemsize: int) -> tuple[int, int] | None:
        field = self._field(field_id, 4)
        if field is None:
            return None
        start = self._buffer.follow(field)
        length = int(self._buffer.scalar("uint32", start))
        if start + 4 + length * itemsize > len(self._buffer.data):
            raise ModelError(f"the vector at byte {start} claims {length} elements, more than the file holds")
        return start + 4, length

    def tables(self, field_id: int, limit: int) -> Iterator[Table]:
        """Iterate over a vector of tables of at most `limit` elements; nothing where it is absent."""
        found = self._vector(field_id, 4)
        if found is None:
            return
        start, length = found
        if length > limit:
            raise ModelError(f"a list claims {length} entries; at most {limit} are accepted")
        for i in range(length):
            yield Table(self._buffer, self._buffer.follow(start + 4 * i))

    def array(self, field_id: int, dtype: str) -> npt.NDArray[Any] | None:
        """Return a vector of scalars as a read-only array without copying, or None where it is absent."""
        element = np.dtype(dtype).newbyteorder("<")
        found = self._vector(field_id, element.itemsize)
        if found is None:
            return None
        start, length = found
        # Large constants are only looked at once; short vectors cost by their length.
        self._buffer.spend(min(length * element.itemsize, 4096) + 8)
        return np.frombuffer(self._buffer.data, element, count=length, offset=start)

    def string(self, field_id: int, limit: int = 1024) -> str | None:
        """Return a string field cut to `limit` bytes, or None; invalid UTF-8 is replaced."""
        found = self._vector(field_id, 1)
        if found is None:
            return None
        start, length = found
        length = min(length, limit)
        self._buffer.spend(length)
        return self._buffer.data[start : start + length].decode("utf-8", "replace")
