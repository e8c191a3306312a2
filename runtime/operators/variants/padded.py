"""What convolutions on a padded copy of the image share: where a window's elements lie, whole blocks of channels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array
from midge.runtime.operators.packing import pad_channels
from midge.runtime.operators.window import Window
from midge.runtime.program import ParamValue


def one_row(rows: int, depth: int, channels: int) -> Window:
    """Return the window of a fully connected layer: a 1x1 convolution of one row of `rows` pixels is the same thing."""
    return Window(1, 1, rows, depth, 1, rows, channels, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0)


def list_runs(window: Window, weights: Array) -> tuple[Array, npt.NDArray[np.int32]]:
    """Cut a window into stretches of neighbouring elements of the padded image.

    Args:
        window: the geometry.
        weights: OHWI, one group.

    Returns:
        The weights as (output channels, runs, length), and the offset of each run in elements.
    """
    pixel = window.input_channels
    row = window.padded_width * pixel
    y = np.arange(window.filter_height, dtype=np.int64) * window.dilation_height * row
    if window.dilation_width == 1:
        return weights.reshape(window.output_channels, window.filter_height, -1), y.astype(np.int32)
    x = np.arange(window.filter_width, dtype=np.int64) * window.dilation_width * pixel
    offsets = (y[:, None] + x[None, :]).ravel()
    return weights.reshape(window.output_channels, -1, pixel), offsets.astype(np.int32)


def pad_factors(output: dict[str, ParamValue]) -> dict[str, ParamValue]:
    """Pad multipliers and shifts to whole blocks of channels if there is one per channel."""
    if not output["factor_step"]:
        return output
    padded = {
        name: pad_channels(value) for name in ("multiplier", "shift") if isinstance(value := output[name], np.ndarray)
    }
    return {**output, **padded}
