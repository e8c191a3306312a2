"""The fixed-point arithmetic, in Python and in C, against its definition on unbounded integers."""

from __future__ import annotations

import math
import subprocess
from fractions import Fraction
from pathlib import Path

import cffi
import numpy as np
import pytest
from host import KERNELS

from midge.runtime.errors import ModelError, UnsupportedError
from midge.runtime.fixed_point import (
    Activation,
    activation,
    activation_range,
    float_activation_range,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_power_of_two,
)
from midge.runtime.graph import DType

EDGES = [-(2**31), -(2**31) + 1, -(2**30) - 1, -(2**30), -3, -2, -1, 0, 1, 2, 3, 2**30 - 1, 2**30, 2**31 - 2, 2**31 - 1]


def wrap(x: int) -> int:
    """Return x modulo 2**32 as int32."""
    return (x + 2**31) % 2**32 - 2**31


def defined(x: int, multiplier: int, shift: int) -> int:
    """Multiply by a quantized multiplier as gemmlowp defines it: nudged, truncated, then divided half away from 0."""
    product = wrap(x << max(shift, 0)) * multiplier
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)
    quotient = Fraction(high, 2 ** max(-shift, 0))
    return math.floor(abs(quotient) + Fraction(1, 2)) * (1 if quotient >= 0 else -1)


def random_triples() -> list[tuple[int, int, int]]:
    """Return edge cases and random (x, multiplier, shift)."""
    rng = np.random.default_rng(7)
    triples = [(x, m, s) for x in EDGES for m in (0, 2**29, 2**30, 2**31 - 1) for s in (-31, -30, -1, 0, 1, 30)]
    for _ in range(5000):
        x = int(rng.integers(-(2**31), 2**31)) >> int(rng.integers(0, 31))
        triples.append((x, int(rng.integers(2**30, 2**31)), int(rng.integers(-31, 31))))
    return triples


def test_requantization_follows_its_definition() -> None:
    """NumPy's version equals the definition on unbounded integers."""
    triples = random_triples()
    x, multiplier, shift = (np.array(values) for values in zip(*triples, strict=True))
    expected = [defined(*triple) for triple in triples]

    assert multiply_by_quantized_multiplier(x, multiplier, shift).tolist() == expected


def test_requantization_in_c_follows_its_definition(tmp_path: Path) -> None:
    """requantize.h equals the definition, without undefined behaviour."""
    source = tmp_path / "requantize.c"
    source.write_text(
        '#include "requantize.h"\n'
        "int32_t requantize(int32_t x, int32_t m, int32_t s) { return midge_requantize(x, m, s); }\n"
    )
    library = tmp_path / "requantize.so"
    trap = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    subprocess.run(
        ["cc", "-std=c99", "-O1", *trap, "-shared", "-fPIC", f"-I{KERNELS / 'src'}", "-o", library, source], check=True
    )
    ffi = cffi.FFI()
    ffi.cdef("int32_t requantize(int32_t x, int32_t m, int32_t s);")
    requantize = ffi.dlopen(str(library)).requantize
    triples = random_triples()
    expected = [defined(*triple) for triple in triples]

    assert [requantize(*triple) for triple in triples] == expected


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (2**30, 1)),
        (0.5, (2**30, 0)),
        (0.75, (3 * 2**29, 0)),
        (2.0**-32, (2**30, -31)),
        (2.0**-33, (0, 0)),
        # Just below 1 the fraction rounds up to 2**31: half of it, and one more bit of shift.
        (1.0 - 2.0**-33, (2**30, 1)),
        (2.0**30 - 1.0, (2**31 - 2, 30)),
    ],
)
def test_factors_split_into_multiplier_and_shift(factor: float, expected: tuple[int, int]) -> None:
    """factor = multiplier * 2**(shift - 31), the multiplier rounded to 31 bits."""
    assert quantize_multiplier(factor) == expected


def test_factors_outside_the_fixed_point_form_are_refused() -> None:
    """2**30 is the first factor too great; negative and infinite ones contradict themselves."""
    with pytest.raises(UnsupportedError, match="below 2"):
        quantize_multiplier(2.0**30)
    for factor in (-1.0, math.inf, math.nan):
        with pytest.raises(ModelError, match="finite"):
            quantize_multiplier(factor)


def test_division_rounds_half_away_from_zero() -> None:
    """5 / 2 is 3 and -5 / 2 is -3; division by 1 changes nothing."""
    assert rounding_divide_by_power_of_two([5, -5, 6, -6, 7, -7], 2).tolist() == [1, -1, 2, -2, 2, -2]
    assert rounding_divide_by_power_of_two([5, -5], 1).tolist() == [3, -3]
    assert rounding_divide_by_power_of_two([5, -5], 0).tolist() == [5, -5]


@pytest.mark.parametrize(
    ("fused", "scale", "zero_point", "expected"),
    [
        (Activation.NONE, 0.1, 3, (-128, 127)),
        (Activation.RELU, 0.1, 3, (3, 127)),
        (Activation.RELU6, 0.1, 3, (3, 63)),
        (Activation.RELU6, 0.01, 3, (3, 127)),
        # 1 / 0.4 = 2.5 rounds away from zero on both sides.
        (Activation.RELU_N1_TO_1, 0.4, 10, (7, 13)),
    ],
)
def test_fused_activations_become_ranges(
    fused: Activation, scale: float, zero_point: int, expected: tuple[int, int]
) -> None:
    """The range is zero_point + round(bound / scale), within int8."""
    assert activation_range(fused, scale, zero_point, DType.INT8) == expected


def test_ranges_on_floats_are_the_bounds() -> None:
    """Where an activation has no bound, the greatest finite float stands for it."""
    assert float_activation_range(Activation.RELU6) == (0.0, 6.0)
    assert float_activation_range(Activation.RELU) == (0.0, 3.4028234663852886e38)


def test_activations_that_no_kernel_fuses_are_refused() -> None:
    """TANH and SIGN_BIT exist in the schema only."""
    with pytest.raises(UnsupportedError, match="TANH"):
        activation(4)
    with pytest.raises(UnsupportedError, match="does not fit 32 bits"):
        activation_range(Activation.RELU6, 1e-10, 0, DType.INT8)
