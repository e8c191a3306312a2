"""Where data sets come from: files, arrays, generators, tf.data, functions that a user's module holds.

What comes as a stream, and what a file holds beyond `LARGE`, goes through a spool on disk; see `spool`.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from midge.converter.samples import Array, Column, chunks
from midge.converter.spool import INDEX, open_spool, spool
from midge.runtime.errors import DataError

LARGE = 1 << 28
"""Bytes of one array in an ``.npz`` file that are still loaded into memory."""

FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""What names a function: ``module:function``, ``package.module:function``."""

Source = str | os.PathLike[str] | Mapping[str, Any] | tuple[Any, Any] | Array | Iterable[Any] | Callable[[], Any]
"""A path of an ``.npz`` file; ``module:function`` or a function without arguments, which returns any of the others; an
array (the inputs); a pair (inputs, labels); a mapping of arrays; or a `tf.data.Dataset`, generator or
`keras.utils.PyDataset` of samples or batches, each an input, a pair or a mapping."""


@dataclass(frozen=True)
class Arrays:
    """A data set as it was stored, by name.

    ``stacked``: every array has an axis 0 that counts what a generator yielded, samples or batches.
    ``folder`` is the spool where they lie, None for what is in memory.
    """

    by_name: Mapping[str, Array]
    stacked: bool = False
    folder: Path | None = None


def is_function(source: object) -> bool:
    """Whether a source is the name of a function and not that of a file."""
    return isinstance(source, str) and bool(FUNCTION.fullmatch(source)) and not Path(source).exists()


def read(source: Source, role: str, folder: Path | None = None) -> Arrays:
    """Read a data set and check what can be checked without the network.

    Args:
        source: see `Source`; or a spool that an earlier call has made.
        role: what messages call it.
        folder: a new folder for a spool; without one, everything must fit in memory.

    Raises:
        DataError: The file is unreadable or no ``.npz``; the function or the generator fails; an array is empty, not
            numeric, or holds NaN or infinity.
    """
    arrays = _read(source, role, folder)
    if not arrays.by_name:
        raise DataError(f"the {role} data holds no arrays; expected at least 'x'")
    for key, array in arrays.by_name.items():
        _check_values(key, array, role)
    return arrays


