"""What rows of quantized operators have in common: per-tensor int8, and one kernel that looks bytes up in a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import DType, Node, Quantization, Tensor
from midge.runtime.operators.row import expect, per_tensor, require
from midge.runtime.program import KernelCall

INT8_VALUES: npt.NDArray[np.int64] = np.arange(-128, 128)
UINT8_VALUES: npt.NDArray[np.int64] = np.arange(0, 256)


def byte_quantization(tensor: Tensor, what: str = "tensor") -> Quantization:
    """Return the one quantization of an int8 or uint8 tensor.

    Raises:
        ModelError: there is none or one per channel, or its zero point is outside the type.
    """
    quantization = per_tensor(tensor, what)
    info = np.iinfo(tensor.dtype.numpy)
    expect(
        info.min <= quantization.zero_point <= info.max,
        f"{what} {tensor.name!r} has zero point {quantization.zero_point}, outside {tensor.dtype.value}",
    )
    return quantization


def require_elements(tensor: Tensor) -> None:
    """Refuse an empty tensor, and one whose elements 32 bits cannot count."""
    shape = list(tensor.shape)
    require(0 < tensor.elements < 2**31, f"{tensor.name!r} has shape {shape}: it must have 1 to 2**31 - 1 elements")


def lookup_call(node: Node, outputs: npt.NDArray[np.integer[Any]]) -> KernelCall:
    """Return the call that maps every byte of input 0.

    Args:
        node: an operator with one 8-bit input and one 8-bit output.
        outputs: the output value for each input value, from the least input value up; clamped to the output's type.
    """
    source, target = node.input(0), node.output()
    info = np.iinfo(target.dtype.numpy)
    stored = np.clip(outputs, info.min, info.max).astype(target.dtype.numpy).view(np.int8)
    # The kernel takes the input's bits as unsigned: for int8 0 to 127 come before -128 to -1.
    table = np.roll(stored, 128) if source.dtype == DType.INT8 else stored
    return KernelCall(
        kernel="midge_lookup_s8",
        params={"elements": source.elements, "table": np.ascontiguousarray(table)},
        inputs=(node.input_index(0),),
        outputs=(node.operator.outputs[0],),
    )
