"""Two channels in one int16: what the packed words hold, and how close an output may follow its input."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sketch import NONE, RELU, Sketch

from midge.runtime.lower import candidates
from midge.runtime.operators.variants.pairs import conv_lead, pack_blocks
from midge.runtime.operators.window import Window
from midge.runtime.program import Target

RECORD_WORDS = 12


def records(channels: int) -> npt.NDArray[np.int32]:
    """Return records of which no two words are alike."""
    return np.arange(1, 3 * channels + 1, dtype=np.int32).reshape(channels, 3)


def test_a_block_holds_what_the_kernel_reads() -> None:
    """Biases of channels 0 and 2; per quad two words for inputs (0, 2) and (1, 3); then the rest of the records."""
    rows = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [-1, -2, -3, -4], [-5, -6, -7, -8]], np.int8)

    blocks = pack_blocks(rows, records(4), 4)

    assert blocks is not None
    first = [1 + 256 * 5, 3 + 256 * 7, -1 - 256 * 5, -3 - 256 * 7]
    second = [2 + 256 * 6, 4 + 256 * 8, -2 - 256 * 6, -4 - 256 * 8]
    assert blocks[0, [0, 1]].tolist() == [1, 7]
    assert blocks[0, 2:6].view(np.int16).tolist() == first + second
    assert blocks[0, 6:].tolist() == [4, 10, 2, 3, 5, 6, 8, 9, 11, 12]


@pytest.mark.parametrize(("channels", "depth", "unit"), [(1, 1, 4), (5, 9, 8), (8, 16, 8), (3, 27, 4)])
def test_sums_of_the_words_are_the_dot_products(channels: int, depth: int, unit: int) -> None:
    """Whole halfwords give 256 times the odd channel's sum and the even channel's; low bytes the even one's alone."""
    rng = np.random.default_rng(depth)
    rows = rng.integers(-127, 128, (channels, depth), np.int8)
    inputs = rng.integers(-128, 128, depth)
    padded = np.zeros(-(-depth // unit) * unit, np.int64)
    padded[:depth] = inputs

    packed = pack_blocks(rows, records(channels), unit)

    assert packed is not None
    for block, expected in zip(packed, np.split(rows.astype(int) @ inputs, range(4, channels, 4)), strict=True):
        halves = block[2 : len(block) - RECORD_WORDS + 2].copy().view(np.int16).reshape(-1, 2, 2, 2).astype(np.int64)
        x = padded.reshape(-1, 2, 2).transpose(0, 2, 1)  # inputs 0 and 2 of a quad, then 1 and 3
        both = np.einsum("qwph,qwh->p", halves, x)
        low = np.einsum("qwph,qwh->p", halves.astype(np.int8).astype(np.int64), x)
        sums = np.stack([low, (both - low) // 256], axis=1).ravel()
        assert sums[: len(expected)].tolist() == expected.tolist()
        assert not sums[len(expected) :].any()


def test_weights_that_do_not_fit_are_turned_down() -> None:
    """256 * -128 - 1 leaves int16, 256 * -128 does not; 512 weights of -128 sum up to 2**16, 511 do not."""
    minus_one, least = np.full((1, 1), -1, np.int8), np.full((1, 1), -128, np.int8)
    long = np.concatenate([np.zeros((1, 512), np.int8), np.full((1, 512), -128, np.int8)])

    assert pack_blocks(np.concatenate([minus_one, least]), records(2), 4) is None
    assert pack_blocks(np.concatenate([minus_one + 1, least]).astype(np.int8), records(2), 4) is not None
    assert pack_blocks(long, records(2), 4) is None
    assert pack_blocks(long[:, 1:], records(2), 4) is not None


def window(
    height: int, width: int, channels: int, outputs: int, size: int, stride: int, padding: int, batches: int = 1
) -> Window:
    """Return a square window with the same padding on all sides."""
    rows, columns = ((extent + 2 * padding - size) // stride + 1 for extent in (height, width))
    return Window(
        batches, height, width, channels, rows, columns, outputs, size, size, stride, stride, 1, 1, padding, padding,
        0, 0, 0, 0,
    )  # fmt: skip


def overwrites_unread(shape: Window, lead: int) -> bool:
    """Whether pairs of pixels, each read and then written, overwrite bytes of the input that are read later."""
    written = np.zeros(0, np.int64)
    pixel = shape.input_channels
    image = shape.input_height * shape.input_width * pixel
    places = [
        (batch, y, x)
        for batch in range(shape.batches)
        for y in range(shape.output_height)
        for x in range(shape.output_width)
    ]
    for first in range(0, len(places), 2):
        for batch, y, x in places[first : first + 2]:
            for row in range(shape.filter_height):
                for column in range(shape.filter_width):
                    in_y = y * shape.stride_height - shape.padding_top + row
                    in_x = x * shape.stride_width - shape.padding_left + column
                    if 0 <= in_y < shape.input_height and 0 <= in_x < shape.input_width:
                        begin = lead + batch * image + (in_y * shape.input_width + in_x) * pixel
                        if np.isin(np.arange(begin, begin + pixel), written).any():
                            return True
        written = np.arange(min(first + 2, len(places)) * shape.output_channels)
    return False


@pytest.mark.parametrize(
    "shape",
    [
        window(1, 7, 4, 4, 1, 1, 0),
        window(1, 7, 4, 8, 1, 1, 0),
        window(1, 8, 3, 10, 1, 1, 0),
        window(4, 5, 2, 3, 3, 1, 1),
        window(5, 6, 3, 2, 3, 2, 1),
        window(6, 4, 1, 8, 3, 1, 0, batches=2),
        window(5, 5, 2, 1, 1, 2, 0),
    ],
)
def test_the_lead_is_enough_and_no_more(shape: Window) -> None:
    """With the lead nothing is overwritten before it was read; a byte less would not do, unless it is 0."""
    lead = conv_lead(shape)

    assert not overwrites_unread(shape, lead)
    assert lead == 0 or overwrites_unread(shape, lead - 1)


def kernels(mode: str, fused: int) -> dict[str, str]:
    """Return the kernel of each variant that Armv7E-M has for a 1x1 convolution with an output scale of 64."""
    sketch = Sketch()
    source, output = sketch.activation(1, 4, 4, 8), sketch.activation(1, 4, 4, 8, scale=64.0)
    weights = np.random.default_rng(1).integers(-127, 128, (8, 1, 1, 8))
    sketch.conv(source, weights, [0] * 8, output, fused=fused)
    (node,) = sketch.graph((source,), (output,)).nodes()
    return {name: calls[0].kernel for name, calls in candidates(node, Target("armv7em", mode))}


def test_loads_word_by_word_are_for_speed_alone() -> None:
    """They take more instructions and more code, which only a count of cycles can make up for."""
    assert kernels("speed", NONE)["pairs_ldr"] == "midge_conv_2d_pairs_ldr_linear_s8"
    assert not [mode for mode in ("default", "size", "ram") if "pairs_ldr" in kernels(mode, NONE)]


def test_a_clamp_of_its_own_has_no_loads_word_by_word() -> None:
    """With zero point 0, RELU clamps at 0 and not at the least int8: there is but the general ending."""
    assert kernels("speed", RELU)["pairs"] == "midge_conv_2d_pairs_s8"
    assert "pairs_ldr" not in kernels("speed", RELU)
