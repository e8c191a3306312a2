"""One row of the operator table, and the helpers that rows are written with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from midge.runtime.errors import ModelError, UnsupportedError
from midge.runtime.graph import Array, DType, Node, Quantization, Tensor
from midge.runtime.operators.variant import Variant
from midge.runtime.program import KernelCall, Target

INTERNAL = -1
"""Code of an operator that only our own passes make."""


def option(field_id: int, kind: str, default: Any) -> Any:
    """Declare a field of an options class: its position and type in the flatbuffer table, and its default.

    `field_id` counts the table's fields from 0; `kind` is `int8`, `int32`, `float32`, `bool` or `int32[]`.
    """
    return field(default=default, metadata={"id": field_id, "kind": kind})


def _no_macs(_: Node) -> int:
    return 0


def _nothing_in_place(_: Node) -> tuple[tuple[int, int], ...]:
    return ()


def _at_the_start(_: Node) -> int:
    return 0


@dataclass(frozen=True)
class OperatorRow:
    """Everything Midge knows about one operator."""

    name: str
    """TFLite's name of the builtin."""
    code: int
    """Its number in the schema's BuiltinOperator, or `INTERNAL`."""
    check: Callable[[Node], None]
    """Raises `UnsupportedError` for what no kernel covers and `ModelError` for what contradicts itself.

    After it has returned, `lower` must succeed and its kernels must be safe to run: check types, quantization, ranks,
    and that the declared output shape is the one the operator computes.
    """
    lower: Callable[[Node, Target], tuple[KernelCall, ...]]
    """The `plain` variant, which serves every node on every target."""
    options: type | None = None
    """Dataclass of the attributes; its fields are declared with `option`."""
    options_type: int = 0
    """Number of the options table in the schema's BuiltinOptions; 0 for none."""
    variants: tuple[Variant, ...] = ()
    """Other ways to compute it, the best first; each may turn a node or a target down."""
    macs: Callable[[Node], int] = _no_macs
    in_place: Callable[[Node], tuple[tuple[int, int], ...]] = _nothing_in_place
    """(input position, output position) pairs whose buffers may start at the same byte."""
    alias: bool = False
    """Output 0 is input 0 under another shape; no kernel runs."""
    alias_offset: Callable[[Node], int] = _at_the_start
    """Where in input 0 such an output begins, in bytes."""
    part_offsets: Callable[[Node], tuple[int, ...]] | None = None
    """Where in output 0 each input lies, in bytes, if output 0 is just all inputs side by side; no kernel runs."""


# ---- What checks are made of --------------------------------------------------------------------------------------


def require(condition: bool, reason: str) -> None:
    """Refuse what no kernel covers.

    Raises:
        UnsupportedError: `condition` is false; the caller adds the place.
    """
    if not condition:
        raise UnsupportedError(reason)


def expect(condition: bool, reason: str) -> None:
    """Refuse what contradicts itself.

    Raises:
        ModelError: `condition` is false; the caller adds the place.
    """
    if not condition:
        raise ModelError(reason)


def expect_shape(tensor: Tensor, shape: tuple[int, ...], what: str = "output") -> None:
    """Refuse a tensor whose declared shape is not the computed one."""
    expect(tensor.shape == shape, f"expected {what} shape {list(shape)}, found {list(tensor.shape)}")


def expect_counts(node: Node, inputs: tuple[int, int], outputs: int = 1) -> None:
    """Refuse a wrong number of inputs (least, most) or outputs."""
    found = len(node.operator.inputs)
    expect(inputs[0] <= found <= inputs[1], f"expected {inputs[0]} to {inputs[1]} inputs, found {found}")
    expect(
        len(node.operator.outputs) == outputs,
        f"expected {outputs} outputs, found {len(node.operator.outputs)}",
    )


def require_dtype(tensor: Tensor, *allowed: DType, what: str = "input") -> None:
    """Refuse a tensor of a type that there is no kernel for."""
    names = " or ".join(dtype.value for dtype in allowed)
    require(tensor.dtype in allowed, f"{what} {tensor.name!r} is {tensor.dtype.value}; only {names} is supported")


def constant(tensor: Tensor, what: str) -> Array:
    """Return the data of a tensor that must be known when the model is compiled."""
    if tensor.data is None:
        raise UnsupportedError(f"{what} {tensor.name!r} is computed at run time; it must be a constant")
    return tensor.data


def per_tensor(tensor: Tensor, what: str = "tensor") -> Quantization:
    """Return the quantization of a tensor that must have exactly one scale."""
    if tensor.quantization is None or not tensor.quantization.per_tensor:
        raise ModelError(f"{what} {tensor.name!r} is {tensor.dtype.value} and needs one scale and one zero point")
    return tensor.quantization
