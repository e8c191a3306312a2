"""What is computed twice is computed once."""

from __future__ import annotations

import numpy as np
from sketch import RELU, Sketch, checked, kinds

from midge.runtime.passes.merge_duplicates import merge_duplicates


def test_equal_operators_with_equal_constants_are_merged_and_so_are_those_behind_them() -> None:
    sketch = Sketch()
    source = sketch.activation(1, 2, 2, 1)
    ends = []
    for _ in range(2):
        middle, end = sketch.activation(1, 2, 2, 1), sketch.activation(1, 2, 2, 1)
        sketch.conv(source, np.full((1, 1, 1, 1), 3), [5], middle)
        ends.append(sketch.sum(middle, middle, end))
    output = sketch.activation(1, 2, 2, 1)
    sketch.sum(ends[0], ends[1], output)

    merged = checked(merge_duplicates(sketch.graph((source,), (output,))))

    assert kinds(merged) == ["CONV_2D", "ADD", "ADD"]
    assert merged.operators[2].inputs == (ends[0], ends[0])


def test_other_constants_attributes_or_scales_are_no_duplicates() -> None:
    for weight, bias, fused, scale in ((4, 5, 0, 1.0), (3, 6, 0, 1.0), (3, 5, RELU, 1.0), (3, 5, 0, 2.0)):
        sketch = Sketch()
        source = sketch.activation(1, 2, 2, 1)
        one, other = sketch.activation(1, 2, 2, 1), sketch.activation(1, 2, 2, 1, scale=scale)
        output = sketch.activation(1, 2, 2, 1)
        sketch.conv(source, np.full((1, 1, 1, 1), 3), [5], one)
        sketch.conv(source, np.full((1, 1, 1, 1), weight), [bias], other, fused=fused)
        sketch.sum(one, other, output)

        assert kinds(merge_duplicates(sketch.graph((source,), (output,)))) == ["CONV_2D", "CONV_2D", "ADD"]


def test_outputs_of_the_graph_keep_their_operators() -> None:
    sketch = Sketch()
    source, one, other = (sketch.activation(1, 3) for _ in range(3))
    sketch.add("RELU", (source,), one)
    sketch.add("RELU", (source,), other)

    assert kinds(merge_duplicates(sketch.graph((source,), (one, other)))) == ["RELU", "RELU"]
