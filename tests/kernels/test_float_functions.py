"""Our own exp, logistic and tanh on floats against NumPy's in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from midge.runtime import native

Floats = npt.NDArray[np.float32]


def evaluate(kernel: str, x: Floats, **params: Any) -> Floats:
    """Run a kernel that maps floats to floats."""
    ffi = native.interface()
    y = np.zeros_like(x)
    struct, keep = native.make_params(kernel, params)
    getattr(native.library(), kernel)(
        struct, ffi.cast("float *", ffi.from_buffer(x)), ffi.cast("float *", ffi.from_buffer(y))
    )
    del keep
    return y


def samples() -> Floats:
    """Return arguments of every magnitude and sign."""
    rng = np.random.default_rng(1)
    sizes = [rng.normal(0, 5, 200_000), rng.normal(0, 0.1, 100_000), 10 ** rng.uniform(-30, 1.9, 100_000)]
    return np.concatenate([*sizes, -sizes[2]]).astype(np.float32)


def units_in_last_place(found: Floats, exact: npt.NDArray[np.float64]) -> float:
    """Return the greatest error in units of the last place of the exact result."""
    error = np.abs(found.astype(np.float64) - exact)
    return float((error / np.spacing(np.abs(exact.astype(np.float32)))).max())


def test_tanh_is_within_three_units() -> None:
    """tanh keeps its bits near 0 and reaches 1 exactly."""
    x = samples()

    assert units_in_last_place(evaluate("midge_tanh_f32", x, elements=x.size), np.tanh(x.astype(np.float64))) < 3


def test_logistic_is_within_three_units() -> None:
    """The logistic function keeps its bits in both tails."""
    x = samples()

    exact = 1 / (1 + np.exp(-x.astype(np.float64)))

    assert units_in_last_place(evaluate("midge_logistic_f32", x, elements=x.size), exact) < 3


def test_exp_is_within_two_units() -> None:
    """exp, seen through the softmax of two classes, one of them far above: exp(d) / (1 + exp(d)) is exp(d)."""
    distance = -np.linspace(20, 86, 100_000).astype(np.float32)
    rows = np.stack([np.zeros_like(distance), distance], axis=1)

    found = evaluate("midge_softmax_f32", rows, rows=len(rows), depth=2, beta=1.0)[:, 1]

    assert units_in_last_place(found, np.exp(distance.astype(np.float64))) < 2


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("midge_tanh_f32", [-1.0, 1.0, np.nan, 0.0, -0.0]),
        ("midge_logistic_f32", [0.0, 1.0, np.nan, 0.5, 0.5]),
    ],
)
def test_infinities_and_nan(kernel: str, expected: list[float]) -> None:
    """Infinities give the limits, NaN stays NaN, and -0 keeps its sign."""
    x = np.array([-np.inf, np.inf, np.nan, 0.0, -0.0], np.float32)

    found = evaluate(kernel, x, elements=5)

    np.testing.assert_array_equal(found, np.array(expected, np.float32))
    np.testing.assert_array_equal(np.signbit(found[3:]), np.signbit(expected[3:]))


def test_quantization_saturates() -> None:
    """Numbers beyond int8 saturate, halves round away from zero, NaN becomes the zero point."""
    x = np.array([1e30, -1e30, np.inf, -np.inf, np.nan, 0.5, -0.5, 1.49999, -2.5, 126.5], np.float32)
    found = np.zeros(x.size, np.int8)
    ffi = native.interface()
    struct, _ = native.make_params("midge_quantize_f32_s8", {"elements": x.size, "zero_point": 0, "scale": 1.0})

    native.library().midge_quantize_f32_s8(
        struct, ffi.cast("float *", ffi.from_buffer(x)), ffi.cast("int8_t *", ffi.from_buffer(found))
    )

    assert found.tolist() == [127, -128, 127, -128, 0, 1, -1, 1, -3, 127]
