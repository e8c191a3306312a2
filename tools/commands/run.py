"""`midge run`: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from midge.runtime.backends.backend import TensorInfo
from midge.runtime.board import load_board
from midge.runtime.errors import InputError
from midge.runtime.graph import Array
from midge.tools import log, options
from midge.tools.outputs import Outputs
from midge.tools.tables import make_table, shape_text, short_name

if TYPE_CHECKING:
    from midge.runtime.model import Model

_FIRST_VALUES = 8
_FIRST_SAMPLES = 10


@click.command("run")
@options.model_argument
@options.input_option(required=True, help_text="What to run the model on.")
@options.on_option(("host", "litert", "emulator"), "host")
@options.board_option(required=False)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="Y",
    help="Write the outputs to this file: .npy, or .npz keyed by output name for several. Default: a summary.",
)  # fmt: skip
@options.json_option
def command(
    model: Path, inputs: tuple[Path, ...], on: str, board: str | None, output: Path | None, json_path: Path | None
) -> None:
    """Run a model on this host, in LiteRT, or as firmware on the emulator of a board.

    An array of exactly the declared shape is one sample; otherwise axis 0 counts samples. Arrays are in the file's
    own input type; float arrays are quantized with the input's scale and zero point.
    """
    from midge.tools.arrays import encode_outputs, read_inputs, read_interface

    with Outputs([model, *inputs, options.board_file(board)]) as files:
        files.add("--output", output)
        files.add("--json", json_path)
        arrays = read_inputs(inputs, read_interface(model)[0])
        with _open(model, on, board) as loaded:
            results = loaded.run(*arrays)
        if output is None:
            _print(results, loaded.outputs)
        else:
            files.write(output, encode_outputs(output, results, loaded.outputs))
        files.write_json(json_path, _document(model, on, results, loaded.outputs))


def _document(model: Path, on: str, arrays: Sequence[Array], outputs: Sequence[TensorInfo]) -> dict[str, Any]:
    return {
        "schema": 1,
        "model": model.name,
        "on": on,
        "outputs": [
            {
                "name": info.name,
                "shape": list(array.shape),
                "dtype": info.dtype,
                "scale": info.scale,
                "zero_point": info.zero_point,
                "values": _values(array),
            }
            for array, info in zip(arrays, outputs, strict=True)
        ],
    }


def _values(array: Array) -> Any:
    """Return nested lists; NaN and infinities, which JSON lacks, as text."""
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        return np.where(np.isfinite(array), array.astype(object), array.astype(str).astype(object)).tolist()
    return array.tolist()


@contextmanager
def _open(model: Path, on: str, board: str | None) -> Iterator[Model]:
    from midge.runtime.model import Model, load

    if on == "emulator":
        if board is None:
            raise InputError("--on emulator needs --board: `midge boards` lists them")
        from midge.runtime.firmware import emulated
        from midge.tools.firmware import temporary_firmware

        with temporary_firmware(model, load_board(board)) as firmware, emulated(firmware) as backend:
            yield Model(backend)
    elif on == "litert":
        with log.without_chatter():
            yield load(model, backend="litert")
    else:
        yield load(model)


def _print(arrays: Sequence[Array], outputs: Sequence[TensorInfo]) -> None:
    for array, info in zip(arrays, outputs, strict=True):
        log.result(f"{short_name(info.name)}: {array.dtype} {shape_text(array.shape)}")
        many = array.shape != info.shape
        samples = array if many else array[None]
        table = make_table(*([">Sample"] if many else []), "~First values", ">Largest at", ">Value")
        limit = len(samples) if log.is_verbose() else _FIRST_SAMPLES
        for number, sample in enumerate(samples[:limit]):
            table.add_row(*([str(number)] if many else []), *_summarise(sample, info))
        log.result(table)
        if len(samples) > limit:
            log.result(f"{len(samples) - limit} more samples; --output writes all, --verbose prints them.")


def _summarise(sample: Array, info: TensorInfo) -> tuple[str, str, str]:
    flat = sample.reshape(-1)
    first = " ".join(_number(value) for value in flat[:_FIRST_VALUES])
    if flat.size > _FIRST_VALUES:
        first += " ..."
    if not flat.size:
        return "", "", ""
    at = int(flat.argmax())
    value = _number(flat[at])
    if info.scale is not None and info.zero_point is not None:
        value += f" ({info.scale * (int(flat[at]) - info.zero_point):.5g})"
    place = str(at) if sample.ndim < 2 or sample.size == max(sample.shape) else _place(at, sample.shape)
    return first, place, value


def _place(at: int, shape: tuple[int, ...]) -> str:
    return ",".join(str(int(index)) for index in np.unravel_index(at, shape))


def _number(value: np.generic) -> str:
    return f"{value:.5g}" if np.issubdtype(value.dtype, np.floating) else str(value)
