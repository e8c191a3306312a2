"""A `.tflite` file in, a verified graph out, or a clear error: any bytes are safe to read."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from midge.runtime.errors import InputError, ModelError, UnsupportedError
from midge.runtime.graph import Array, DType, Graph, Operator, Quantization, Tensor, verify
from midge.runtime.operators import OPERATORS
from midge.runtime.tflite import schema
from midge.runtime.tflite.flatbuffer import FlatBuffer, Table
from midge.runtime.tflite.labels import read_labels

MAX_ENTRIES = 100_000
"""More tensors or operators than this is damage, not a model."""
MAX_RANK = 8
MAX_BYTES = 2**31 - 1
"""Kernels count elements in 32 bits."""


@dataclass(frozen=True)
class _Code:
    name: str
    version: int


def read_file(path: str | Path) -> Graph:
    """Read and verify a `.tflite` file.

    Raises:
        InputError: the file cannot be read.
        ModelError: it is not a valid model.
        UnsupportedError: it uses something that Midge cannot hold, such as sparse constants.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the model {path}: {error.strerror or error}") from None
    return read_model(data, path.name)


def read_model(data: bytes, name: str = "model") -> Graph:
    """Read and verify a model from memory.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        ModelError: it is not a valid model.
        UnsupportedError: it uses something that Midge cannot hold, such as sparse constants.
    """
    try:
        return _read(data, name)
    except (ModelError, UnsupportedError) as error:
        raise type(error)(f"{name}: {error}") from None


def _read(data: bytes, name: str) -> Graph:
    if len(data) < 8 or data[4:8] != schema.FILE_IDENTIFIER:
        found = "a Keras or HDF5 file" if data[:4] in (b"PK\x03\x04", b"\x89HDF") else f"{data[4:8]!r}"
        hint = ": run `midge convert` on it first" if found.startswith("a Keras") else ""
        raise ModelError(f"not a TFLite model: expected the mark 'TFL3' at byte 4, found {found}{hint}")
    root = FlatBuffer(data).root()
    version = root.scalar(schema.Model.VERSION, "uint32", 0)
    if version != schema.VERSION:
        raise ModelError(f"expected schema version {schema.VERSION}, found {version}")

    codes = [_read_code(table) for table in root.tables(schema.Model.OPERATOR_CODES, MAX_ENTRIES)]
    buffers = [_read_buffer(table, data) for table in root.tables(schema.Model.BUFFERS, MAX_ENTRIES)]
    subgraphs = list(root.tables(schema.Model.SUBGRAPHS, 1000))
    if not subgraphs:
        raise ModelError("the model has no subgraph")
    main = subgraphs[0]
    tensors = tuple(
        _read_tensor(table, position, buffers)
        for position, table in enumerate(main.tables(schema.SubGraph.TENSORS, MAX_ENTRIES))
    )
    operators = tuple(
        _read_operator(table, position, codes, tensors)
        for position, table in enumerate(main.tables(schema.SubGraph.OPERATORS, MAX_ENTRIES))
    )
    inputs = _indices(main, schema.SubGraph.INPUTS, tensors, "graph inputs")
    outputs = _indices(main, schema.SubGraph.OUTPUTS, tensors, "graph outputs")
    if not outputs:
        raise ModelError("the model has no outputs")
    graph = Graph(
        name=name,
        tensors=_with_signature_names(root, tensors, (*inputs, *outputs)),
        operators=operators,
        inputs=inputs,
        outputs=outputs,
        sha256=hashlib.sha256(data).hexdigest(),
        labels=read_labels(data, tensors[outputs[0]].elements),
    )
    verify(graph)
    for index in (*inputs, *outputs):
        _check_interface(graph.tensors[index])
    return graph


def _check_interface(tensor: Tensor) -> None:
    if tensor.dtype in (DType.STRING, DType.INT4, DType.OTHER):
        raise UnsupportedError(f"the model's input or output {tensor.name!r} has type {tensor.dtype.value}")


def _read_code(table: Table) -> _Code:
    # Files written before there were more than 127 operators carry only the short code.
    code = max(
        table.scalar(schema.OperatorCode.SHORT_CODE, "int8", 0), table.scalar(schema.OperatorCode.CODE, "int32", 0)
    )
    if not 0 <= code < len(schema.BUILTINS):
        raise ModelError(f"operator code {code} is not in the schema (0 to {len(schema.BUILTINS) - 1})")
    name = schema.BUILTINS[code]
    if name == "CUSTOM":
        name = f"CUSTOM:{table.string(schema.OperatorCode.CUSTOM_CODE, 128) or ''}"
    return _Code(name, int(table.scalar(schema.OperatorCode.VERSION, "int32", 1)))


