"""What an operator of the training graph is given. Imports TensorFlow.

Every activation has an axis of samples in front of its declared shape, ``[n, *shape]``, and holds its integers as
float32; a constant has one sample, which broadcasts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from midge.converter.qat.arithmetic import attach
from midge.runtime.graph import DType, Node, Tensor
from midge.runtime.program import ParamValue


@dataclass(frozen=True)
class Weights:
    """Trained constants of a convolution or fully connected layer."""

    integers: Any
    """float32 in the file's shape, with gradients."""
    scales: Any
    """float32, (1,) or (output channels,), with gradients."""
    bias: Any
    """In real units, float32 (output channels,), with gradients; None where the layer has none."""
    bias_integers: Any
    """int64 (output channels,); zeros where the layer has none."""
    greatest: int
    """The greatest magnitude that an integer can have."""


@dataclass(frozen=True)
class Call:
    """One operator, its inputs and what the firmware's kernel is told of it."""

    node: Node
    inputs: tuple[Any, ...]
    """One for each of the node's inputs; None where it is absent or no activation."""
    params: Mapping[str, ParamValue]
    """Of the kernel that firmware calls; empty where it calls several."""
    weights: Weights | None = None


Row = Callable[[Call], Sequence[Any]]
"""Evaluates an operator: returns each of its outputs, exact, with the gradient of its float form."""


def scale_of(tensor: Tensor) -> float:
    """Return an activation's scale; 1 where it is no integer."""
    return 1.0 if tensor.quantization is None else tensor.quantization.scale


def zero_point_of(tensor: Tensor) -> int:
    """Return an activation's zero point; 0 where it is no integer."""
    return 0 if tensor.quantization is None else tensor.quantization.zero_point


def to_real(values: Any, tensor: Tensor) -> Any:
    """Dequantize an activation."""
    return (values - float(zero_point_of(tensor))) * scale_of(tensor)


def from_real(values: Any, tensor: Tensor, low: int = -128, high: int = 127) -> Any:
    """Bring real values to an activation's integers without rounding, within what they can be."""
    return tf.clip_by_value(values / scale_of(tensor) + float(zero_point_of(tensor)), float(low), float(high))


def result(exact: Any, real: Any, tensor: Tensor, low: int = -128, high: int = 127) -> list[Any]:
    """Return an operator's output: exact integers (int64) with the gradient of its real values, where in range."""
    return [attach(tf.cast(exact, tf.float32), from_real(real, tensor, low, high))]


def is_byte(tensor: Tensor) -> bool:
    """Whether a tensor is of type int8."""
    return tensor.dtype is DType.INT8
