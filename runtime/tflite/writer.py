"""A graph out as a `.tflite` file that every TFLite runtime reads; `reader` reads it back as the same graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np

from midge.runtime.errors import UnsupportedError
from midge.runtime.graph import Array, DType, Graph, Node, Quantization, Tensor
from midge.runtime.operators import OPERATORS
from midge.runtime.tflite import schema

ALIGNMENT = 16
"""Bytes; TFLite runtimes use constants where they lie in the file."""

_TYPE_CODES = {dtype: code for code, dtype in schema.TENSOR_TYPES.items()}
_SHORT_CODES = 127
"""Operator codes from here on do not fit the field that old readers know."""


def write_model(graph: Graph, signature: str = "serving_default", description: str = "Midge") -> bytes:
    """Write a graph as a `.tflite` file.

    Args:
        graph: as it was read, or changed in the same terms: every operator has a row in the operator table, and none
            was made by our own passes. The names of its inputs and outputs become the signature's.
        signature: the signature's key.
        description: of the file, for people.

    Returns:
        The file's bytes, the same for the same graph.

    Raises:
        UnsupportedError: an operator has no row in the operator table, so its options are not known, or only Midge's
            passes know it.
    """
    return _Writer(graph).write(signature, description)


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._builder = flatbuffers.Builder(1 << 16)
        self._buffers: dict[bytes, int] = {}

    def write(self, signature: str, description: str) -> bytes:
        for node in self._graph.nodes():
            row = OPERATORS.get(node.operator.kind)
            if row is None or row.code < 0:
                raise UnsupportedError(f"{node.location}: no .tflite file can be written with this operator")
        buffer_of = [self._number_buffer(tensor) for tensor in self._graph.tensors]
        buffers = [self._table({})] + [
            self._table({schema.Buffer.DATA: ("offset", self._bytes(data))}) for data in self._buffers
        ]
        codes = list(dict.fromkeys((op.kind, op.version) for op in self._graph.operators))
        code_tables = [self._code(kind, version) for kind, version in codes]
        tensors = [self._tensor(t, number) for t, number in zip(self._graph.tensors, buffer_of, strict=True)]
        operators = [self._operator(node, codes.index(_code_key(node))) for node in self._graph.nodes()]
        graph = self._table(
            {
                schema.SubGraph.TENSORS: ("offset", self._offsets(tensors)),
                schema.SubGraph.INPUTS: ("offset", self._array(np.array(self._graph.inputs, np.int32))),
                schema.SubGraph.OUTPUTS: ("offset", self._array(np.array(self._graph.outputs, np.int32))),
                schema.SubGraph.OPERATORS: ("offset", self._offsets(operators)),
                schema.SubGraph.NAME: ("offset", self._builder.CreateString("main")),
            }
        )
        root = self._table(
            {
                schema.Model.VERSION: ("uint32", schema.VERSION),
                schema.Model.OPERATOR_CODES: ("offset", self._offsets(code_tables)),
                schema.Model.SUBGRAPHS: ("offset", self._offsets([graph])),
                schema.Model.DESCRIPTION: ("offset", self._builder.CreateString(description)),
                schema.Model.BUFFERS: ("offset", self._offsets(buffers)),
                schema.Model.SIGNATURES: ("offset", self._offsets([self._signature(signature)])),
            }
        )
        self._builder.Finish(root, schema.FILE_IDENTIFIER)
        return bytes(self._builder.Output())

    def _number_buffer(self, tensor: Tensor) -> int:
        if tensor.data is None:
            return 0
        return self._buffers.setdefault(_encode(tensor.data, tensor.dtype), len(self._buffers) + 1)

    def _code(self, kind: str, version: int) -> int:
        code = OPERATORS[kind].code
        return self._table(
            {
                schema.OperatorCode.SHORT_CODE: ("int8", min(code, _SHORT_CODES)),
                schema.OperatorCode.VERSION: ("int32", version),
                schema.OperatorCode.CODE: ("int32", code),
            }
        )

    def _tensor(self, tensor: Tensor, buffer: int) -> int:
        fields: dict[int, tuple[str, Any]] = {
            schema.Tensor.SHAPE: ("offset", self._array(np.array(tensor.shape, np.int32))),
            schema.Tensor.TYPE: ("int8", _TYPE_CODES[tensor.dtype]),
            schema.Tensor.BUFFER: ("uint32", buffer),
            schema.Tensor.NAME: ("offset", self._builder.CreateString(tensor.name)),
            schema.Tensor.IS_VARIABLE: ("bool", tensor.is_variable),
        }
        if tensor.quantization is not None:
            fields[schema.Tensor.QUANTIZATION] = ("offset", self._quantization(tensor.quantization))
        return self._table(fields)

    def _quantization(self, quantization: Quantization) -> int:
        return self._table(
            {
                schema.Quantization.SCALE: ("offset", self._array(quantization.scales.astype(np.float32))),
                schema.Quantization.ZERO_POINT: ("offset", self._array(quantization.zero_points.astype(np.int64))),
                schema.Quantization.DIMENSION: ("int32", quantization.axis),
            }
        )

    def _operator(self, node: Node, code: int) -> int:
        operator, row = node.operator, OPERATORS[node.operator.kind]
        inputs = np.array([-1 if i is None else i for i in operator.inputs], np.int32)
        fields: dict[int, tuple[str, Any]] = {
            schema.Operator.CODE_INDEX: ("uint32", code),
            schema.Operator.INPUTS: ("offset", self._array(inputs)),
            schema.Operator.OUTPUTS: ("offset", self._array(np.array(operator.outputs, np.int32))),
        }
        if row.options is not None and operator.attributes is not None:
            fields[schema.Operator.OPTIONS_TYPE] = ("uint8", row.options_type)
            fields[schema.Operator.OPTIONS] = ("offset", self._options(operator.attributes))
        return self._table(fields)

    def _options(self, attributes: Any) -> int:
        fields: dict[int, tuple[str, Any]] = {}
        for field in dataclasses.fields(attributes):
            value = getattr(attributes, field.name)
            if "id" not in field.metadata:  # ours alone; no file holds it
                if value != field.default:
                    raise UnsupportedError(
                        f"the attribute {field.name} of our passes cannot be written to a .tflite file"
                    )
                continue
            kind = field.metadata["kind"]
            if kind == "int32[]":
                if value:
                    fields[field.metadata["id"]] = ("offset", self._array(np.array(value, np.int32)))
            else:
                fields[field.metadata["id"]] = (kind, value)
        return self._table(fields)

    def _signature(self, key: str) -> int:
        return self._table(
            {
                schema.Signature.INPUTS: ("offset", self._offsets(self._ends(self._graph.inputs))),
                schema.Signature.OUTPUTS: ("offset", self._offsets(self._ends(self._graph.outputs))),
                schema.Signature.KEY: ("offset", self._builder.CreateString(key)),
            }
        )

    def _ends(self, indices: Sequence[int]) -> list[int]:
        return [
            self._table(
                {
                    schema.TensorMap.NAME: ("offset", self._builder.CreateString(self._graph.tensors[i].name)),
                    schema.TensorMap.TENSOR: ("uint32", i),
                }
            )
            for i in indices
        ]

    # ---- What flatbuffers are made of -----------------------------------------------------------------------------

    def _table(self, fields: Mapping[int, tuple[str, Any]]) -> int:
        """Write a table: field number to kind and value; scalars are written even where they are the default."""
        builder = self._builder
        builder.StartObject(max(fields, default=-1) + 1)
        for number, (kind, value) in fields.items():
            if kind == "offset":
                builder.PrependUOffsetTRelativeSlot(number, value, 0)
            else:
                _PREPEND[kind](builder, value)
                builder.Slot(number)
        return int(builder.EndObject())

    def _offsets(self, items: Sequence[int]) -> int:
        self._builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            self._builder.PrependUOffsetTRelative(item)
        return int(self._builder.EndVector())

    def _array(self, values: Array) -> int:
        return int(self._builder.CreateNumpyVector(values))

    def _bytes(self, data: bytes) -> int:
        builder = self._builder
        builder.StartVector(1, len(data), ALIGNMENT)
        start = builder.Head() - len(data)
        builder.head = start
        builder.Bytes[start : start + len(data)] = data
        return int(builder.EndVector())


_PREPEND: dict[str, Any] = {
    "bool": flatbuffers.Builder.PrependBool,
    "int8": flatbuffers.Builder.PrependInt8,
    "uint8": flatbuffers.Builder.PrependUint8,
    "int32": flatbuffers.Builder.PrependInt32,
    "uint32": flatbuffers.Builder.PrependUint32,
    "float32": flatbuffers.Builder.PrependFloat32,
}


def _code_key(node: Node) -> tuple[str, int]:
    return node.operator.kind, node.operator.version


def _encode(data: Array, dtype: DType) -> bytes:
    """Return a constant's bytes in a file: little-endian, int4 two values to a byte, the first in the low half."""
    if dtype is not DType.INT4:
        return np.ascontiguousarray(data, dtype.numpy.newbyteorder("<")).tobytes()
    nibbles = data.astype(np.int8).ravel().view(np.uint8) & 15
    if len(nibbles) % 2:
        nibbles = np.append(nibbles, np.uint8(0))
    return (nibbles[0::2] | nibbles[1::2] << 4).astype(np.uint8).tobytes()
