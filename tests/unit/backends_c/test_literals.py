"""C literals keep every bit and fit the type of what they initialise."""

from __future__ import annotations

import numpy as np
import pytest

from midge.runtime.backends.c.literals import columns, decimal_float, float_literal, integer_literal, literals


def test_the_smallest_integers_are_named() -> None:
    """-2147483648 in C is a negated constant that no int holds."""
    assert integer_literal(-(2**31)) == "INT32_MIN"
    assert integer_literal(-(2**31) + 1) == "-2147483647"
    assert integer_literal(-(2**63), 64) == "INT64_MIN"
    assert integer_literal(2**40, 64) == "INT64_C(1099511627776)"
    assert integer_literal(2**32 - 1, 32, signed=False) == "4294967295u"
    assert integer_literal(2**63, 64, signed=False) == "UINT64_C(9223372036854775808)"


@pytest.mark.parametrize("value", [0.1, -0.1, 1e-45, 1.17549435e-38, 3.4028235e38, 1 / 3, 16777217.0, -0.0])
def test_a_float_literal_reads_back_as_the_same_bits(value: float) -> None:
    expected = np.float32(value)

    text = float_literal(value)
    assert text.endswith("f")
    number = text[:-1]
    read = np.float32(float.fromhex(number) if "0x" in number else float(number))
    assert read.tobytes() == expected.tobytes()


@pytest.mark.parametrize("value", [0.1, 1e-45, 3.4028235e38, 1 / 3, 255.0, 1e10])
def test_nine_digits_single_out_a_float32(value: float) -> None:
    text = decimal_float(value)
    assert text.endswith("f")
    assert "." in text or "e" in text  # `255f` is no C
    assert np.float32(text[:-1]) == np.float32(value)


def test_what_no_literal_can_say_is_a_quotient() -> None:
    assert float_literal(np.inf) == "(1.0f / 0.0f)"
    assert float_literal(-np.inf) == "(-1.0f / 0.0f)"
    assert float_literal(np.nan) == "(0.0f / 0.0f)"


def test_booleans_are_numbers() -> None:
    assert literals(np.array([True, False])) == ["1", "0"]


def test_an_element_type_without_c_literal_is_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        literals(np.zeros(1))


def test_columns_stay_within_a_hundred_characters_and_keep_the_order() -> None:
    items = [str(value) for value in range(-128, 128)]

    text = columns(items)
    assert [item for line in text.splitlines() for item in line.replace(",", " ").split()] == items
    assert max(len(line) for line in text.splitlines()) <= 100