def _read(source: Any, role: str, folder: Path | None) -> Arrays:
    if is_function(source):
        return _read(_call(_find_function(source, role), source, role), role, folder)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if (path / INDEX).is_file():
            by_name, stacked = open_spool(path)
            return Arrays(by_name, stacked, path)
        return _read_npz(path, role, folder)
    if isinstance(source, Mapping):
        return Arrays({str(key): np.asarray(value) for key, value in source.items()})
    if isinstance(source, tuple) and len(source) == 2:
        return Arrays({"x": np.asarray(source[0]), "y": np.asarray(source[1])})
    if isinstance(source, (np.ndarray, list, tuple)) or hasattr(source, "__array__"):
        return Arrays({"x": np.asarray(source)})
    if _is_sequence(source):
        return _stream((source[i] for i in range(len(source))), role, folder)
    if hasattr(source, "as_numpy_iterator"):
        if int(source.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
            raise DataError(f"the {role} data never end: give the tf.data.Dataset an end with take(n)")
        return _stream(source.as_numpy_iterator(), role, folder)
    if isinstance(source, Iterable):
        return _stream(iter(source), role, folder)
    if callable(source):
        return _read(_call(source, getattr(source, "__name__", "function"), role), role, folder)
    raise DataError(
        f"the {role} data are of type {type(source).__name__}; expected the path of an .npz file, arrays, a "
        "tf.data.Dataset, a generator, or MODULE:FUNCTION"
    )


def _is_sequence(source: Any) -> bool:
    """Whether this is a keras.utils.PyDataset or its kin: batches by number."""
    return hasattr(source, "__getitem__") and hasattr(source, "__len__") and not hasattr(source, "__iter__")


def _find_function(name: str, role: str) -> Callable[[], Any]:
    module_name, function_name = name.split(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever a user's module raises
        raise DataError(f"the {role} data {name}: importing {module_name} failed: {_short(error)}") from error
    finally:
        if added:
            sys.path.remove(here)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise DataError(f"the {role} data {name}: the module {module_name} has no function {function_name!r}")
    return function  # type: ignore[no-any-return]


def _call(function: Callable[[], Any], name: str, role: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise DataError(f"the {role} data: {name}() raised {_short(error)}") from error


def _short(error: Exception) -> str:
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first[:300]}"


def _stream(elements: Iterator[Any], role: str, folder: Path | None) -> Arrays:
    assert folder is not None, "a stream needs a folder"

    def named() -> Iterator[Mapping[str, Any]]:
        while True:
            try:
                element = next(elements)
            except StopIteration:
                return
            except Exception as error:  # in the user's code
                raise DataError(f"the {role} data stopped with {_short(error)}") from error
            yield _by_name(element, role)

    spool(named(), folder, role)
    by_name, stacked = open_spool(folder)
    return Arrays(by_name, stacked, folder)


def _by_name(element: Any, role: str) -> Mapping[str, Any]:
    if isinstance(element, Mapping):
        return {str(key): value for key, value in element.items()}
    if not isinstance(element, (tuple, list)):
        return {"x": element}
    if len(element) == 1:
        return _by_name(element[0], role)
    if len(element) != 2 or isinstance(element[0], (tuple, list)):
        raise DataError(
            f"an element of the {role} data is a {type(element).__name__} of {len(element)} parts; expected an input, "
            "a pair (input, label), or a mapping by the inputs' names with the label as 'y'"
        )
    return {**_by_name(element[0], role), "y": element[1]}


def _read_npz(path: Path, role: str, folder: Path | None) -> Arrays:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError(f"the {role} data {path} does not exist") from None
    except OSError as error:
        raise DataError(f"cannot read the {role} data {path}: {error.strerror or error}") from None
    with file:
        try:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise DataError(
                    f"the {role} data {path} is a single .npy array; expected an .npz file with 'x' and 'y'"
                )
            with zipfile.ZipFile(file) as archive:
                members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
                arrays: dict[str, Array] = {}
                for number, key in enumerate(loaded.files):
                    if folder is None or members[key].file_size <= LARGE:
                        arrays[key] = loaded[key]
                    else:
                        arrays[key] = _extract(archive, members[key], folder, number)
        except DataError:
            raise
        except Exception as error:  # NumPy, zipfile and zlib have a dozen ways to say that a file is damaged
            raise DataError(f"cannot read the {role} data {path} as an .npz file: {error}") from None
    return Arrays(arrays)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, number: int) -> Array:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{number}.npy"
    with archive.open(entry) as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
    mapped: Array = np.load(target, mmap_mode="r", allow_pickle=False)
    return mapped


def _check_values(key: str, array: Array, role: str) -> None:
    if array.dtype.kind not in "biuf":
        raise DataError(f"{key!r} in the {role} data has type {array.dtype}; expected numbers")
    if array.size == 0:
        raise DataError(f"{key!r} in the {role} data is empty (shape {array.shape}); expected at least one sample")
    if array.dtype.kind == "f":
        _check_finite(key, array, role)


def _check_finite(key: str, array: Column, role: str) -> None:
    bad, first = 0, None
    for start, part in chunks(array):
        wrong = ~np.isfinite(part)
        if wrong.any():
            bad += int(wrong.sum())
            if first is None:
                index = [int(i) for i in np.argwhere(np.atleast_1d(wrong))[0]]
                first = (start + index[0], *index[1:])
    if first is not None:
        raise DataError(f"{key!r} in the {role} data holds {bad} NaN or infinite values, the first at {first}")
