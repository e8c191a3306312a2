"""The lead is what the walk over the windows needs, and not a byte more."""

from __future__ import annotations

import numpy as np
import pytest

from midge.runtime.graph import DType, Tensor
from midge.runtime.operators.lead import pixel_lead
from midge.runtime.operators.window import SAME, VALID, Window, make_window


def window(shape: tuple[int, int, int, int], channels: int, size: int, stride: int, dilation: int, pad: int) -> Window:
    source = Tensor("x", shape, DType.INT8)
    return make_window(source, channels, (size, size), (stride, stride), (dilation, dilation), pad)


def needed(made: Window) -> int:
    """Play it: when a pixel's channels are written, its window and all later ones are still to be read."""
    reads = []
    for batch in range(made.batches):
        for row in range(made.output_height):
            for column in range(made.output_width):
                ys = [
                    row * made.stride_height - made.padding_top + i * made.dilation_height
                    for i in range(made.filter_height)
                ]
                xs = [
                    column * made.stride_width - made.padding_left + i * made.dilation_width
                    for i in range(made.filter_width)
                ]
                pixels = [
                    (batch * made.input_height + y) * made.input_width + x
                    for y in ys
                    for x in xs
                    if 0 <= y < made.input_height and 0 <= x < made.input_width
                ]
                reads.append(min(pixels, default=10**9) * made.input_channels)
    return max(0, *((n + 1) * made.output_channels - min(reads[n:]) for n in range(len(reads))))


def test_a_3x3_convolution_needs_a_row_and_two_pixels() -> None:
    """Image 4x5x2 to 4x5x2: pixel (y, x) is number 5y + x; its window starts at 5(y - 1) + x - 1, 6 pixels before."""
    assert pixel_lead(window((1, 4, 5, 2), 2, 3, 1, 1, SAME)) == (5 * 1 + 1 + 1) * 2


def test_a_1x1_convolution_needs_a_pixel_of_its_output() -> None:
    assert pixel_lead(window((1, 4, 5, 3), 3, 1, 1, 1, VALID)) == 3


def test_floats_need_four_times_as_many_bytes() -> None:
    assert pixel_lead(window((1, 4, 5, 3), 3, 1, 1, 1, VALID), 4) == 12


@pytest.mark.parametrize("seed", range(60))
def test_random_windows_need_what_playing_them_shows(seed: int) -> None:
    """Dilated windows may have no tap near their corner; there the lead is allowed to be on the safe side."""
    rng = np.random.default_rng(seed)
    size, dilation = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    extent = (size - 1) * dilation + 1
    height, width = (int(rng.integers(extent, extent + 6)) for _ in range(2))
    shape = (int(rng.integers(1, 3)), height, width, int(rng.integers(1, 5)))
    made = window(shape, int(rng.integers(1, 9)), size, int(rng.integers(1, 4)), dilation, int(rng.integers(0, 2)))
    lead = pixel_lead(made)

    assert lead is not None
    assert lead >= needed(made)
    if dilation == 1 and made.batches == 1:
        assert lead == needed(made)
