"""exp, logistic and tanh in fixed point, exactly as the reference kernels compute them for int8 operators.

A number with i integer bits stands for `raw / 2**(31 - i)`, raw being an int32. The algorithms are those of the
gemmlowp library's fixed-point header: exp by a Taylor series around -1/8 and a product of constants for the higher
bits, division by three Newton-Raphson steps from 48/17 - 32/17 x. Every function takes and returns arrays of int64
that hold int32 values.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)

Raw = npt.NDArray[np.int64]

ONE = INT32_MAX
"""The greatest number with no integer bits; stands for 1."""


def _constant(real: float, integer_bits: int) -> int:
    return math.floor(real * 2.0 ** (31 - integer_bits) + 0.5)


def _product(a: npt.ArrayLike, b: npt.ArrayLike) -> Raw:
    """Multiply; the integer bits of the factors add up."""
    return saturating_rounding_doubling_high_mul(a, b).astype(np.int64)


def _divide(x: npt.ArrayLike, bits: int) -> Raw:
    return rounding_divide_by_power_of_two(x, bits).astype(np.int64)


def _widen(x: Raw, bits: int) -> Raw:
    """Multiply by 2**bits, saturating: drops `bits` integer bits."""
    shifted: Raw = np.clip(x << bits, INT32_MIN, INT32_MAX)
    return shifted


def _exp_near_minus_one_eighth(a: Raw) -> Raw:
    """Return exp(a) for a in [-1/4, 0), both with no integer bits."""
    x = a + _constant(1 / 8, 0)
    x2 = _product(x, x)
    x3 = _product(x2, x)
    x4_over_4 = _divide(_product(x2, x2), 2)
    higher = _divide(_product(x4_over_4 + x3, _constant(1 / 3, 0)) + x2, 1)
    scale = _constant(math.exp(-1 / 8), 0)
    return scale + _product(scale, x + higher)


def exp_of_negative(a: npt.ArrayLike, integer_bits: int) -> Raw:
    """Return exp(a), with no integer bits, for a <= 0 with `integer_bits` (at most 5) integer bits."""
    raw = np.asarray(a, dtype=np.int64)
    quarter = _constant(1 / 4, integer_bits)
    remainder = (raw & (quarter - 1)) - quarter
    result = _exp_near_minus_one_eighth(_widen(remainder, integer_bits))
    rest = remainder - raw
    for exponent in range(-2, integer_bits):
        bit = np.int64(1) << (31 - integer_bits + exponent)
        result = np.where(rest & bit, _product(result, _constant(math.exp(-(2.0**exponent)), 0)), result)
    return np.where(raw == 0, ONE, result)


def _two_over_one_plus(a: Raw) -> Raw:
    """Return 2 / (1 + a), with two integer bits, for a in [0, 1]."""
    # The halved sum rounds half away from zero; it is positive.
    half = (a + ONE + 1) >> 1
    one = _constant(1, 2)
    x = _constant(48 / 17, 2) + _product(half, _constant(-32 / 17, 2))
    for _ in range(3):
        x = x + _widen(_product(x, one - _product(half, x)), 2)
    return x


def one_over_one_plus(a: npt.ArrayLike) -> Raw:
    """Return 1 / (1 + a) for a in [0, 1], both with no integer bits."""
    return _widen(_two_over_one_plus(np.asarray(a, dtype=np.int64)), 1)


def logistic(a: npt.ArrayLike, integer_bits: int) -> Raw:
    """Return 1 / (1 + exp(-a)), with no integer bits."""
    raw = np.asarray(a, dtype=np.int64)
    positive = one_over_one_plus(exp_of_negative(-np.abs(raw), integer_bits))
    return np.where(raw == 0, 2**30, np.where(raw > 0, positive, ONE - positive))


def tanh(a: npt.ArrayLike, integer_bits: int) -> Raw:
    """Return tanh(a), with no integer bits, as (1 - exp(-2|a|)) / (1 + exp(-2|a|)) with the sign of a."""
    raw = np.asarray(a, dtype=np.int64)
    # The same raw number with one more integer bit is twice as much.
    exponential = exp_of_negative(-np.abs(raw), integer_bits + 1)
    magnitude = _widen(_two_over_one_plus(exponential) - _constant(1, 2), 2)
    return np.where(raw == 0, 0, np.sign(raw) * magnitude)
