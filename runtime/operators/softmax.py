"""SOFTMAX along the last axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier
from midge.runtime.fixed_point_functions import exp_of_negative
from midge.runtime.graph import DType, Node
from midge.runtime.operators.builder import built_row, first_in_place
from midge.runtime.operators.quantized import byte_quantization, require_elements
from midge.runtime.operators.row import expect, expect_counts, expect_shape, option, require, require_dtype
from midge.runtime.program import KernelCall

_INTEGER_BITS = 5
"""Of the exponent: it reaches down to -32."""

_MAX_DEPTH = 4095
"""More equal elements than this overflow the sum of the exponentials, which has 12 integer bits."""


@dataclass(frozen=True)
class SoftmaxOptions:
    """Options of SOFTMAX."""

    beta: float = option(0, "float32", 0.0)


def _exponentials(scale: float, beta: float) -> npt.NDArray[np.int32]:
    """Return exp(-beta * scale * d) with 31 fractional bits for d in 0..255; 0 where the reference leaves it out.

    Raises:
        UnsupportedError: beta * scale is so small that the exponent has no bits.
    """
    factor = min(beta * scale * 2 ** (31 - _INTEGER_BITS), 2.0**31 - 1)
    require(factor > 1, f"the input's scale {scale!r} times beta {beta!r} is not above 2**-26")
    multiplier, shift = quantize_multiplier(min(factor, 2.0**30 - 1))
    if factor >= 2.0**30:
        # One step below the greatest is already less than exp(-16): only the greatest counts.
        return np.array([2**31 - 1] + [0] * 255, dtype=np.int32)
    radius = ((2**_INTEGER_BITS - 1) << (31 - _INTEGER_BITS)) >> shift
    distance = np.arange(256)
    argument = multiply_by_quantized_multiplier(-np.minimum(distance, radius), multiplier, shift)
    return np.where(distance <= radius, exp_of_negative(argument, _INTEGER_BITS), 0).astype(np.int32)


def _softmax(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (1, 1))
    source, output = node.input(0), node.output()
    require_dtype(source, DType.INT8, DType.FLOAT32)
    require_dtype(output, source.dtype, what="output")
    expect(len(source.shape) > 0, "a scalar has no axis to take the softmax along")
    expect_shape(output, source.shape)
    require_elements(source)
    beta = float(node.attributes.beta)
    expect(math.isfinite(beta) and beta >= 0, f"beta is {beta!r}; it must be finite and not negative")
    depth = source.shape[-1]
    size = {"rows": source.elements // depth, "depth": depth}
    tensors = (node.input_index(0),), (node.operator.outputs[0],)
    if source.dtype == DType.FLOAT32:
        return (KernelCall("midge_softmax_f32", {**size, "beta": beta}, *tensors),)
    quantized = byte_quantization(output, "output")
    require(
        quantized.scale == 1 / 256 and quantized.zero_point == -128,
        f"expected output scale 1/256 and zero point -128, found {quantized.scale!r} and {quantized.zero_point};"
        " full-integer conversion makes them so",
    )
    require(depth <= _MAX_DEPTH, f"the last axis has {depth} entries; at most {_MAX_DEPTH} are supported")
    exponentials = _exponentials(byte_quantization(source, "input").scale, beta)
    return (KernelCall("midge_softmax_s8", {**size, "exponentials": exponentials}, *tensors),)


SOFTMAX = built_row("SOFTMAX", 25, _softmax, SoftmaxOptions, 9, in_place=first_in_place)
