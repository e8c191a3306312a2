"""How close an output may follow its input where channels are computed block by block, in bands of steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from midge.runtime.operators.variants.joined_bands import Starts
from midge.runtime.operators.window import Window


def window(
    height: int, width: int, channels: int, outputs: int, size: int, stride: int, padding: int, batches: int = 1
) -> Window:
    """Return a square window with the same padding on all sides."""
    rows, columns = ((extent + 2 * padding - size) // stride + 1 for extent in (height, width))
    return Window(
        batches, height, width, channels, rows, columns, outputs, size, size, stride, stride, 1, 1, padding, padding,
        0, 0, 0, 0,
    )  # fmt: skip


def steps(shape: Window) -> list[list[tuple[int, int, int]]]:
    """Return the pixels (image, row, column) of every step: two of a row, or one at its end."""
    return [
        [(image, y, column) for column in range(x, min(x + 2, shape.output_width))]
        for image in range(shape.batches)
        for y in range(shape.output_height)
        for x in range(0, shape.output_width, 2)
    ]


def reads(shape: Window, step: list[tuple[int, int, int]]) -> npt.NDArray[np.int64]:
    """Return which bytes of input the windows of a step hold."""
    channels = np.arange(shape.input_channels)
    found = []
    for image, y, x in step:
        for row in range(shape.filter_height):
            for column in range(shape.filter_width):
                in_y = y * shape.stride_height - shape.padding_top + row
                in_x = x * shape.stride_width - shape.padding_left + column
                if 0 <= in_y < shape.input_height and 0 <= in_x < shape.input_width:
                    pixel = (image * shape.input_height + in_y) * shape.input_width + in_x
                    found.append(pixel * shape.input_channels + channels)
    return np.concatenate([np.empty(0, np.int64), *found])


def writes(shape: Window, step: list[tuple[int, int, int]], first: int, end: int) -> npt.NDArray[np.int64]:
    """Return which bytes of output the channels from `first` up to `end` of a step are."""
    pixels = [(image * shape.output_height + y) * shape.output_width + x for image, y, x in step]
    return np.concatenate([pixel * shape.output_channels + np.arange(first, end) for pixel in pixels])


def play(
    shape: Window, band: int, block: int, buffered: bool
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield what is read and what is written then, in the order in which the kernel does."""
    every = steps(shape)
    for begin in range(0, len(every), band):
        inside = every[begin : begin + band]
        for first in range(0, shape.output_channels, block):
            end = min(first + block, shape.output_channels)
            for step in inside:
                yield reads(shape, step), np.empty(0, np.int64) if buffered else writes(shape, step, first, end)
        if buffered:
            all_channels = [writes(shape, step, 0, shape.output_channels) for step in inside]
            yield np.empty(0, np.int64), np.concatenate(all_channels)


def overwrites_unread(shape: Window, band: int, block: int, buffered: bool, lead: int) -> bool:
    """Whether bytes of the input are read after an output `lead` bytes before it has overwritten them."""
    written: set[int] = set()
    for read, wrote in play(shape, band, block, buffered):
        if not written.isdisjoint((read + lead).tolist()):
            return True
        written.update(wrote.tolist())
    return False


SHAPES = [
    window(1, 7, 4, 4, 1, 1, 0),
    window(1, 7, 4, 8, 1, 1, 0),
    window(1, 8, 3, 10, 1, 1, 0),
    window(4, 5, 2, 3, 3, 1, 1),
    window(5, 6, 3, 5, 3, 2, 1),
    window(6, 4, 1, 8, 3, 1, 0, batches=2),
    window(5, 5, 2, 4, 1, 2, 0),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_lead_of_a_single_block_is_enough_and_no_more(shape: Window) -> None:
    """A step's windows are read, then its outputs written; a byte less would not do, unless it is 0."""
    lead = Starts(shape).step_lead()
    everything = len(steps(shape))

    assert not overwrites_unread(shape, everything, shape.output_channels, False, lead)
    assert lead == 0 or overwrites_unread(shape, everything, shape.output_channels, False, lead - 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("band", [1, 2, 3, 100])
def test_the_lead_of_several_blocks_is_enough_and_no_more(shape: Window, band: int) -> None:
    """All blocks but the last have written their part of a band while its windows are still to be read."""
    earlier = (shape.output_channels - 1) // 2 * 2
    lead = Starts(shape).band_lead(band, earlier)

    assert not overwrites_unread(shape, band, 2, False, lead)
    assert lead == 0 or overwrites_unread(shape, band, 2, False, lead - 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("band", [1, 2, 3, 100])
def test_a_buffer_lets_the_output_follow_at_the_end_of_a_band(shape: Window, band: int) -> None:
    """Nothing is written before the band's last block; then everything at once, so a buffer holds the longest band."""
    starts = Starts(shape)
    lead = starts.band_lead(band, 0)

    assert not overwrites_unread(shape, band, 2, True, lead)
    assert lead == 0 or overwrites_unread(shape, band, 2, True, lead - 1)
    longest = max(len(wrote) for _, wrote in play(shape, band, 2, True))
    assert starts.band_bytes(band) == longest
