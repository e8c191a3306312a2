"""Fixtures for the command line: run it in this process, on a small real model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from midge.tools import cli

DIGITS = Path(__file__).parents[2] / "models" / "digits_int8.tflite"


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Midge = Callable[..., Outcome]


@pytest.fixture
def midge(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Midge:
    """Run `midge` with some arguments."""
    monkeypatch.delenv("MIDGE_BOARD", raising=False)
    monkeypatch.delenv("MIDGE_DEBUG", raising=False)

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A copy of the digits model in an otherwise empty folder."""
    path = tmp_path / "digits.tflite"
    path.write_bytes(DIGITS.read_bytes())
    return path


@pytest.fixture
def unsupported(tmp_path: Path) -> Path:
    """The digits model with its softmax turned into an operator that no kernel covers."""
    model = schema.ModelT.InitFromPackedBuf(DIGITS.read_bytes(), 0)
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.SOFTMAX:
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.LOG_SOFTMAX
    path = tmp_path / "unsupported.tflite"
    path.write_bytes(pack(model))
    return path


@pytest.fixture
def two_of_each(tmp_path: Path) -> Path:
    """A float32 model with inputs `a` and `b` of shape 1x3, and outputs a + b and a - b called `file` and `rest`."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    subgraph = schema.SubGraphT()
    subgraph.tensors = []
    for name in ("a", "b", "file", "rest"):
        tensor = schema.TensorT()
        tensor.name, tensor.type = name, schema.TensorType.FLOAT32
        tensor.shape = np.array([1, 3], np.int32)
        subgraph.tensors.append(tensor)
    model.operatorCodes, subgraph.operators = [], []
    kinds = (
        (schema.BuiltinOperator.ADD, schema.BuiltinOptions.AddOptions, schema.AddOptionsT()),
        (schema.BuiltinOperator.SUB, schema.BuiltinOptions.SubOptions, schema.SubOptionsT()),
    )
    for position, (kind, options_type, options) in enumerate(kinds):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = 1
        model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = position
        operator.inputs, operator.outputs = np.array([0, 1], np.int32), np.array([2 + position], np.int32)
        operator.builtinOptionsType, operator.builtinOptions = options_type, options
        subgraph.operators.append(operator)
    subgraph.inputs, subgraph.outputs = np.array([0, 1], np.int32), np.array([2, 3], np.int32)
    model.subgraphs = [subgraph]
    path = tmp_path / "two.tflite"
    path.write_bytes(pack(model))
    return path


def pack(model: Any) -> bytes:
    """Return the file of a model of the schema's object API."""
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def contents(tmp_path: Path) -> Callable[[], set[str]]:
    """List what is in the test's folder."""
    return lambda: {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}


@pytest.fixture
def load_json() -> Callable[[Path], dict[str, Any]]:
    """Read a JSON file and check its schema number."""

    def load(path: Path) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(path.read_text())

        assert document["schema"] == 1

        return document

    return load


@pytest.fixture(autouse=True)
def _terminal_of_100_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are laid out by the terminal's width: the same one for every machine."""
    monkeypatch.setenv("COLUMNS", "100")
