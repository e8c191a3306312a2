"""What the checks of data movement, arithmetic and activations refuse, and that the reason is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from midge.runtime.errors import Error, ModelError, UnsupportedError
from midge.runtime.graph import DType, Graph, Operator, Quantization, Tensor
from midge.runtime.lower import lower
from midge.runtime.operators import OPERATORS
from midge.runtime.operators.activation import LeakyReluOptions
from midge.runtime.operators.movement import ConcatenationOptions, PackOptions, SplitOptions, UnpackOptions
from midge.runtime.operators.slicing import StridedSliceOptions
from midge.runtime.operators.softmax import SoftmaxOptions
from midge.runtime.program import Target


def quantized(shape: tuple[int, ...], scale: float = 0.5, zero_point: int = 0) -> Tensor:
    """Return an int8 tensor."""
    quantization = Quantization(np.array([scale], np.float32), np.array([zero_point]))
    return Tensor("t", shape, DType.INT8, quantization)


def floats(*shape: int) -> Tensor:
    """Return a float32 tensor."""
    return Tensor("t", shape, DType.FLOAT32)


def constant(values: Any) -> Tensor:
    """Return an int32 constant."""
    data = np.array(values, np.int32)
    return Tensor("c", data.shape, DType.INT32, data=data)


def check(kind: str, inputs: list[Tensor], outputs: list[Tensor], attributes: Any = None) -> None:
    """Lower a graph of one operator, with the default options where none are given."""
    options = OPERATORS[kind].options
    attributes = options() if attributes is None and options is not None else attributes
    tensors = (*inputs, *outputs)
    positions = tuple(range(len(tensors)))
    operator = Operator(kind, positions[: len(inputs)], positions[len(inputs) :], attributes)
    lower(Graph("g", tensors, (operator,), positions[:1], operator.outputs), Target())


PER_CHANNEL = Tensor("t", (2,), DType.INT8, Quantization(np.array([1, 2], np.float32), np.array([0, 0])))
RUNTIME = Tensor("begin", (1,), DType.INT32)

REFUSED: dict[str, tuple[type[Error], str, tuple[Any, ...]]] = {
    "types differ": (ModelError, "int8, not float32", ("ADD", [floats(2), quantized((2,))], [floats(2)])),
    "no broadcast": (ModelError, "do not broadcast", ("MUL", [floats(2), floats(3)], [floats(3)])),
    "wrong output shape": (
        ModelError,
        r"expected output shape \[2, 3\]",
        ("SUB", [floats(2, 1), floats(3)], [floats(6)]),
    ),
    "int64 arithmetic": (
        UnsupportedError,
        "only int8 or float32 or int32",
        ("ADD", [Tensor("t", (1,), DType.INT64)] * 2, [Tensor("t", (1,), DType.INT64)]),
    ),
    "per-channel activation": (ModelError, "one scale", ("ADD", [PER_CHANNEL, PER_CHANNEL], [PER_CHANNEL])),
    "tiny output scale": (
        UnsupportedError,
        "2\\*\\*19 times the output scale",
        ("ADD", [quantized((1,)), quantized((1,))], [quantized((1,), 1e-9)]),
    ),
    "zero point outside int8": (
        ModelError,
        "zero point 300, outside int8",
        ("MUL", [quantized((1,), 1, 300), quantized((1,))], [quantized((1,))]),
    ),
    "empty tensor": (UnsupportedError, "must have 1 to", ("RELU", [floats(0)], [floats(0)])),
    "logistic output": (UnsupportedError, "zero point -128", ("LOGISTIC", [quantized((1,))], [quantized((1,))])),
    "tanh input scale": (
        UnsupportedError,
        r"below 2\*\*-27",
        ("TANH", [quantized((1,), 1e-9)], [quantized((1,), 1 / 128)]),
    ),
    "leaky alpha": (
        ModelError,
        "must be finite",
        ("LEAKY_RELU", [floats(1)], [floats(1)], LeakyReluOptions(float("nan"))),
    ),
    "softmax beta": (ModelError, "not negative", ("SOFTMAX", [floats(1)], [floats(1)], SoftmaxOptions(-1.0))),
    "softmax classes": (
        UnsupportedError,
        "at most 4095",
        ("SOFTMAX", [quantized((1, 5000))], [quantized((1, 5000), 1 / 256, -128)], SoftmaxOptions(1.0)),
    ),
    "concatenated scales": (
        UnsupportedError,
        "another scale",
        ("CONCATENATION", [quantized((1,), 2.0)], [quantized((1,))], ConcatenationOptions()),
    ),
    "concatenation axis": (
        ModelError,
        "axis 3 does not exist",
        ("CONCATENATION", [floats(1)], [floats(1)], ConcatenationOptions(3)),
    ),
    "pack count": (ModelError, "values_count is 2", ("PACK", [floats(1)], [floats(1, 1)], PackOptions(2, 0))),
    "unpack count": (ModelError, "num is 3", ("UNPACK", [floats(2)], [floats(), floats()], UnpackOptions(3, 0))),
    "uneven split": (
        ModelError,
        "not a multiple of 2",
        ("SPLIT", [constant(0), floats(3)], [floats(1), floats(2)], SplitOptions(2)),
    ),
    "split sizes": (
        ModelError,
        "do not make up",
        ("SPLIT_V", [floats(4), constant([1, 2]), constant(0)], [floats(1), floats(2)], SplitOptions(2)),
    ),
    "slice beyond the end": (
        ModelError,
        "entries 2 to 4 of axis 0",
        ("SLICE", [floats(4), constant([2]), constant([3])], [floats(3)]),
    ),
    "slice known at run time": (
        UnsupportedError,
        "computed at run time",
        ("SLICE", [RUNTIME, RUNTIME, constant([1])], [Tensor("t", (1,), DType.INT32)]),
    ),
    "stride 0": (
        ModelError,
        "stride is 0",
        ("STRIDED_SLICE", [floats(4), constant([0]), constant([4]), constant([0])], [floats(4)], StridedSliceOptions()),
    ),
    "ellipsis": (
        UnsupportedError,
        "ellipsis",
        (
            "STRIDED_SLICE",
            [floats(4), constant([0]), constant([4]), constant([1])],
            [floats(4)],
            StridedSliceOptions(ellipsis_mask=1),
        ),
    ),
    "permutation": (ModelError, "each of 2 axes once", ("TRANSPOSE", [floats(2, 2), constant([0, 0])], [floats(2, 2)])),
    "negative padding": (ModelError, "not be negative", ("PAD", [floats(3), constant([[-1, 0]])], [floats(2)])),
    "padding count": (ModelError, "expected paddings shape", ("PAD", [floats(3), constant([[0, 0]] * 2)], [floats(3)])),
    "quantize to int16": (
        UnsupportedError,
        "only int8",
        ("QUANTIZE", [floats(1)], [Tensor("t", (1,), DType.INT16)]),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(name: str) -> None:
    """The error is of the right class and says what is wrong and where."""
    error, reason, arguments = REFUSED[name]
    with pytest.raises(error, match=reason) as raised:
        check(*arguments)

    assert f"operator 0 ({arguments[0]})" in str(raised.value)


def test_more_than_six_separate_axes_are_refused() -> None:
    """The copy kernel walks six axes; a transposition that needs seven has no kernel."""
    shape = (2, 3, 2, 3, 2, 3, 2)
    with pytest.raises(UnsupportedError, match="7 separate axes"):
        check("TRANSPOSE", [floats(*shape), constant([6, 5, 4, 3, 2, 1, 0])], [floats(*shape[::-1])])


def test_seven_axes_that_merge_are_supported() -> None:
    """Axes that stay neighbours count as one."""
    shape = (2, 3, 2, 3, 2, 3, 2)
    check("TRANSPOSE", [floats(*shape), constant([4, 5, 6, 0, 1, 2, 3])], [floats(2, 3, 2, 2, 3, 2, 3)])