def _read_buffer(table: Table, data: bytes) -> Array | None:
    """Return a buffer's bytes, or None where it is empty."""
    inline = table.array(schema.Buffer.DATA, "uint8")
    if inline is not None and len(inline):
        return inline
    offset = int(table.scalar(schema.Buffer.OFFSET, "uint64", 0))
    size = int(table.scalar(schema.Buffer.SIZE, "uint64", 0))
    if offset <= 1 or size == 0:
        return None
    if offset + size > len(data):
        raise ModelError(f"a buffer lies at bytes {offset} to {offset + size}, outside the file of {len(data)} bytes")
    return np.frombuffer(data, np.uint8, count=size, offset=offset)


def _read_tensor(table: Table, position: int, buffers: list[Array | None]) -> Tensor:
    name = table.string(schema.Tensor.NAME) or f"tensor_{position}"
    where = f"tensor {position} ({name!r})"
    dims = table.array(schema.Tensor.SHAPE, "int32")
    shape = () if dims is None else tuple(int(extent) for extent in dims[: MAX_RANK + 1])
    if len(shape) > MAX_RANK:
        raise UnsupportedError(f"{where} has more than {MAX_RANK} axes")
    if any(extent < 0 for extent in shape):
        raise UnsupportedError(f"{where} has shape {list(shape)}: convert the model with fixed shapes (batch 1)")
    dtype = schema.TENSOR_TYPES.get(int(table.scalar(schema.Tensor.TYPE, "int8", 0)), DType.OTHER)
    if table.table(schema.Tensor.SPARSITY) is not None:
        raise UnsupportedError(f"{where} is stored sparse, which no microcontroller runtime reads; store it dense")
    itemsize = 1 if dtype in (DType.STRING, DType.OTHER) else dtype.itemsize
    # An extent of 0 must not hide the others: NumPy counts them all.
    if math.prod(max(extent, 1) for extent in shape) * itemsize > MAX_BYTES:
        raise ModelError(f"{where} claims shape {list(shape)}, more than {MAX_BYTES} bytes")

    index = int(table.scalar(schema.Tensor.BUFFER, "uint32", 0))
    if index >= max(len(buffers), 1):
        raise ModelError(f"{where} names buffer {index}, but the file has {len(buffers)}")
    raw = buffers[index] if buffers else None
    return Tensor(
        name=name,
        shape=shape,
        dtype=dtype,
        quantization=_read_quantization(table, where, shape, dtype),
        data=_constant(raw, shape, dtype, where),
        is_variable=bool(table.scalar(schema.Tensor.IS_VARIABLE, "bool", False)),
    )


def _constant(raw: Array | None, shape: tuple[int, ...], dtype: DType, where: str) -> Array | None:
    if dtype in (DType.STRING, DType.OTHER):
        return None
    elements = math.prod(shape)
    if raw is None:
        return np.zeros(shape, dtype.numpy) if elements == 0 else None
    if dtype is DType.INT4:
        expected = (elements + 1) // 2
    else:
        expected = elements * dtype.itemsize
    if len(raw) != expected:
        raise ModelError(
            f"{where}: expected {expected} bytes for {list(shape)} {dtype.value}, its buffer has {len(raw)}"
        )
    if dtype is DType.INT4:
        # Two values to a byte, the first in the low half; kept unpacked, one int8 each.
        halves = np.stack((raw << 4, raw & 0xF0), axis=-1).astype(np.uint8).view(np.int8) >> 4
        values: Array = halves.reshape(-1)[:elements].reshape(shape)
    elif dtype is DType.BOOL:
        values = (raw != 0).reshape(shape)
    else:
        values = raw.view(dtype.numpy.newbyteorder("<")).reshape(shape)
    if not values.flags.aligned:
        values = values.copy()
    values.flags.writeable = False
    return values


_ZERO_POINT_RANGES = {
    DType.INT4: (-8, 7),
    DType.INT8: (-128, 127),
    DType.UINT8: (0, 255),
    DType.INT16: (-32768, 32767),
    DType.INT32: (-(2**31), 2**31 - 1),
    DType.INT64: (-(2**31), 2**31 - 1),
}


