"""Constants in the order in which the kernels' inner loops read them; see kernels.h and inner_loops.h."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array

WIDE_CHANNELS = 8
"""Channels in a block of a kernel for wide registers."""


def interleave_by_four(rows: Array) -> Array:
    """Interleave blocks of four channels; the channels left over follow one by one.

    Args:
        rows: shape (channels, depth).

    Returns:
        All elements in one dimension.
    """
    channels, depth = rows.shape
    whole = channels // 4 * 4
    blocks = rows[:whole].reshape(-1, 4, depth).transpose(0, 2, 1)
    return np.concatenate([blocks.ravel(), rows[whole:].ravel()])


def interleave_groups(rows: Array, groups: int) -> Array:
    """Apply `interleave_by_four` to each of `groups` equal groups of channels."""
    return np.concatenate([interleave_by_four(group) for group in np.split(rows, groups)])


def pack_runs(runs: Array) -> npt.NDArray[np.int16]:
    """Pack convolution weights for wide registers.

    Args:
        runs: int8, shape (channels, runs, length).

    Returns:
        Shape (ceil(channels / 8), runs, ceil(length / 2), 8, 2), zeros where nothing was.
    """
    channels, count, length = runs.shape
    padded = np.zeros((round_up(channels), count, length + length % 2), dtype=np.int16)
    padded[:channels, :, :length] = runs
    blocks = padded.reshape(-1, WIDE_CHANNELS, count, padded.shape[2] // 2, 2)
    return np.ascontiguousarray(blocks.transpose(0, 2, 3, 1, 4))


def pack_taps(taps: Array) -> npt.NDArray[np.int16]:
    """Pack depthwise weights for wide registers.

    Args:
        taps: int8, shape (taps, channels).

    Returns:
        Shape (ceil(channels / 8), ceil(taps / 2), 8, 2), zeros where nothing was.
    """
    count, channels = taps.shape
    padded = np.zeros((count + count % 2, round_up(channels)), dtype=np.int16)
    padded[:count, :channels] = taps
    blocks = padded.reshape(padded.shape[0] // 2, 2, -1, WIDE_CHANNELS)
    return np.ascontiguousarray(blocks.transpose(2, 0, 3, 1))


def round_up(channels: int) -> int:
    """Return the number of channels in whole blocks."""
    return -(-channels // WIDE_CHANNELS) * WIDE_CHANNELS


def pad_channels(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Append zeros up to whole blocks of channels."""
    return np.pad(values, (0, round_up(len(values)) - len(values)))
