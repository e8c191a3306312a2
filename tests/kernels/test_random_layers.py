"""Kernels compute what their oracle computes; `fuzz.py` is the long run of the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cases import GENERATORS
from compare import difference, make_case
from host import SANITIZE, WITHOUT_AVX2, build_library, library_environment

from midge.runtime import native
from midge.runtime.operators import OPERATORS
from midge.runtime.operators.row import INTERNAL

LAYERS = 8
"""Random layers per operator and type."""

FUZZ = Path(__file__).parent / "fuzz.py"


def test_every_operator_has_a_generator() -> None:
    """A row of the operator table that a file can contain has a generator of random layers, and no other has."""
    rows = {row.name for row in OPERATORS.values() if row.code != INTERNAL}

    assert set(GENERATORS) == rows


@pytest.mark.parametrize(
    ("operator", "dtype"), [(operator, dtype) for operator, made in GENERATORS.items() for dtype in made.dtypes]
)
def test_random_layers_equal_the_oracle(operator: str, dtype: str) -> None:
    """The installed kernels give the oracle's result, bit for bit where the case demands it."""
    for number in range(LAYERS):
        found = difference(make_case(operator, dtype, seed=0, number=number))

        assert found is None, f"fuzz.py --operator {operator} --dtype {dtype} --first {number} --count 1: {found}"


@pytest.mark.parametrize(
    ("arch", "flags"),
    [
        pytest.param("portable", SANITIZE, id="portable-sanitized"),
        pytest.param(native.host_arch(), SANITIZE, id="host-sanitized"),
        pytest.param(native.host_arch(), WITHOUT_AVX2, id="host-without-avx2"),
    ],
)
def test_other_builds_of_the_kernels_equal_the_oracle(arch: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    """Every set of inner loops gives the same bits, and no kernel leaves its tensors or overflows."""
    library = build_library(tmp_path, arch, flags)
    result = subprocess.run(
        [sys.executable, str(FUZZ), "--count", "4", "--seed", "2", "--arch", arch],
        env=library_environment(library, flags),
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stdout + result.stderr
