"""Borders of the zero point move into the convolutions that read them."""

from __future__ import annotations

import numpy as np
import pytest
from sketch import SAME, VALID, Sketch, checked, kinds

from midge.runtime.graph import DType, Graph, Node
from midge.runtime.operators.conv_geometry import Conv2D, conv_geometry
from midge.runtime.operators.window import Padding
from midge.runtime.passes.fuse_padding import fuse_padding

TAPS = np.ones((1, 3, 3, 2), np.int8)


def padded_conv(
    before: int, after: int, *, value: int | None = None, zero_point: int = -7, padding: int = VALID, scale: float = 1.0
) -> Graph:
    """A border of the zero point or of `value` around (1, 4, 4, 2), and a 3x3 convolution."""
    sketch = Sketch()
    source = sketch.activation(1, 4, 4, 2, zero_point=zero_point)
    size = 4 + before + after
    middle = sketch.activation(1, size, size, 2, zero_point=zero_point, scale=scale)
    sketch.pad(source, before, after, middle, value)
    left = size if padding == SAME else size - 2
    output = sketch.activation(1, left, left, 1)
    sketch.conv(middle, TAPS, [0], output, padding)
    return sketch.graph((source,), (output,))


@pytest.mark.parametrize(("before", "after"), [(1, 1), (0, 1), (2, 0), (2, 2)])
def test_a_border_becomes_explicit_padding(before: int, after: int) -> None:
    fused = checked(fuse_padding(padded_conv(before, after)))

    assert kinds(fused) == ["CONV_2D"]
    assert fused.operators[0].attributes.explicit_padding == Padding(before, after, before, after)
    window = conv_geometry(Node(fused, fused.operators[0]))
    assert (window.padding_top, window.padding_left) == (before, before)
    assert (window.output_height, window.input_height) == (4 + before + after - 2, 4)


def test_it_comes_on_top_of_the_convolutions_own() -> None:
    """A 3x3 window with padding SAME adds one row and column on each side."""
    fused = checked(fuse_padding(padded_conv(1, 0, padding=SAME)))

    assert fused.operators[0].attributes.explicit_padding == Padding(2, 1, 2, 1)


def test_two_borders_around_each_other_are_both_fused() -> None:
    sketch = Sketch()
    source = sketch.activation(1, 4, 4, 2)
    first, second = sketch.activation(1, 5, 5, 2), sketch.activation(1, 6, 6, 2)
    sketch.pad(source, 1, 0, first)
    sketch.pad(first, 0, 1, second)
    output = sketch.activation(1, 4, 4, 1)
    sketch.conv(second, TAPS, [0], output)

    fused = checked(fuse_padding(sketch.graph((source,), (output,))))

    assert kinds(fused) == ["CONV_2D"]
    assert fused.operators[0].attributes.explicit_padding == Padding(1, 1, 1, 1)


@pytest.mark.parametrize(("value", "left"), [(-7, ["CONV_2D"]), (-6, ["PADV2", "CONV_2D"])])
def test_only_the_zero_point_is_fused(value: int, left: list[str]) -> None:
    assert kinds(fuse_padding(padded_conv(1, 1, value=value))) == left


def test_a_border_as_wide_as_the_window_stays() -> None:
    assert kinds(fuse_padding(padded_conv(3, 0))) == ["PAD", "CONV_2D"]


def test_a_border_that_changes_the_scale_stays() -> None:
    """The bytes are copied, but the convolution would take them for other numbers."""
    assert kinds(fuse_padding(padded_conv(1, 1, scale=2.0))) == ["PAD", "CONV_2D"]


def test_a_border_with_another_reader_stays() -> None:
    sketch = Sketch()
    source, middle = sketch.activation(1, 4, 4, 2), sketch.activation(1, 6, 6, 2)
    sketch.pad(source, 1, 1, middle)
    output, other = sketch.activation(1, 4, 4, 1), sketch.activation(1, 6, 6, 2)
    sketch.conv(middle, TAPS, [0], output)
    sketch.sum(middle, middle, other)

    assert kinds(fuse_padding(sketch.graph((source,), (output, other)))) == ["PAD", "CONV_2D", "ADD"]


def test_a_border_of_two_convolutions_is_fused_into_both() -> None:
    sketch = Sketch()
    source, middle = sketch.activation(1, 4, 4, 2), sketch.activation(1, 6, 6, 2)
    sketch.pad(source, 1, 1, middle)
    outputs = sketch.activation(1, 4, 4, 1), sketch.activation(1, 4, 4, 2)
    sketch.conv(middle, TAPS, [0], outputs[0])
    sketch.depthwise(middle, TAPS, [0, 0], outputs[1])

    assert kinds(checked(fuse_padding(sketch.graph((source,), outputs)))) == ["CONV_2D", "DEPTHWISE_CONV_2D"]


@pytest.mark.parametrize(("value", "fused"), [(0.0, True), (-0.0, False), (1.0, False)])
def test_floats_are_padded_with_zero_only(value: float, fused: bool) -> None:
    sketch = Sketch()
    source = sketch.activation(1, 4, 4, 2, dtype=DType.FLOAT32)
    middle = sketch.activation(1, 6, 6, 2, dtype=DType.FLOAT32)
    pairs = sketch.constant([[0, 0], [1, 1], [1, 1], [0, 0]], DType.INT32)
    sketch.add("PADV2", (source, pairs, sketch.constant(value, DType.FLOAT32)), middle)
    output = sketch.activation(1, 4, 4, 1, dtype=DType.FLOAT32)
    sketch.add("CONV_2D", (middle, sketch.constant(TAPS, DType.FLOAT32)), output, Conv2D(VALID, 1, 1))

    assert ("PADV2" not in kinds(fuse_padding(sketch.graph((source,), (output,))))) is fused
