"""The record of a benchmark: a committed file that later runs are compared with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from midge.runtime.errors import InputError
from midge.tools.bench import TOLERANCE, Figures, Row, Skipped

Modes = dict[str, Figures]


class CompilerRecord(msgspec.Struct, forbid_unknown_fields=True):
    """What one compiler made; instructions and code are those of its version alone."""

    version: str
    modes: Modes


class ModelRecord(msgspec.Struct, forbid_unknown_fields=True):
    """What one model costs."""

    sha256: str
    macs: int
    boards: dict[str, dict[str, CompilerRecord]] = msgspec.field(default_factory=dict)
    """Board to compiler to figures."""


class Record(msgspec.Struct, forbid_unknown_fields=True):
    """All models by their files' names."""

    schema: int = 1
    models: dict[str, ModelRecord] = msgspec.field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Put a row in; figures of another file of that name, or another version of its compiler, go."""
        model = self.models.get(row.file)
        if model is None or model.sha256 != row.sha256:
            model = self.models[row.file] = ModelRecord(row.sha256, row.macs)
        compilers = model.boards.setdefault(row.board, {})
        made = compilers.get(row.compiler)
        if made is None or made.version != row.compiler_version:
            made = compilers[row.compiler] = CompilerRecord(row.compiler_version, {})
        made.modes[row.mode] = row.figures

    def encode(self) -> bytes:
        """Return the file: JSON with sorted keys, one figure a line."""
        return (json.dumps(msgspec.to_builtins(self), indent=2, sort_keys=True) + "\n").encode()


def read_record(path: Path, option: str) -> Record:
    """Read a record.

    Raises:
        InputError: there is none, or it is none of ours.
    """
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except OSError as error:
        raise InputError(f"{option} {path}: cannot read this record: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{option} {path}: expected a record that `midge bench --record` wrote: {error}") from None
    if record.schema != 1:
        raise InputError(f"{option} {path}: expected schema 1, found {record.schema}; make the record anew")
    return record


@dataclass
class Comparison:
    """How a run stands to a record."""

    worse: list[str] = field(default_factory=list)
    """Figures that grew by more than the tolerance: which, old, new."""
    better: list[str] = field(default_factory=list)
    """Figures that shrank as much: reason to make the record anew."""
    compared: int = 0
    """Figures that were compared."""
    left_out: list[str] = field(default_factory=list)
    """Rows that were not compared, and why."""


def compare(record: Record, rows: Sequence[Row | Skipped]) -> Comparison:
    """Compare a run with a record. Only what was made from the same file by the same compiler can be compared."""
    result = Comparison()
    for row in rows:
        if isinstance(row, Skipped):
            result.left_out.append(f"{row.place}: {row.reason}")
            continue
        old = _find(record, row)
        if isinstance(old, str):
            result.left_out.append(f"{row.place}: {old}")
            continue
        before, now = old.compared(), row.figures.compared()
        for name in before.keys() & now.keys():
            result.compared += 1
            change = (now[name] - before[name]) / before[name] if before[name] else float(now[name] > 0)
            if abs(change) > TOLERANCE:
                words = f"{row.place}: {name} {before[name]:,} -> {now[name]:,} ({change:+.1%})"
                (result.worse if change > 0 else result.better).append(words)
    result.worse.sort()
    result.better.sort()
    return result


def _find(record: Record, row: Row) -> Figures | str:
    """Return what the record has of a row, or why it has nothing."""
    model = record.models.get(row.file)
    if model is None:
        return "the record does not have this model"
    if model.sha256 != row.sha256:
        return f"the record is of another file, sha256 {model.sha256[:12]}…"
    made = model.boards.get(row.board, {}).get(row.compiler)
    if made is None:
        return f"the record does not have this board with {row.compiler}"
    if made.version != row.compiler_version:
        return f"the record is of {row.compiler} {made.version}, this is {row.compiler_version}"
    return made.modes.get(row.mode, "the record does not have this mode")
