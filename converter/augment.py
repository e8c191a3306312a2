"""Variations of images for training: small shifts and mirroring, the same ones for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midge.converter.samples import Array

if TYPE_CHECKING:
    from midge.converter.steps.step import Training


def vary(inputs: tuple[Array, ...], training: Training, draw: tuple[int, ...]) -> tuple[Array, ...]:
    """Return a batch with its images shifted and mirrored, each in its own way, as ``training`` says.

    Images are inputs ``[n, height, width, channels]``; others stay as they are. What a shift uncovers repeats the
    border. ``draw`` seeds the draw.
    """
    if training.shift == 0 and not training.mirror:
        return inputs
    random = np.random.default_rng(draw)
    return tuple(_varied(array, training, random) if array.ndim == 4 else array for array in inputs)


def _varied(images: Array, training: Training, random: np.random.Generator) -> Array:
    count, *extents = images.shape[:3]
    rows, columns = (_shifted(extent, training.shift, count, random) for extent in extents)
    if training.mirror:
        mirrored = random.random(count) < 0.5
        columns[mirrored] = columns[mirrored, ::-1]
    picked: Array = images[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked


def _shifted(extent: int, share: float, count: int, random: np.random.Generator) -> Array:
    """Return for each image which rows (or columns) it takes, ``[count, extent]``."""
    most = int(share * extent)
    offsets = random.integers(-most, most, count, endpoint=True)
    taken: Array = np.clip(np.arange(extent) + offsets[:, None], 0, extent - 1)
    return taken
