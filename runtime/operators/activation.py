"""Activations that are operators of their own: a table of 256 bytes on int8, a small kernel on floats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midge.runtime import fixed_point_functions
from midge.runtime.fixed_point import (
    FLOAT_MAX,
    INT32_MAX,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    quantize_value,
    rounding_divide_by_power_of_two,
)
from midge.runtime.graph import DType, Node, Quantization
from midge.runtime.operators.builder import Builder, built_row, first_in_place
from midge.runtime.operators.quantized import INT8_VALUES, byte_quantization, lookup_call, require_elements
from midge.runtime.operators.row import expect, expect_counts, expect_shape, option, require, require_dtype
from midge.runtime.program import KernelCall, ParamValue

Table = npt.NDArray[np.int64]


def _check(node: Node) -> None:
    expect_counts(node, (1, 1))
    source, output = node.input(0), node.output()
    require_dtype(source, DType.INT8, DType.FLOAT32)
    expect(source.dtype == output.dtype, f"input is {source.dtype.value} but output is {output.dtype.value}")
    expect_shape(output, source.shape)
    require_elements(source)


def _float_call(node: Node, kernel: str, **params: ParamValue) -> tuple[KernelCall, ...]:
    elements = {"elements": node.input(0).elements}
    return (KernelCall(kernel, {**elements, **params}, (node.input_index(0),), (node.operator.outputs[0],)),)


def _quantizations(node: Node) -> tuple[Quantization, Quantization]:
    return byte_quantization(node.input(0), "input"), byte_quantization(node.output(), "output")


def _rescale(values: Table, factor: float) -> Table:
    multiplier, shift = quantize_multiplier(abs(factor))
    rescaled = multiply_by_quantized_multiplier(values, multiplier, shift).astype(np.int64)
    # A negative factor negates the result: the reference rounds the halves of its first product that way.
    return rescaled if factor >= 0 else -rescaled


# ---- LOGISTIC and TANH ---------------------------------------------------------------------------------------------

_INTEGER_BITS = 4
"""Of the fixed-point argument: it covers -16 to 16."""


def _argument(source: Quantization) -> tuple[Table, Table, Table]:
    """Return the fixed-point argument for each input value, and where it is too low and too high to be held.

    Raises:
        UnsupportedError: the scale is so small that the argument has no bits.
    """
    factor = source.scale * 2 ** (31 - _INTEGER_BITS)
    require(factor >= 1, f"the input's scale {source.scale!r} is below 2**-27")
    fraction, shift = math.frexp(factor)
    # A float32 scale has 24 bits, so the multiplier is exact.
    multiplier = int(fraction * 2**31)
    radius = ((2**_INTEGER_BITS - 1) << (31 - _INTEGER_BITS)) >> shift
    values = INT8_VALUES - source.zero_point
    low, high = values <= -radius, values >= radius
    # Values beyond the radius would overflow; their result does not count.
    held = np.where(low | high, 0, values)
    return multiply_by_quantized_multiplier(held, multiplier, min(shift, 31)).astype(np.int64), low, high


def _fixed_point_table(node: Node, *, is_tanh: bool) -> Table:
    source, output = _quantizations(node)
    scale, zero_point = (1 / 128, 0) if is_tanh else (1 / 256, -128)
    require(
        output.scale == scale and output.zero_point == zero_point,
        f"expected output scale {scale!r} and zero point {zero_point},"
        f" found {output.scale!r} and {output.zero_point}; full-integer conversion makes them so",
    )
    argument, low, high = _argument(source)
    if is_tanh:
        raw, bits = fixed_point_functions.tanh(argument, _INTEGER_BITS), 31 - 7
    else:
        raw, bits = fixed_point_functions.logistic(argument, _INTEGER_BITS), 31 - 8
    result = rounding_divide_by_power_of_two(raw, bits).astype(np.int64) + zero_point
    return np.where(low, -128, np.where(high, 127, np.clip(result, -128, 127)))


def _logistic(node: Node) -> tuple[KernelCall, ...]:
    _check(node)
    if node.input(0).dtype == DType.FLOAT32:
        return _float_call(node, "midge_logistic_f32")
    return (lookup_call(node, _fixed_point_table(node, is_tanh=False)),)


def _tanh(node: Node) -> tuple[KernelCall, ...]:
    _check(node)
    if node.input(0).dtype == DType.FLOAT32:
        return _float_call(node, "midge_tanh_f32")
    return (lookup_call(node, _fixed_point_table(node, is_tanh=True)),)


# ---- The RELU family -----------------------------------------------------------------------------------------------


def _relu_builder(low: float, high: float | None) -> Builder:
    def build(node: Node) -> tuple[KernelCall, ...]:
        _check(node)
        if node.input(0).dtype == DType.FLOAT32:
            maximum = FLOAT_MAX if high is None else high
            return _float_call(node, "midge_relu_f32", minimum=low, maximum=maximum)
        source, output = _quantizations(node)
        # TensorFlow Lite Micro forgets to rescale in RELU6; where that matters this is LiteRT's arithmetic.
        values = _rescale(INT8_VALUES - source.zero_point, source.scale / output.scale) + output.zero_point
        least = quantize_value(low, output.scale, output.zero_point)
        most = 127 if high is None else quantize_value(high, output.scale, output.zero_point)
        return (lookup_call(node, np.minimum(np.maximum(values, least), most)),)

    return build


@dataclass(frozen=True)
class LeakyReluOptions:
    """Options of LEAKY_RELU."""

    alpha: float = option(0, "float32", 0.0)


def _leaky_relu(node: Node) -> tuple[KernelCall, ...]:
    _check(node)
    alpha = float(node.attributes.alpha)
    expect(math.isfinite(alpha), f"alpha is {alpha!r}; it must be finite")
    if node.input(0).dtype == DType.FLOAT32:
        return _float_call(node, "midge_leaky_relu_f32", alpha=alpha)
    source, output = _quantizations(node)
    values = INT8_VALUES - source.zero_point
    result = np.where(
        values >= 0,
        _rescale(values, source.scale / output.scale),
        _rescale(values, source.scale * alpha / output.scale),
    )
    return (lookup_call(node, result + output.zero_point),)


# ---- HARD_SWISH ----------------------------------------------------------------------------------------------------


def _product16(a: Table, b: int) -> Table:
    """Return 2*a*b / 2**16 of int16 values, rounded half up; never both -2**15."""
    return (a * b + 2**14) >> 15


def _factor16(factor: float) -> tuple[int, int]:
    """Return the 16-bit multiplier and the exponent of a factor.

    Raises:
        UnsupportedError: shifting by that exponent would leave nothing of 16 bits.
    """
    multiplier, exponent = quantize_multiplier(factor)
    require(multiplier > 0 and exponent >= -15, f"the scales give the factor {factor!r}, which is below 2**-16")
    return min((multiplier + 2**15) >> 16, 2**15 - 1) if multiplier < INT32_MAX - 2**15 else 2**15 - 1, exponent


def _saturate16(x: Table) -> Table:
    return np.clip(x, -(2**15), 2**15 - 1)


def _hard_swish(node: Node) -> tuple[KernelCall, ...]:
    _check(node)
    if node.input(0).dtype == DType.FLOAT32:
        return _float_call(node, "midge_hard_swish_f32")
    source, output = _quantizations(node)
    # Of the result, and of the argument on a scale where 3 is 2**15; its 7 more bits are those of `fine` below.
    output_factor, output_exponent = _factor16(source.scale / 128 / output.scale)
    gate_factor, gate_exponent = _factor16(source.scale / 128 / (3 / 2**15))
    require(output_exponent <= 0, "the input's scale is more than 128 times the output's")
    fine = (INT8_VALUES - source.zero_point) * 128
    scaled = _product16(fine, output_factor)
    gate = fine
    if gate_exponent > 0:
        gate = _saturate16(gate << (gate_exponent - 1))
    gate = _product16(gate, gate_factor)
    if gate_exponent > 0:
        gate = _saturate16(gate * 2)
    elif gate_exponent < 0:
        gate = rounding_divide_by_power_of_two(gate, -gate_exponent).astype(np.int64)
    gate = (gate + 2**15) >> 1
    product = gate * scaled
    # Towards zero: the reference cancels the bias of the rounding products above.
    product = np.sign(product) * (np.abs(product) >> 15)
    result = rounding_divide_by_power_of_two(product, -output_exponent).astype(np.int64)
    return (lookup_call(node, result + output.zero_point),)


HARD_SWISH = built_row("HARD_SWISH", 117, _hard_swish, in_place=first_in_place)
LEAKY_RELU = built_row("LEAKY_RELU", 98, _leaky_relu, LeakyReluOptions, 75, in_place=first_in_place)
LOGISTIC = built_row("LOGISTIC", 14, _logistic, in_place=first_in_place)
RELU = built_row("RELU", 19, _relu_builder(0.0, None), in_place=first_in_place)
RELU6 = built_row("RELU6", 21, _relu_builder(0.0, 6.0), in_place=first_in_place)
RELU_0_TO_1 = built_row("RELU_0_TO_1", 152, _relu_builder(0.0, 1.0), in_place=first_in_place)
RELU_N1_TO_1 = built_row("RELU_N1_TO_1", 20, _relu_builder(-1.0, 1.0), in_place=first_in_place)
TANH = built_row("TANH", 28, _tanh, in_place=first_in_place)
