"""exp, logistic and tanh in fixed point: within 2**-20 of the real functions, far less than an int8 step."""

from __future__ import annotations

import numpy as np

from midge.runtime.fixed_point_functions import ONE, exp_of_negative, logistic, one_over_one_plus, tanh

BITS = 4
ARGUMENTS = np.linspace(-(2**31) + 1, 2**31 - 1, 100_001).astype(np.int64)
"""Numbers with four integer bits: from -16 to 16."""


def real(raw: np.ndarray, integer_bits: int = 0) -> np.ndarray:
    """Return the numbers that fixed-point values stand for."""
    return raw / 2.0 ** (31 - integer_bits)


def test_exp() -> None:
    """exp of a negative number is right to 2**-20."""
    arguments = ARGUMENTS[ARGUMENTS <= 0]

    error = np.abs(real(exp_of_negative(arguments, BITS)) - np.exp(real(arguments, BITS)))

    assert error.max() < 2**-20
    assert exp_of_negative(0, BITS) == ONE


def test_logistic() -> None:
    """The logistic function is right to 2**-20, 1/2 at 0 and symmetric."""
    error = np.abs(real(logistic(ARGUMENTS, BITS)) - 1 / (1 + np.exp(-real(ARGUMENTS, BITS))))

    assert error.max() < 2**-20
    assert logistic(0, BITS) == 2**30
    np.testing.assert_array_equal(logistic(-ARGUMENTS[:100], BITS) + logistic(ARGUMENTS[:100], BITS), ONE)


def test_tanh() -> None:
    """tanh is right to 2**-20, 0 at 0 and odd."""
    error = np.abs(real(tanh(ARGUMENTS, BITS)) - np.tanh(real(ARGUMENTS, BITS)))

    assert error.max() < 2**-20
    assert tanh(0, BITS) == 0
    np.testing.assert_array_equal(tanh(-ARGUMENTS, BITS), -tanh(ARGUMENTS, BITS))


def test_reciprocal() -> None:
    """1 / (1 + x) is right to 2**-20 over the whole range."""
    x = np.linspace(0, ONE, 100_001).astype(np.int64)

    assert np.abs(real(one_over_one_plus(x)) - 1 / (1 + real(x))).max() < 2**-20
