"""Weights that take few values: when they can be stored in four bits, and when that pays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array

VALUES = 16
"""That an index of four bits tells apart."""
LEAST_SAVING = 1 / 8
"""Part of a layer's constants that must be saved; less does not pay for the time it takes to unpack."""
LEAST_BYTES = 64
"""That must be saved, too."""


def fits_nibbles(weights: Array) -> bool:
    """Whether all weights lie in [-8, 7]."""
    return bool(weights.min() >= -8 and weights.max() <= 7)


def codebook_of(weights: Array) -> npt.NDArray[np.int8] | None:
    """Return the values of int8 weights in ascending order, or None if there are more than `VALUES`."""
    values = np.flatnonzero(np.bincount(weights.ravel().view(np.uint8), minlength=256)).astype(np.uint8).view(np.int8)
    return None if len(values) > VALUES else np.sort(values)


def filled_codebook(codebook: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Append zeros up to `VALUES` values, which is how kernels take it."""
    return np.pad(codebook, (0, VALUES - len(codebook)))


def pays(before: int, after: int) -> bool:
    """Whether a layer's constants may take `after` bytes for the sake of having taken `before`."""
    return before - after >= max(LEAST_SAVING * before, LEAST_BYTES)


def stored_bytes(weights: Array) -> int:
    """Return the bytes of int8 weights, zeros too: stored in four bits each where that is possible and pays."""
    whole = weights.size
    if not fits_nibbles(weights) and codebook_of(weights) is None:
        return whole
    packed = -(-whole // 2) + (0 if fits_nibbles(weights) else VALUES)
    return packed if pays(whole, packed) else whole
