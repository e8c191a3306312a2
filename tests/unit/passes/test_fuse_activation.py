"""Clamps move into the operators before them."""

from __future__ import annotations

import numpy as np
import pytest
from sketch import NONE, RELU, RELU6, Sketch, checked, kinds

from midge.runtime.graph import Graph
from midge.runtime.operators.activation import LeakyReluOptions
from midge.runtime.passes.fuse_activation import fuse_activation


def conv_and(*activations: str, fused: int = NONE, scale: float = 1.0, zero_point: int = 3) -> Graph:
    """A convolution whose output is at scale 1, and activations to another scale."""
    sketch = Sketch()
    source = sketch.activation(1, 2, 2, 1)
    current = sketch.activation(1, 2, 2, 1, zero_point=zero_point)
    sketch.conv(source, np.ones((1, 1, 1, 1), np.int8), [0], current, fused=fused)
    for kind in activations:
        following = sketch.activation(1, 2, 2, 1, zero_point=zero_point, scale=scale)
        sketch.add(kind, (current,), following, LeakyReluOptions(0.5) if kind == "LEAKY_RELU" else None)
        current = following
    return sketch.graph((source,), (current,))


@pytest.mark.parametrize(
    ("fused", "activations", "found"),
    [
        (NONE, ["RELU"], RELU),
        (NONE, ["RELU6"], RELU6),
        (NONE, ["RELU", "RELU6"], RELU6),
        (RELU6, ["RELU"], RELU6),
        (RELU, ["RELU6", "RELU"], RELU6),
        (RELU, ["LEAKY_RELU"], RELU),  # above zero it does nothing
    ],
)
def test_a_clamp_is_fused(fused: int, activations: list[str], found: int) -> None:
    graph = conv_and(*activations, fused=fused)

    reduced = checked(fuse_activation(graph))

    assert kinds(reduced) == ["CONV_2D"]
    assert reduced.operators[0].attributes.fused_activation == found
    assert reduced.operators[0].outputs == graph.outputs


def test_what_is_no_clamp_stays() -> None:
    assert kinds(fuse_activation(conv_and("LEAKY_RELU"))) == ["CONV_2D", "LEAKY_RELU"]


def test_a_clamp_to_another_scale_stays() -> None:
    assert kinds(fuse_activation(conv_and("RELU", scale=2.0))) == ["CONV_2D", "RELU"]


def test_a_result_that_is_read_without_the_clamp_stays() -> None:
    graph = conv_and("RELU")
    both = graph.replace(outputs=(*graph.outputs, graph.operators[0].outputs[0]))

    assert kinds(fuse_activation(both)) == ["CONV_2D", "RELU"]


def test_a_clamp_of_an_input_stays() -> None:
    sketch = Sketch()
    source, output = sketch.activation(1, 3), sketch.activation(1, 3)
    sketch.add("RELU", (source,), output)

    assert kinds(fuse_activation(sketch.graph((source,), (output,)))) == ["RELU"]
