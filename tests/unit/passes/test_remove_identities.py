"""Operators that change no byte disappear, or become a RESHAPE where the shape differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sketch import RELU, SAME, Sketch, checked, kinds

from midge.runtime.graph import DType, Graph
from midge.runtime.operators.movement import ConcatenationOptions
from midge.runtime.operators.pool import Pool2D
from midge.runtime.operators.slicing import StridedSliceOptions
from midge.runtime.passes.remove_identities import remove_identities

SHAPE = (1, 2, 3, 4)


def between(kind: str, constants: list[list[Any]], shape: tuple[int, ...] = SHAPE, attributes: Any = None) -> Graph:
    """A sum, the operator, and another sum, so that the operator's ends are neither inputs nor outputs."""
    sketch = Sketch()
    source, first, second, output = (sketch.activation(*each) for each in (SHAPE, SHAPE, shape, shape))
    sketch.sum(source, source, first)
    inputs = tuple(sketch.constant(values, DType.INT32) for values in constants)
    sketch.add(kind, (first, *inputs), second, attributes)
    sketch.sum(second, second, output)
    return sketch.graph((source,), (output,))


@pytest.mark.parametrize(
    ("kind", "constants", "attributes"),
    [
        ("RESHAPE", [[1, 2, 3, 4]], None),
        ("SQUEEZE", [], None),
        ("TRANSPOSE", [[0, 1, 2, 3]], None),
        ("QUANTIZE", [], None),
        ("PAD", [[[0, 0], [0, 0], [0, 0], [0, 0]]], None),
        ("SLICE", [[0, 0, 0, 0], [-1, 2, 3, 4]], None),
        ("STRIDED_SLICE", [[0, 0, 0, 0], [1, 2, 3, 4], [1, 1, 1, 1]], StridedSliceOptions()),
        ("CONCATENATION", [], ConcatenationOptions(axis=3)),
        ("MAX_POOL_2D", [], Pool2D(SAME, 1, 1, 1, 1)),
        ("AVERAGE_POOL_2D", [], Pool2D(SAME, 1, 1, 1, 1)),
    ],
)
def test_what_changes_nothing_disappears(kind: str, constants: list[list[Any]], attributes: Any) -> None:
    assert kinds(checked(remove_identities(between(kind, constants, attributes=attributes)))) == ["ADD", "ADD"]


@pytest.mark.parametrize(
    ("kind", "constants", "shape", "attributes"),
    [
        ("TRANSPOSE", [[1, 2, 0, 3]], (2, 3, 1, 4), None),
        (
            "STRIDED_SLICE",
            [[0, 0, 0, 0], [1, 2, 3, 4], [1, 1, 1, 1]],
            (2, 3, 4),
            StridedSliceOptions(shrink_axis_mask=1),
        ),
    ],
)
def test_what_only_changes_the_shape_becomes_a_reshape(
    kind: str, constants: list[list[Any]], shape: tuple[int, ...], attributes: Any
) -> None:
    assert kinds(checked(remove_identities(between(kind, constants, shape, attributes)))) == ["ADD", "RESHAPE", "ADD"]


@pytest.mark.parametrize(
    ("kind", "constants", "shape", "attributes"),
    [
        ("TRANSPOSE", [[0, 2, 1, 3]], (1, 3, 2, 4), None),
        ("STRIDED_SLICE", [[0, -1, 0, 0], [1, -3, 3, 4], [1, -1, 1, 1]], SHAPE, StridedSliceOptions()),  # upside down
        ("MAX_POOL_2D", [], (1, 1, 2, 4), Pool2D(SAME, 2, 2, 1, 1)),
        ("MAX_POOL_2D", [], SHAPE, Pool2D(SAME, 1, 1, 1, 1, RELU)),
        ("RELU", [], SHAPE, None),
    ],
)
def test_what_changes_something_stays(
    kind: str, constants: list[list[Any]], shape: tuple[int, ...], attributes: Any
) -> None:
    assert kinds(remove_identities(between(kind, constants, shape, attributes))) == ["ADD", kind, "ADD"]


def test_a_relu_behind_a_clamp_disappears_also_through_a_pool() -> None:
    sketch = Sketch()
    source, first, second, third, output = (sketch.activation(1, 2, 2, 1) for _ in range(5))
    sketch.conv(source, np.ones((1, 1, 1, 1), np.int8), [0], first, fused=RELU)
    sketch.add("MAX_POOL_2D", (first,), second, Pool2D(SAME, 1, 1, 2, 2))
    sketch.add("RELU", (second,), third)
    sketch.sum(third, third, output)

    reduced = checked(remove_identities(sketch.graph((source,), (output,))))

    assert kinds(reduced) == ["CONV_2D", "MAX_POOL_2D", "ADD"]


def test_a_quantize_to_another_zero_point_stays() -> None:
    sketch = Sketch()
    source, output = sketch.activation(1, 3), sketch.activation(1, 3, zero_point=1)
    sketch.add("QUANTIZE", (source,), output)

    assert kinds(remove_identities(sketch.graph((source,), (output,)))) == ["QUANTIZE"]


def test_an_output_of_the_graph_keeps_its_place() -> None:
    """What was written before the identity is now written to the output itself."""
    sketch = Sketch()
    source, middle, output = (sketch.activation(1, 3) for _ in range(3))
    sketch.sum(source, source, middle)
    sketch.add("QUANTIZE", (middle,), output)

    reduced = checked(remove_identities(sketch.graph((source,), (output,))))

    assert kinds(reduced) == ["ADD"]
    assert reduced.operators[0].outputs == reduced.outputs == (output,)


def test_an_input_or_an_output_under_a_second_name_stays() -> None:
    def between_input_and_output(sketch: Sketch) -> Graph:
        source, output = sketch.activation(1, 3), sketch.activation(1, 3)
        sketch.add("QUANTIZE", (source,), output)
        return sketch.graph((source,), (output,))

    def between_two_outputs(sketch: Sketch) -> Graph:
        source, first, second = (sketch.activation(1, 3) for _ in range(3))
        sketch.sum(source, source, first)
        sketch.add("QUANTIZE", (first,), second)
        return sketch.graph((source,), (first, second))

    makers: list[tuple[Callable[[Sketch], Graph], list[str]]] = [
        (between_input_and_output, ["RESHAPE"]),
        (between_two_outputs, ["ADD", "RESHAPE"]),
    ]
    for make, left in makers:
        graph = make(Sketch())
        reduced = checked(remove_identities(graph))

        assert (kinds(reduced), reduced.outputs) == (left, graph.outputs)


def test_a_reshape_of_a_reshape_reads_the_first_ones_input() -> None:
    sketch = Sketch()
    source, flat, square = sketch.activation(1, 4), sketch.activation(4), sketch.activation(2, 2)
    sketch.add("RESHAPE", (source, sketch.constant([4], DType.INT32)), flat)
    sketch.add("RESHAPE", (flat, sketch.constant([2, 2], DType.INT32)), square)

    reduced = checked(remove_identities(sketch.graph((source,), (square,))))

    assert reduced.operators[1].inputs[0] == source
