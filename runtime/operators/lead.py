"""How far before its input an output must start for a kernel to write over what it has read: `KernelCall.lead`."""

from __future__ import annotations

import numpy as np

from midge.runtime.operators.window import Window

MOST_PIXELS = 1 << 22
"""Outputs beyond which the lead is not worked out; no microcontroller holds as many."""


def pixel_lead(window: Window, element_size: int = 1) -> int | None:
    """Return the lead of a kernel that computes one output pixel after the other, all channels of one from its window.

    While the last channel of a pixel is computed, all channels before it are written, and the input is still needed
    from the first byte of this window, or of a later one that begins further up, to its end.

    Args:
        window: how the windows lie.
        element_size: bytes of an element.
    """
    if window.output_height * window.output_width > MOST_PIXELS:
        return None
    y = np.arange(window.output_height, dtype=np.int64) * window.stride_height - window.padding_top
    x = np.arange(window.output_width, dtype=np.int64) * window.stride_width - window.padding_left
    top = y.clip(0, window.input_height - 1)[:, None] * window.input_width
    first = ((top + x.clip(0, window.input_width - 1)) * window.input_channels).ravel()
    needed = np.minimum.accumulate(first[::-1])[::-1]
    written = (np.arange(len(first), dtype=np.int64) + 1) * window.output_channels
    image = window.input_height * window.input_width * window.input_channels
    # Where an image's output is larger than the image, each image of a batch brings the output closer.
    growth = max(0, len(first) * window.output_channels - image) * (window.batches - 1)
    return max(0, int((written - needed).max()) + growth) * element_size
