"""`midge.json`: what a generated project says about itself, for the emulator, the flasher and the profiler."""

from __future__ import annotations

from pathlib import Path

import msgspec

from midge.runtime.errors import InputError

MANIFEST_NAME = "midge.json"


class Buffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input or output of the model inside the arena."""

    name: str
    offset: int
    """Bytes from the start of the arena."""
    bytes: int
    dtype: str
    """NumPy's name: `int8`, `float32`, ..."""
    shape: tuple[int, ...]
    scale: float | None = None
    """Absent where the tensor is not quantized."""
    zero_point: int | None = None


class Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of the inference function."""

    index: int
    """Position of the operator in the model file."""
    op: str
    name: str
    function: str
    """The C function that does this layer's work; it takes and returns nothing and is never inlined."""
    kernel: str
    macs: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole description.

    The firmware has these symbols, for a `name` of `model`: `model_arena` (an array of `arena + scratch` bytes),
    `model_init`, `model_invoke` (no arguments; the inference), one function for each layer, and in `main.c`
    `midge_await_input` and `midge_output_ready`, which `main` calls before and after each `model_invoke`.
    """

    schema: int
    name: str
    model_file: str
    model_sha256: str
    board: str
    optimize: str
    arena: int
    scratch: int
    weights: int
    macs: int
    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    layers: tuple[Layer, ...]
    files: tuple[str, ...] = ()
    """Everything that `midge compile` wrote, relative to the folder; the next `midge compile` replaces just these."""

    def write(self, directory: Path) -> Path:
        """Write `midge.json` into `directory` and return its path."""
        path = directory / MANIFEST_NAME
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        return path


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a generated project.

    Raises:
        InputError: there is no manifest in `directory`, or it is not one of ours.
    """
    path = directory / MANIFEST_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise InputError(f"{directory} has no {MANIFEST_NAME}: expected a folder made by `midge compile`") from None
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: {error}; make the folder anew with `midge compile`") from None
