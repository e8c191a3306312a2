"""Data sets on disk, one ``.npy`` file for each array: how data that do not fit in memory reach the converter.

A spool is a folder with ``index.json`` and the arrays, which are mapped into memory and not read whole.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from midge.converter.samples import Array
from midge.runtime.errors import DataError

INDEX = "index.json"
SPARE_BYTES = 1 << 30
"""Of the disk, left free; an endless generator ends here."""
_CHECK_EVERY = 256


def spool(elements: Iterable[Mapping[str, Any]], folder: Path, role: str) -> None:
    """Write what a generator yields, one element after the other, into a new folder.

    All elements have the same arrays with the same types and shapes, except that elements which are batches may
    differ in their first axis. Equal elements are stacked along a new axis 0 and the index says so: only the network
    can tell whether each is a sample or a batch.

    Raises:
        DataError: There is no element, they differ, or the disk is full.
    """
    folder.mkdir(parents=True)
    columns: dict[str, _Column] = {}
    count = 0
    try:
        for element in elements:
            if count and element.keys() != columns.keys():
                raise DataError(
                    f"element {count} of the {role} data holds {_names(element)}; the first one holds {_names(columns)}"
                )
            for number, (name, value) in enumerate(element.items()):
                array = np.asarray(value)
                if name not in columns:
                    columns[name] = _Column(folder / f"{number}.npy", array, f"{name!r} in the {role} data")
                columns[name].append(array, count)
            count += 1
            if count % _CHECK_EVERY == 0 and shutil.disk_usage(folder).free < SPARE_BYTES:
                raise DataError(
                    f"the {role} data fill the disk at {folder} after {count} elements; if they never end, give them "
                    "an end (tf.data: take(n)), or set TMPDIR to a larger disk"
                )
    finally:
        for column in columns.values():
            column.close()
    if count == 0:
        raise DataError(f"the {role} data yield no element; expected at least one sample")
    ragged = {name for name, column in columns.items() if column.ragged}
    if ragged and ragged != columns.keys():
        raise DataError(f"in the {role} data only {_names(ragged)} changes its first extent from element to element")
    for column in columns.values():
        column.finish(count, stacked=not ragged)
    files = {name: column.path.name for name, column in columns.items()}
    (folder / INDEX).write_text(json.dumps({"arrays": files, "stacked": not ragged}))


def open_spool(folder: Path) -> tuple[dict[str, Array], bool]:
    """Map the arrays of a spool, read-only, by name; and say whether they are stacked elements."""
    index = json.loads((folder / INDEX).read_text())
    arrays = {name: np.load(folder / file, mmap_mode="r", allow_pickle=False) for name, file in index["arrays"].items()}
    return arrays, bool(index["stacked"])


def _names(keys: Iterable[str]) -> str:
    return ", ".join(repr(key) for key in sorted(keys))


class _Column:
    """One array that grows on disk. Its header has a fixed size, and is written last."""

    HEADER = 128

    def __init__(self, path: Path, first: Array, where: str) -> None:
        if first.dtype.kind not in "biuf":
            raise DataError(f"{where} has type {first.dtype}; expected numbers")
        self.path = path
        self.ragged = False
        self._file: BinaryIO = path.open("wb")
        self._file.write(bytes(self.HEADER))
        self._dtype, self._shape, self._where = first.dtype, first.shape, where
        self._rows = 0

    def append(self, array: Array, number: int) -> None:
        same_tail = array.ndim == len(self._shape) > 0 and array.shape[1:] == self._shape[1:]
        if array.dtype != self._dtype or (array.shape != self._shape and not same_tail):
            raise DataError(
                f"element {number} of {self._where} has type {array.dtype} and shape {array.shape}; the first one has "
                f"{self._dtype} and {self._shape}"
            )
        self.ragged |= array.shape != self._shape
        self._rows += array.shape[0] if array.ndim else 1
        self._file.write(np.ascontiguousarray(array).tobytes())

    def finish(self, count: int, *, stacked: bool) -> None:
        shape = (count, *self._shape) if stacked else (self._rows, *self._shape[1:])
        description = np.lib.format.dtype_to_descr(self._dtype)
        text = repr({"descr": description, "fortran_order": False, "shape": shape}).encode()
        # NumPy's file format, version 1.0: magic, version, length of the header, the header and blanks, a line feed.
        body = text.ljust(self.HEADER - 11) + b"\n"
        with self.path.open("r+b") as file:
            file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body)

    def close(self) -> None:
        self._file.close()
