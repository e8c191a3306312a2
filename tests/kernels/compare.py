"""One random layer, computed by its oracle and by Midge."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from cases import GENERATORS
from host import run_midge
from oracle import Case, build, expected

Array = npt.NDArray[Any]

ROUNDING = 1e-6
"""Greatest error of a float sum as a part of its terms' magnitudes: eight roundings of float32."""


def make_case(operator: str, dtype: str, seed: int, number: int) -> Case:
    """Make the random layer with a number; the same arguments give the same layer."""
    rng = np.random.default_rng([seed, number, zlib.crc32(f"{operator} {dtype}".encode())])
    return GENERATORS[operator].make(rng, dtype)


def magnitude(case: Case) -> list[Array]:
    """Return the sum of the magnitudes of the terms of each output of a weighted layer.

    Rounding moves a sum by a part of this and not of its result, which terms that cancel make small (Higham, Accuracy
    and Stability of Numerical Algorithms, section 4.2).
    """
    tensors = tuple(t if t.data is None else replace(t, data=np.abs(t.data)) for t in case.tensors)
    options = copy.copy(case.operators[0].options)
    options.fusedActivationFunction = 0
    operators = (replace(case.operators[0], options=options),)
    return expected(replace(case, tensors=tensors, operators=operators, feeds=tuple(map(np.abs, case.feeds))))


def difference(case: Case, arch: str | None = None) -> str | None:
    """Return in words how Midge's result differs from the oracle's, or None if it does not."""
    data = build(case)
    return judge(case, expected(case, data), run_midge(data, case.feeds, arch))


def judge(case: Case, wanted: Sequence[Array], found: Sequence[Array]) -> str | None:
    """Return in words how outputs differ from the expected ones of a case, or None if they do not."""
    for position, (right, ours) in enumerate(zip(wanted, found, strict=True)):
        if right.shape != ours.shape or right.dtype != ours.dtype:
            return f"output {position} is {ours.dtype} {ours.shape}, expected {right.dtype} {right.shape}"
        if case.tolerance:
            error = np.abs(right.astype(np.float64) - ours.astype(np.float64))
            limit = case.tolerance * max(float(np.abs(right).max(initial=0)), 1e-30)
            wrong = ~(error <= limit) & ~((right == ours) | (np.isnan(right) & np.isnan(ours)))
            if case.is_sum and wrong.any():
                wrong &= ~(error <= ROUNDING * magnitude(case)[position])
        else:
            wrong = right.view(np.uint8) != ours.view(np.uint8) if right.ndim else np.atleast_1d(right != ours)
        if wrong.any():
            flat = np.atleast_1d(right).ravel(), np.atleast_1d(ours).ravel()
            where = np.flatnonzero(np.atleast_1d(flat[0] != flat[1]))
            first = int(where[0]) if len(where) else 0
            return (
                f"output {position}: {len(where)} of {right.size} elements differ, the first at {first}: expected"
                f" {flat[0][first]}, found {flat[1][first]}"
            )
    return None
