"""Codebooks against all others that there could be."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from midge.converter.codebook import best_codebook, nearest

Numbers = npt.NDArray[np.int8]


def cost(integers: Numbers, importance: npt.NDArray[np.float64], codebook: Numbers) -> float:
    distances = np.abs(integers.astype(int)[:, None] - codebook.astype(int)).min(axis=1)
    return float((importance * distances.astype(float) ** 2).sum())


@pytest.mark.parametrize("seed", range(20))
def test_no_other_codebook_costs_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    integers = rng.integers(-6, 7, 30).astype(np.int8)
    importance = rng.random(30) * (rng.random(30) < 0.8)
    found = best_codebook(integers, importance, 3)
    others = [np.array(c, np.int8) for c in itertools.combinations(range(-6, 7), 3)]
    least = min(cost(integers, importance, other) for other in others)

    assert len(found) <= 3
    assert cost(integers, importance, found) == pytest.approx(least, abs=1e-6)


def test_a_zero_that_must_stay_is_in_the_codebook() -> None:
    integers = np.array([-100, 0, 1, 1, 1, 1, 100], np.int8)
    importance = np.ones(7)

    assert 0 not in best_codebook(integers, importance, 3)
    assert 0 in best_codebook(integers, importance, 3, keep_zero=True)


def test_few_values_are_their_own_codebook() -> None:
    integers = np.array([5, -128, 5, 127, 0], np.int8)

    np.testing.assert_array_equal(best_codebook(integers, np.ones(5), 4), [-128, 0, 5, 127])


def test_values_that_matter_to_nobody_are_near_something() -> None:
    integers = np.arange(-120, 121, 10, dtype=np.int8)
    found = best_codebook(integers, np.zeros(25), 5)

    assert np.abs(integers.astype(int)[:, None] - found.astype(int)).min(axis=1).max() <= 30


def test_numbers_go_to_the_nearest_value() -> None:
    codebook = np.array([-10, 0, 4], np.int8)

    np.testing.assert_array_equal(
        nearest(np.array([-99.0, -5.1, -4.9, 1.9, 2.1, 50.0]), codebook), [-10, -10, 0, 0, 4, 4]
    )