def _read_quantization(table: Table, where: str, shape: tuple[int, ...], dtype: DType) -> Quantization | None:
    parameters = table.table(schema.Tensor.QUANTIZATION)
    if parameters is None:
        return None
    scales = parameters.array(schema.Quantization.SCALE, "float32")
    if scales is None or len(scales) == 0 or dtype not in _ZERO_POINT_RANGES:
        return None
    if parameters.scalar(schema.Quantization.DETAILS_TYPE, "uint8", 0):
        raise UnsupportedError(f"{where} uses custom or blockwise quantization, which Midge does not read")
    axis = int(parameters.scalar(schema.Quantization.DIMENSION, "int32", 0))
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise ModelError(f"{where} has {len(scales)} scales along axis {axis}, but its shape is {list(shape)}")
    zero_points = parameters.array(schema.Quantization.ZERO_POINT, "int64")
    if zero_points is None or len(zero_points) == 0:
        zero_points = np.zeros(len(scales), np.int64)
    if len(zero_points) not in (1, len(scales)):
        raise ModelError(f"{where} has {len(scales)} scales but {len(zero_points)} zero points")
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        bad = scales[~(np.isfinite(scales) & (scales > 0))][0]
        raise ModelError(f"{where} has scale {bad}; a scale must be finite and positive")
    low, high = _ZERO_POINT_RANGES[dtype]
    if (zero_points < low).any() or (zero_points > high).any():
        raise ModelError(f"{where} has a zero point outside [{low}, {high}], the range of {dtype.value}")
    # Copies: the file's own bytes may be unaligned.
    return Quantization(
        scales.astype(np.float32),
        np.broadcast_to(zero_points, scales.shape).astype(np.int64),
        axis if len(scales) > 1 else 0,
    )


def _indices(table: Table, field: int, tensors: tuple[Tensor, ...], where: str) -> tuple[int, ...]:
    found = table.array(field, "int32")
    if found is None:
        return ()
    if len(found) > MAX_ENTRIES:
        raise ModelError(f"{where}: {len(found)} entries")
    for index in found:
        if not 0 <= index < len(tensors):
            raise ModelError(f"{where}: tensor {index} does not exist; there are {len(tensors)}")
    return tuple(int(index) for index in found)


def _read_operator(table: Table, position: int, codes: list[_Code], tensors: tuple[Tensor, ...]) -> Operator:
    code_index = int(table.scalar(schema.Operator.CODE_INDEX, "uint32", 0))
    if code_index >= len(codes):
        raise ModelError(f"operator {position} names code {code_index}, but the file has {len(codes)}")
    code = codes[code_index]
    where = f"operator {position} ({code.name})"
    raw_inputs = table.array(schema.Operator.INPUTS, "int32")
    inputs: list[int | None] = []
    for index in () if raw_inputs is None else raw_inputs[:MAX_ENTRIES]:
        if not -1 <= index < len(tensors):
            raise ModelError(f"{where} reads tensor {index}, which does not exist; there are {len(tensors)}")
        inputs.append(None if index == -1 else int(index))
    outputs = _indices(table, schema.Operator.OUTPUTS, tensors, where)
    if not outputs:
        raise ModelError(f"{where} has no outputs")
    return Operator(
        kind=code.name,
        inputs=tuple(inputs),
        outputs=outputs,
        attributes=_read_options(table, code.name, where),
        index=position,
        version=code.version,
    )


def _read_options(table: Table, kind: str, where: str) -> Any:
    """Fill the options class of the operator's row from the file; defaults where the file leaves a field out."""
    row = OPERATORS.get(kind)
    if row is None or row.options is None:
        return None
    found_type = int(table.scalar(schema.Operator.OPTIONS_TYPE, "uint8", 0))
    options = table.table(schema.Operator.OPTIONS) if found_type else None
    if options is None:
        return row.options()
    if found_type != row.options_type:
        raise ModelError(f"{where} carries options of type {found_type}; expected type {row.options_type}")
    values: dict[str, Any] = {}
    for field in dataclasses.fields(row.options):
        if "id" not in field.metadata:
            continue
        field_id, field_kind = field.metadata["id"], field.metadata["kind"]
        if field_kind.endswith("[]"):
            array = options.array(field_id, field_kind[:-2])
            if array is not None:
                values[field.name] = tuple(array[:64].tolist())
        else:
            values[field.name] = options.scalar(field_id, field_kind, field.default)
    return row.options(**values)


def _with_signature_names(root: Table, tensors: tuple[Tensor, ...], interface: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Give the model's inputs and outputs the names that its signature has for them.

    Tensor names are the converter's business (`serving_default_x:0`); a signature holds the names that the author of
    the model knows.
    """
    renamed = list(tensors)
    for signature in root.tables(schema.Model.SIGNATURES, 1000):
        if signature.scalar(schema.Signature.SUBGRAPH, "uint32", 0) != 0:
            continue
        for field in (schema.Signature.INPUTS, schema.Signature.OUTPUTS):
            for entry in signature.tables(field, 1000):
                index = int(entry.scalar(schema.TensorMap.TENSOR, "uint32", 0))
                name = entry.string(schema.TensorMap.NAME)
                if name and index in interface:
                    renamed[index] = dataclasses.replace(tensors[index], name=name)
        break
    return tuple(renamed)
