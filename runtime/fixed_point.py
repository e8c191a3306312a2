"""The fixed-point arithmetic of quantized operators, exactly as TensorFlow Lite Micro does it.

A real factor is stored as `multiplier * 2**(shift - 31)` and applied in two roundings: a doubling high multiplication
that rounds half up, then a division by a power of two that rounds half away from zero. The kernels do the same in
`kernels/src/requantize.h`.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from midge.runtime.errors import ModelError, UnsupportedError
from midge.runtime.graph import DType

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

FLOAT_MAX = float(np.finfo(np.float32).max)


class Activation(IntEnum):
    """Activation fused into an operator; the value is the schema's ActivationFunctionType."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3


_BOUNDS: dict[Activation, tuple[float | None, float | None]] = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}


def quantize_multiplier(factor: float) -> tuple[int, int]:
    """Split a real factor into (multiplier, shift) with `factor ~ multiplier * 2**(shift - 31)`.

    The multiplier is in [2**30, 2**31), or 0 for a factor that is 0 or rounds to less than 2**-32; shift is at
    least -31.

    Raises:
        ModelError: the factor is negative or not finite.
        UnsupportedError: the factor is 2**30 or more, which the fixed-point form cannot hold.
    """
    if not math.isfinite(factor) or factor < 0:
        raise ModelError(f"the scales give the factor {factor!r}; it must be finite and not negative")
    if factor == 0:
        return 0, 0
    fraction, shift = math.frexp(factor)
    # fraction is in [0.5, 1) and has 53 bits, so the product and the sum are exact: this rounds half up.
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise UnsupportedError(f"the scales give the factor {factor!r}; only factors below 2**30 are supported")
    return multiplier, shift


def quantize_multipliers(factors: npt.ArrayLike) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Split an array of real factors into arrays of multipliers and shifts.

    Raises:
        ModelError, UnsupportedError: as `quantize_multiplier`.
    """
    pairs = [quantize_multiplier(float(factor)) for factor in np.atleast_1d(np.asarray(factors, dtype=np.float64))]
    return np.array([m for m, _ in pairs], dtype=np.int32), np.array([s for _, s in pairs], dtype=np.int32)


def saturating_rounding_doubling_high_mul(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Return the high 32 bits of 2*a*b, rounded half up; the one overflow (both -2**31) saturates."""
    wide_a, wide_b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    result: npt.NDArray[np.int64] = (wide_a * wide_b + 2**30) >> 31
    capped: npt.NDArray[np.int64] = np.minimum(result, INT32_MAX)
    return capped.astype(np.int32)


def rounding_divide_by_power_of_two(x: npt.ArrayLike, exponent: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Return x / 2**exponent rounded half away from zero; exponent in [0, 31]."""
    wide, bits = np.asarray(x, dtype=np.int64), np.asarray(exponent, dtype=np.int64)
    half = (np.int64(1) << bits) >> 1
    result: npt.NDArray[np.int64] = (wide + half - ((wide < 0) & (bits > 0))) >> bits
    return result.astype(np.int32)


def multiply_by_quantized_multiplier(
    x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike
) -> npt.NDArray[np.int32]:
    """Return int32 `x` times the factor (multiplier, shift), with both of TensorFlow Lite Micro's roundings.

    A left shift wraps around modulo 2**32, as it does there. The arguments broadcast.
    """
    shifts = np.asarray(shift, dtype=np.int64)
    left = (np.asarray(x, dtype=np.int64) << np.maximum(shifts, 0)).astype(np.int32)
    return rounding_divide_by_power_of_two(
        saturating_rounding_doubling_high_mul(left, multiplier), np.maximum(-shifts, 0)
    )


def activation(value: int) -> Activation:
    """Return the fused activation with a schema number.

    Raises:
        UnsupportedError: TANH, SIGN_BIT or an unknown number; no kernel fuses those.
    """
    try:
        return Activation(value)
    except ValueError:
        name = {4: "TANH", 5: "SIGN_BIT"}.get(value, str(value))
        raise UnsupportedError(f"fused activation {name} is not supported; make it a layer of its own") from None


def quantize_value(real: float, scale: float, zero_point: int) -> int:
    """Return `zero_point + round(real / scale)` with the division in float32 and halves away from zero.

    Raises:
        UnsupportedError: the quotient does not fit 32 bits.
    """
    with np.errstate(over="ignore"):
        quotient = float(np.float32(real) / np.float32(scale))
    # PORTABILITY: the sum below is exact in double, so this is roundf for float32 quotients.
    rounded = math.copysign(math.floor(abs(quotient) + 0.5), quotient) if math.isfinite(quotient) else quotient
    if not INT32_MIN <= rounded <= INT32_MAX:
        raise UnsupportedError(f"{real} divided by the output scale {scale!r} does not fit 32 bits")
    return zero_point + int(rounded)


def activation_range(fused: Activation, scale: float, zero_point: int, dtype: DType) -> tuple[int, int]:
    """Return the least and greatest stored value that a fused activation lets pass.

    `scale` and `zero_point` are the output's; `dtype` is its integer type.

    Raises:
        UnsupportedError: a bound does not fit 32 bits.
    """
    info = np.iinfo(dtype.numpy)
    low, high = int(info.min), int(info.max)
    lower, upper = _BOUNDS[fused]
    if lower is not None:
        low = max(low, quantize_value(lower, scale, zero_point))
    if upper is not None:
        high = min(high, quantize_value(upper, scale, zero_point))
    return low, high


def float_activation_range(fused: Activation) -> tuple[float, float]:
    """Return the bounds of a fused activation on floats; the greatest finite float32 where there is none."""
    lower, upper = _BOUNDS[fused]
    return (-FLOAT_MAX if lower is None else lower), (FLOAT_MAX if upper is None else upper)
