"""The intermediate representation: a verified model as frozen dataclasses.

Tensors and operators live in tuples and refer to each other by position, so that a pass is a function from one graph
to the next and nothing is ever changed behind anybody's back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.errors import ModelError

Array = npt.NDArray[Any]


class DType(Enum):
    """Element types a `.tflite` file can hold. The value is NumPy's name, or ours where NumPy has none."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    FLOAT64 = "float64"
    INT4 = "int4"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    BOOL = "bool"
    STRING = "string"
    OTHER = "other"

    @property
    def numpy(self) -> np.dtype[Any]:
        """NumPy's type of one element; int4 is unpacked, one int8 for each.

        Raises:
            ValueError: the type has no fixed-size NumPy element (string).
        """
        if self in (DType.STRING, DType.OTHER):
            raise ValueError(f"{self.value} has no NumPy element type")
        dtype: np.dtype[Any] = np.dtype("int8" if self is DType.INT4 else self.value)
        return dtype

    @property
    def itemsize(self) -> int:
        """Bytes of one element of its NumPy type."""
        return int(self.numpy.itemsize)


@dataclass(frozen=True, eq=False)
class Quantization:
    """Affine quantization: real = scale * (stored - zero_point), per tensor or along one axis."""

    scales: npt.NDArray[np.float32]
    """Shape (1,) or (extent of `axis`,); finite and positive."""
    zero_points: npt.NDArray[np.int64]
    """Same shape as `scales`."""
    axis: int = 0
    """Axis that per-channel scales run along; meaningless for one scale."""

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantization (float32 value as a Python float)."""
        return float(self.scales[0])

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantization."""
        return int(self.zero_points[0])

    @property
    def per_tensor(self) -> bool:
        """Whether one scale serves the whole tensor."""
        return len(self.scales) == 1


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value in the graph: an activation, or a constant if it has `data`."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None
    data: Array | None = None
    """Constant value with this shape and type, read-only; None for activations."""
    is_variable: bool = False
    """State that outlives an invocation."""

    @property
    def elements(self) -> int:
        """Number of elements (1 for a scalar)."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the tensor takes in memory."""
        return self.elements * self.dtype.itemsize


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator; `attributes` is an instance of the options class of its row in the operator table."""

    kind: str
    """Name of the TFLite builtin, such as `CONV_2D`."""
    inputs: tuple[int | None, ...]
    """Tensor positions; None where an optional input is absent."""
    outputs: tuple[int, ...]
    attributes: Any = None
    index: int = 0
    """Position of the operator in the model file; kept by passes, so that every message can name it."""
    version: int = 1
    macs: int | None = None
    """Multiply-accumulate operations that the model file asks of it; passes may leave fewer. None before the passes."""


@dataclass(frozen=True, eq=False)
class Graph:
    """A whole model: operators in execution order."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sha256: str = ""
    """Of the file that the graph was read from."""
    labels: tuple[str, ...] = field(default=())
    """Class labels, where the file carries them."""
    macs: int | None = None
    """Multiply-accumulate operations of one inference as the model file has it; None before the passes."""

    def nodes(self) -> Iterator[Node]:
        """Iterate over the operators together with their tensors."""
        return (Node(self, operator) for operator in self.operators)

    def replace(self, **changes: Any) -> Graph:
        """Return a copy with some fields exchanged."""
        return replace(self, **changes)


@dataclass(frozen=True, eq=False)
class Node:
    """An operator seen together with its tensors; what the operator table's functions work on."""

    graph: Graph
    operator: Operator

    @property
    def attributes(self) -> Any:
        """The operator's options."""
        return self.operator.attributes

    @property
    def inputs(self) -> tuple[Tensor | None, ...]:
        """The input tensors, None where an optional one is absent."""
        return tuple(None if i is None else self.graph.tensors[i] for i in self.operator.inputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The output tensors."""
        return tuple(self.graph.tensors[i] for i in self.operator.outputs)

    def input(self, position: int) -> Tensor:
        """Return the input at `position`, which must be there.

        Raises:
            ModelError: the operator has no such input.
        """
        tensor = self.optional_input(position)
        if tensor is None:
            raise ModelError(f"input {position} is missing")
        return tensor

    def optional_input(self, position: int) -> Tensor | None:
        """Return the input at `position`, or None where it is absent."""
        if position >= len(self.operator.inputs):
            return None
        index = self.operator.inputs[position]
        return None if index is None else self.graph.tensors[index]

    def output(self, position: int = 0) -> Tensor:
        """Return the output at `position`.

        Raises:
            ModelError: the operator has no such output.
        """
        if position >= len(self.operator.outputs):
            raise ModelError(f"output {position} is missing")
        return self.graph.tensors[self.operator.outputs[position]]

    def input_index(self, position: int) -> int:
        """Return the tensor position of an input that is there."""
        self.input(position)
        index = self.operator.inputs[position]
        assert index is not None
        return index

    @property
    def location(self) -> str:
        """Where the operator is in the model, for messages: `operator 3 (CONV_2D), output 'conv1/Relu'`."""
        name = self.graph.tensors[self.operator.outputs[0]].name if self.operator.outputs else "none"
        return f"operator {self.operator.index} ({self.operator.kind}), output {name!r}"


def verify(graph: Graph) -> None:
    """Check what every pass must keep true.

    Each tensor is written once before it is read, constants match their declared shape and type, and all positions
    exist.

    Raises:
        ModelError: one of these does not hold.
    """
    count = len(graph.tensors)
    for position, tensor in enumerate(graph.tensors):
        if tensor.data is not None and (tensor.data.shape != tensor.shape or tensor.data.dtype != tensor.dtype.numpy):
            raise ModelError(
                f"tensor {position} ({tensor.name!r}): expected constant data {tensor.shape} {tensor.dtype.value},"
                f" found {tensor.data.shape} {tensor.data.dtype}"
            )
    written = {i for i, tensor in enumerate(graph.tensors) if tensor.data is not None or tensor.is_variable}
    for index in (*graph.inputs, *graph.outputs):
        if not 0 <= index < count:
            raise ModelError(f"the graph names tensor {index}, but it has only {count}")
    for index in graph.inputs:
        if index in written:
            raise ModelError(
                f"graph input {graph.tensors[index].name!r} is also a constant, a variable or listed twice"
            )
        written.add(index)
    for node in graph.nodes():
        operator = node.operator
        for input_index in operator.inputs:
            if input_index is None:
                continue
            if not 0 <= input_index < count:
                raise ModelError(f"{node.location} reads tensor {input_index}, but there are only {count}")
            if input_index not in written:
                raise ModelError(
                    f"{node.location} reads tensor {graph.tensors[input_index].name!r} before anything has written it"
                )
        for output in operator.outputs:
            if not 0 <= output < count:
                raise ModelError(f"operator {operator.index} ({operator.kind}) writes tensor {output} of {count}")
            if output in written:
                raise ModelError(
                    f"{node.location} writes tensor {graph.tensors[output].name!r}, which is already written"
                )
            written.add(output)
    for index in graph.outputs:
        if index not in written:
            raise ModelError(f"graph output {graph.tensors[index].name!r} is never written")
