"""What a layer should compute: models of one or a few operators, built in memory and run by other engines.

`Case` describes such a model with NumPy arrays; `build` turns it into the bytes of a `.tflite` file; `run_tflm` and
`run_litert` run these bytes. TensorFlow Lite Micro is the judge, LiteRT's reference kernels serve where it has no say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

Array = npt.NDArray[Any]

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "int4": schema.TensorType.INT4,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "uint8": schema.TensorType.UINT8,
    "bool": schema.TensorType.BOOL,
}


@dataclass(frozen=True, eq=False)
class TensorSpec:
    """A tensor: constant if it has `data`, quantized if it has `scale` (one number, or one per channel).

    The data of an int4 tensor is int8, one value for each.
    """

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: float | Sequence[float] | Array | None = None
    zero_point: int | Sequence[int] | Array = 0
    axis: int = 0
    data: Array | None = None

    def constant(self) -> bool:
        """Whether the tensor's value is in the file."""
        return self.data is not None


@dataclass(frozen=True, eq=False)
class OperatorSpec:
    """An operator; `options` is an object of the schema's object API such as `Conv2DOptionsT`."""

    kind: str
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    options: Any = None
    version: int = 1


@dataclass(frozen=True, eq=False)
class Case:
    """A model, what to feed it, and how its result is judged."""

    tensors: tuple[TensorSpec, ...]
    operators: tuple[OperatorSpec, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    feeds: tuple[Array, ...]
    """One array per input."""
    oracle: str = "tflm"
    """`tflm`, `litert` (its reference kernels), or `unpacked`: `tflm` with int4 tensors stored as int8."""
    tolerance: float = 0.0
    """Greatest difference, as a part of the largest magnitude in the expected output; 0 means bit for bit."""

    is_sum: bool = False
    """Whether outputs are sums of products: an error is then also fine that is a rounding of the terms."""

    @property
    def dtype(self) -> str:
        """Type of the first input, for tables."""
        return self.tensors[self.operators[0].inputs[0] or 0].dtype


def single(
    kind: str,
    inputs: Sequence[TensorSpec | None],
    outputs: Sequence[TensorSpec],
    feeds: Sequence[Array],
    options: Any = None,
    version: int = 1,
    oracle: str = "tflm",
    tolerance: float = 0.0,
) -> Case:
    """Describe a model of one operator; `feeds` are the values of the inputs that are not constant, in order."""
    present = [spec for spec in inputs if spec is not None]
    tensors = (*present, *outputs)
    position = {id(spec): i for i, spec in enumerate(tensors)}
    runtime = tuple(dict.fromkeys(position[id(spec)] for spec in present if not spec.constant()))
    assert len(runtime) == len(feeds), "one feed per input that is not constant"
    operator = OperatorSpec(
        kind,
        tuple(None if spec is None else position[id(spec)] for spec in inputs),
        tuple(position[id(spec)] for spec in outputs),
        options,
        version,
    )
    return Case(tensors, (operator,), runtime, operator.outputs, tuple(feeds), oracle, tolerance)


def pack_int4(values: Array) -> Array:
    """Return int8 values in [-8, 7] as a file has them: two to a byte, the first one lower."""
    nibbles = np.append(values.ravel(), np.zeros(values.size % 2, np.int8)).view(np.uint8) & 15
    return nibbles[0::2] | nibbles[1::2] << 4


def build(case: Case) -> bytes:
    """Return the `.tflite` file of a case."""
    model = schema.ModelT()
    model.version = 3
    model.description = "a case"
    model.buffers = [schema.BufferT()]
    subgraph = schema.SubGraphT()
    subgraph.name = "main"
    subgraph.tensors = []
    for i, spec in enumerate(case.tensors):
        tensor = schema.TensorT()
        tensor.name = f"t{i}"
        tensor.shape = np.array(spec.shape, dtype=np.int32)
        tensor.hasRank = True
        tensor.type = _TYPES[spec.dtype]
        if spec.scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = np.atleast_1d(np.asarray(spec.scale, dtype=np.float32))
            zero_points = np.atleast_1d(np.asarray(spec.zero_point, dtype=np.int64))
            quantization.zeroPoint = np.broadcast_to(zero_points, quantization.scale.shape).copy()
            quantization.quantizedDimension = spec.axis
            tensor.quantization = quantization
        if spec.data is not None:
            is_packed = spec.dtype == "int4"
            assert spec.data.shape == spec.shape and spec.data.dtype == np.dtype("int8" if is_packed else spec.dtype)
            buffer = schema.BufferT()
            stored = pack_int4(spec.data) if is_packed else np.ascontiguousarray(spec.data)
            buffer.data = np.frombuffer(stored.tobytes(), dtype=np.uint8)
            tensor.buffer = len(model.buffers)
            model.buffers.append(buffer)
        subgraph.tensors.append(tensor)
    model.operatorCodes = []
    subgraph.operators = []
    for spec_ in case.operators:
        code = schema.OperatorCodeT()
        number = getattr(schema.BuiltinOperator, spec_.kind)
        code.builtinCode = number
        code.deprecatedBuiltinCode = min(number, 127)
        code.version = spec_.version
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes)
        operator.inputs = np.array([-1 if i is None else i for i in spec_.inputs], dtype=np.int32)
        operator.outputs = np.array(spec_.outputs, dtype=np.int32)
        if spec_.options is not None:
            name = type(spec_.options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            operator.builtinOptions = spec_.options
        model.operatorCodes.append(code)
        subgraph.operators.append(operator)
    subgraph.inputs = np.array(case.inputs, dtype=np.int32)
    subgraph.outputs = np.array(case.outputs, dtype=np.int32)
    model.subgraphs = [subgraph]
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run_tflm(data: bytes, feeds: Sequence[Array], outputs: int, arena: int = 4_000_000) -> list[Array]:
    """Run a file once in TensorFlow Lite Micro and return its outputs.

    Raises:
        RuntimeError: it refuses the model (the reason is on stderr).
    """
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(data, arena_size=arena)
    for i, feed in enumerate(feeds):
        interpreter.set_input(feed, i)
    interpreter.invoke()
    return [np.array(interpreter.get_output(i)) for i in range(outputs)]


def run_litert(data: bytes, feeds: Sequence[Array], outputs: int) -> list[Array]:
    """Run a file once in LiteRT's reference kernels and return its outputs."""
    from ai_edge_litert import interpreter as litert

    interpreter = litert.Interpreter(
        model_content=data, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    for detail, feed in zip(interpreter.get_input_details(), feeds, strict=True):
        interpreter.set_tensor(detail["index"], feed)
    interpreter.invoke()
    details = interpreter.get_output_details()
    assert len(details) == outputs
    return [np.array(interpreter.get_tensor(detail["index"])) for detail in details]


def expected(case: Case, data: bytes | None = None) -> list[Array]:
    """Return what a case's oracle computes."""
    if case.oracle == "unpacked":
        tensors = tuple(replace(spec, dtype="int8") if spec.dtype == "int4" else spec for spec in case.tensors)
        return expected(replace(case, tensors=tensors, oracle="tflm"))
    data = build(case) if data is None else data
    run = {"tflm": run_tflm, "litert": run_litert}[case.oracle]
    return run(data, case.feeds, len(case.outputs))
