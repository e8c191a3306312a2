"""A taste of `fuzz_models.py`, which is the long run: damaged files give a result or a Midge error, nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from fuzz_models import one
from mutate import mutate, structure

MUTANTS = 300
MODEL = Path(__file__).parents[1] / "models" / "digits_int8.tflite"


def test_damaged_files_are_run_or_refused() -> None:
    """Both happen, so the damage is neither harmless nor always fatal."""
    data = MODEL.read_bytes()
    places = structure(data)
    outcomes = set()
    for number in range(MUTANTS):
        rng = np.random.default_rng((5, number))
        outcomes.add(one(mutate(data, places, [data], rng), rng))

    assert outcomes >= {"accepted and run", "ModelError"}
    assert outcomes <= {"accepted and run", "accepted, too large to run", "ModelError", "UnsupportedError"}
