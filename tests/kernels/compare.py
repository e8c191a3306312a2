"""One random layer, computed by its oracle and by Midge."""

from __future__ import annotations

import zlib

import numpy as np
from cases import GENERATORS
from host import run_midge
from oracle import Case, build, expected


def make_case(operator: str, dtype: str, seed: int, number: int) -> Case:
    """Make the random layer with a number; the same arguments give the same layer."""
    rng = np.random.default_rng([seed, number, zlib.crc32(f"{operator} {dtype}".encode())])
    return GENERATORS[operator].make(rng, dtype)


def difference(case: Case, arch: str | None = None) -> str | None:
    """Return in words how Midge's result differs from the oracle's, or None if it does not."""
    data = build(case)
    wanted = expected(case, data)
    found = run_midge(data, case.feeds, arch)
    for position, (right, ours) in enumerate(zip(wanted, found, strict=True)):
        if right.shape != ours.shape or right.dtype != ours.dtype:
            return f"output {position} is {ours.dtype} {ours.shape}, expected {right.dtype} {right.shape}"
        if case.tolerance:
            error = np.abs(right.astype(np.float64) - ours.astype(np.float64))
            limit = case.tolerance * max(float(np.abs(right).max(initial=0)), 1e-30)
            wrong = ~(error <= limit) & ~((right == ours) | (np.isnan(right) & np.isnan(ours)))
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
