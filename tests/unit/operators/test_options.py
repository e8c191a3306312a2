"""The numbers in the operator table are the schema's."""

from __future__ import annotations

import dataclasses
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from midge.runtime.operators import OPERATORS
from midge.runtime.operators.row import INTERNAL, OperatorRow
from midge.runtime.tflite.reader import read_model

ROWS = [row for row in OPERATORS.values() if row.code != INTERNAL]
VALUES = {"int8": 3, "int32": -5, "float32": 0.75, "bool": True, "int32[]": (4, -1)}


def model_with_options(row: OperatorRow, options: Any) -> bytes:
    """Return a file with one operator that has these options and no tensors but one."""
    tensor = schema.TensorT()
    tensor.shape, tensor.name = np.array([1], np.int32), "t"
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = row.code, min(row.code, 127), 1
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = np.array([0], np.int32), np.array([1], np.int32)
    operator.builtinOptionsType, operator.builtinOptions = row.options_type, options
    subgraph = schema.SubGraphT()
    subgraph.tensors, subgraph.operators = [tensor, tensor], [operator]
    subgraph.inputs, subgraph.outputs = np.array([0], np.int32), np.array([1], np.int32)
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [subgraph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_operator_codes(row: OperatorRow) -> None:
    """A row's code is the schema's number of its name."""
    assert getattr(schema.BuiltinOperator, row.name) == row.code


def schema_fields(options: str) -> list[str]:
    """Return the names of an options table's fields, by number."""
    accessors = (name for name in vars(getattr(schema, options)) if name[0].isupper())
    others = ("Init", "GetRootAs", f"GetRootAs{options}", f"{options}BufferHasIdentifier")
    endings = ("AsNumpy", "Length", "IsNone")
    return [name[0].lower() + name[1:] for name in accessors if name not in others and not name.endswith(endings)]


@pytest.mark.parametrize("row", [row for row in ROWS if row.options], ids=lambda row: row.name)
def test_options_are_read(row: OperatorRow) -> None:
    """What the schema's own encoder writes into field n is read into the attribute that declares field n."""
    assert row.options is not None
    names = {number: name for name, number in vars(schema.BuiltinOptions).items() if isinstance(number, int)}
    table = names[row.options_type]
    options = getattr(schema, f"{table}T")()
    expected = {}
    for field in dataclasses.fields(row.options):
        if "id" not in field.metadata:  # set by passes, never by a file
            expected[field.name] = field.default
            continue
        expected[field.name] = VALUES[field.metadata["kind"]]
        setattr(options, schema_fields(table)[field.metadata["id"]], expected[field.name])

    (operator,) = read_model(model_with_options(row, options)).operators

    assert dataclasses.asdict(operator.attributes) == expected
