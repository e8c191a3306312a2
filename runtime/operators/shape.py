"""Operators that only change a tensor's shape: their output is their input."""

from __future__ import annotations

from midge.runtime.graph import DType, Node
from midge.runtime.operators.row import INTERNAL, OperatorRow, expect, require
from midge.runtime.program import KernelCall, ParamValue, Target


def _check(node: Node) -> None:
    source, target = node.input(0), node.output()
    require(source.dtype not in (DType.STRING, DType.INT4, DType.OTHER), f"{source.dtype.value} is not supported")
    expect(source.dtype == target.dtype, f"input is {source.dtype.value} but output is {target.dtype.value}")
    expect(
        source.elements == target.elements,
        f"input shape {list(source.shape)} and output shape {list(target.shape)} differ in their number of elements",
    )


def _lower(_: Node, __: Target) -> tuple[KernelCall, ...]:
    return ()


RESHAPE = OperatorRow("RESHAPE", 22, check=_check, lower=_lower, alias=True)
SQUEEZE = OperatorRow("SQUEEZE", 43, check=_check, lower=_lower, alias=True)
EXPAND_DIMS = OperatorRow("EXPAND_DIMS", 70, check=_check, lower=_lower, alias=True)


def _lower_copy(node: Node, _: Target) -> tuple[KernelCall, ...]:
    tensor = node.output()
    row = (1, 1, 1, 1, 1)
    params: dict[str, ParamValue] = {
        "element_size": tensor.dtype.itemsize,
        "shape": (*row, tensor.elements),
        "input_offset": 0,
        "input_stride": (*row, 1),
        "output_offset": 0,
        "output_stride": (*row, 1),
    }
    return (KernelCall("midge_copy", params, (node.input_index(0),), (node.operator.outputs[0],)),)


COPY = OperatorRow("COPY", INTERNAL, check=_check, lower=_lower_copy)
"""Not in any file: the passes put it where an output needs memory of its own."""
