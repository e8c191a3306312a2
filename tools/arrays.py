"""Arrays that the user gives and gets: `.npy` and `.npz` files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from midge.runtime.backends.backend import TensorInfo, describe
from midge.runtime.errors import DataError
from midge.runtime.graph import Array
from midge.runtime.tflite.reader import read_file


def read_interface(model: Path) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Return a model's inputs and outputs, so that arrays for it can be read before anything is built.

    Raises:
        InputError: the file cannot be read or is not a model.
        UnsupportedError: it holds something that cannot even be read.
    """
    graph = read_file(model)
    inputs, outputs = (
        tuple(describe(graph.tensors[index]) for index in side) for side in (graph.inputs, graph.outputs)
    )
    return inputs, outputs


def read_inputs(paths: Sequence[Path], inputs: Sequence[TensorInfo], option: str = "--input") -> list[Array]:
    """Read one array for each input of a model, in the model's order.

    Args:
        paths: one `.npy` per input in order, or a single `.npz` keyed by input name; it may hold labels as well.
        inputs: what the model takes.
        option: what messages call the files.

    Raises:
        DataError: a file is unreadable or none of these, or an input has no array.
    """
    if len(paths) == 1:
        loaded = _load(paths[0], option)
        if isinstance(loaded, dict):
            return _pick(paths[0], loaded, inputs, option)
    if len(paths) != len(inputs):
        names = ", ".join(repr(info.name) for info in inputs)
        raise DataError(
            f"{option}: expected one .npy for each of the {len(inputs)} inputs ({names}) or one .npz, "
            f"found {len(paths)} files"
        )
    arrays = []
    for path in paths:
        loaded = _load(path, option)
        if isinstance(loaded, dict):
            raise DataError(f"{option} {path}: an .npz holds all inputs and is given once, without other files")
        arrays.append(loaded)
    return arrays


def count_samples(arrays: Sequence[Array], inputs: Sequence[TensorInfo]) -> int:
    """Return how many samples arrays that `Model.run` accepts hold."""
    if not arrays or all(array.shape == info.shape for array, info in zip(arrays, inputs, strict=True)):
        return 1
    return len(arrays[0])


def encode_outputs(path: Path, arrays: Sequence[Array], outputs: Sequence[TensorInfo]) -> bytes:
    """Return the content of an output file: `.npy` for one output, `.npz` keyed by name for several.

    Raises:
        DataError: the file's name says the other format.
    """
    stream = io.BytesIO()
    wanted = ".npy" if len(arrays) == 1 else ".npz"
    if path.suffix in (".npy", ".npz") and path.suffix != wanted:
        raise DataError(
            f"--output {path}: the model has {len(arrays)} output{'s' * (len(arrays) != 1)}, written as {wanted}"
        )
    if len(arrays) == 1:
        np.save(stream, arrays[0], allow_pickle=False)
        return stream.getvalue()
    # Not np.savez: it takes the names as Python keywords, and a model may call an output `file`.
    with zipfile.ZipFile(stream, "w", allowZip64=True) as archive:
        for name, array in zip(_unique([info.name for info in outputs]), arrays, strict=True):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def _load(path: Path, option: str) -> Array | dict[str, Array]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {key: loaded[key] for key in loaded.files}
    except FileNotFoundError:
        raise DataError(f"{option} {path}: there is no such file") from None
    except MemoryError:
        raise DataError(f"{option} {path}: claims an array that does not fit this computer's memory") from None
    # NumPy reports a damaged file in any of these ways, depending on where the damage lies.
    except (OSError, ValueError, EOFError, KeyError, SyntaxError, zipfile.BadZipFile, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        if "pickle" in reason:  # NumPy takes whatever it does not know for a pickle, and advises to load it
            reason = "this is neither, or holds Python objects"
        raise DataError(f"{option} {path}: expected an .npy or .npz file of plain arrays; {reason}") from None


def _pick(path: Path, loaded: dict[str, Array], inputs: Sequence[TensorInfo], option: str) -> list[Array]:
    missing = [info.name for info in inputs if info.name not in loaded]
    if missing:
        expected = ", ".join(repr(info.name) for info in inputs)
        found = ", ".join(repr(name) for name in loaded) or "nothing"
        raise DataError(f"{option} {path}: expected arrays called {expected}, found {found}")
    return [loaded[info.name] for info in inputs]


def _unique(names: list[str]) -> list[str]:
    """Tell outputs of one name apart, so that an archive can hold them."""
    unique: list[str] = []
    for number, name in enumerate(names):
        unique.append(name if name and name not in unique else f"{name}_{number}")
    return unique
