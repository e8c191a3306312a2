"""C literals: every number exact, in the type of its array, on any compiler with 32-bit int."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from midge.runtime.graph import Array

_WIDTH = 100
"""Columns that a line of an array stays within."""


def integer_literal(value: int, bits: int = 32, signed: bool = True) -> str:
    """Write an integer of a type with `bits` bits.

    The most negative values are written by name: `-2147483648` is a negated `2147483648`, which is no `int`.
    """
    if signed and bits >= 32 and value == -(1 << (bits - 1)):
        return f"INT{bits}_MIN"
    if bits == 64:
        return f"{'INT64_C' if signed else 'UINT64_C'}({value})"
    return f"{value}u" if not signed and value > 0x7FFFFFFF else str(value)


def float_literal(value: float) -> str:
    """Write a float32 exactly, in hexadecimal (C99; not for headers that C++ reads).

    Infinities and NaN are written as quotients: `math.h` is not everywhere on bare metal.
    """
    return _float_literal(float(np.float32(value)))


def _float_literal(value: float) -> str:
    """Write a float that is a float32's value already."""
    if math.isnan(value):
        return "(0.0f / 0.0f)"
    if math.isinf(value):
        return "(1.0f / 0.0f)" if value > 0 else "(-1.0f / 0.0f)"
    if value.is_integer() and abs(value) < 1 << 24:
        return f"{value:.1f}f"
    mantissa, exponent = value.hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.')}p{exponent}f"


def decimal_float(value: float) -> str:
    """Write a float32 with the nine significant digits that single it out, for C and C++ alike."""
    text = f"{float(np.float32(value)):.9g}"
    return text + ("f" if any(c in text for c in ".en") else ".0f")


def literals(array: Array) -> list[str]:
    """Write the elements of an array of integers, booleans or float32, in memory order.

    Raises:
        ValueError: no C literal for this element type.
    """
    kind, bits = array.dtype.kind, array.dtype.itemsize * 8
    values = array.reshape(-1).tolist()
    if kind == "b":
        return [str(int(value)) for value in values]
    if kind in "iu":
        if bits <= 16:
            return [str(value) for value in values]
        return [integer_literal(value, bits, kind == "i") for value in values]
    if kind == "f" and bits == 32:
        return [_float_literal(value) for value in values]
    raise ValueError(f"no C literal for {array.dtype}")


def columns(items: Sequence[str], indent: str = "  ") -> str:
    """Set literals in right-aligned columns: as many to a line as fit, a multiple of four where possible."""
    width = max((len(item) for item in items), default=1)
    per_line = max(1, (_WIDTH - len(indent) + 1) // (width + 2))
    per_line -= per_line % 4 if per_line > 4 else 0
    lines = [
        indent + ", ".join(item.rjust(width) for item in items[start : start + per_line]) + ","
        for start in range(0, len(items), per_line)
    ]
    return "\n".join(lines)
