"""The result of a conversion, and the two files that lie beside its output."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from midge.converter.job import Accuracy, LayerError


class ConversionResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a conversion made; as JSON it is what ``midge convert --json`` writes.

    ``bytes`` is the size of the file ``output``; ``operators`` counts its operators by name; ``layers`` holds the
    quantization error of each layer in order of execution; ``accuracy`` is there if evaluation data was given.
    ``report`` and ``recipe_file`` are the files beside the output; ``steps`` is what the recipe's steps found out, one
    mapping each with its ``kind``; ``advice`` says in a few sentences which layers lose accuracy and what to do.
    """

    schema: int = msgspec.field(name="schema")
    recipe: str
    output: str
    bytes: int
    operators: dict[str, int]
    layers: list[LayerError]
    report: str
    recipe_file: str
    accuracy: Accuracy | None = None
    steps: list[dict[str, Any]] = []
    advice: list[str] = []

    def json(self) -> str:
        """Return the result as JSON, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


class Provenance(msgspec.Struct, frozen=True):
    """Where a `.tflite` file comes from: versions, seed, and the SHA-256 of what went in and what came out.

    ``model_sha256`` of a SavedModel directory is the hash of its files' names and contents in order of name; of a
    live model, that of the file that was made of it.
    """

    midge: str
    versions: dict[str, str]
    model: str
    model_sha256: str
    output_sha256: str
    seed: int
    input_scale: float
    input_offset: float
    data_sha256: dict[str, str]


class Report(msgspec.Struct, frozen=True):
    """The contents of ``OUT.report.json``."""

    schema: int
    result: ConversionResult
    provenance: Provenance

    def json(self) -> str:
        """Return the report as JSON, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


def beside(output: Path, suffix: str) -> Path:
    """Name a file beside the output: ``out.tflite`` and ``.report.json`` give ``out.report.json``."""
    stem = output.name.removesuffix(".tflite")
    return output.with_name(stem + suffix)


def sha256(path: Path) -> str:
    """Hash a file, or all files of a directory with their names."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(file.relative_to(path).as_posix().encode() + b"\0" + file.read_bytes())
    else:
        digest.update(path.read_bytes())
    return digest.hexdigest()
