"""Functions of one byte behind each other become one table."""

from __future__ import annotations

import numpy as np
from sketch import Sketch, checked, kinds

from midge.runtime.graph import DType
from midge.runtime.operators.activation import LeakyReluOptions
from midge.runtime.passes.merge_byte_functions import merge_byte_functions


def test_two_look_ups_become_one() -> None:
    """Doubling the scale halves a value, halves away from zero; then negative values are cut off."""
    sketch = Sketch()
    source = sketch.activation(1, 3)
    middle, output = sketch.activation(1, 3, scale=2.0), sketch.activation(1, 3, scale=2.0)
    sketch.add("QUANTIZE", (source,), middle)
    sketch.add("RELU", (middle,), output)

    merged = checked(merge_byte_functions(sketch.graph((source,), (output,))))

    assert kinds(merged) == ["LOOKUP"]
    halves = [max(0, int(np.sign(x) * ((abs(x) + 1) // 2))) for x in range(-128, 128)]
    assert list(merged.operators[0].attributes.values) == halves


def test_floats_in_between_are_no_hindrance() -> None:
    """To floats and back on another zero point: every value moves by 10 and is clamped."""
    sketch = Sketch()
    source = sketch.activation(2, 2, scale=0.1)
    floats = sketch.activation(2, 2, dtype=DType.FLOAT32)
    output = sketch.activation(2, 2, scale=0.1, zero_point=10)
    sketch.add("DEQUANTIZE", (source,), floats)
    sketch.add("QUANTIZE", (floats,), output)

    merged = checked(merge_byte_functions(sketch.graph((source,), (output,))))

    assert kinds(merged) == ["LOOKUP"]
    assert list(merged.operators[0].attributes.values) == [min(127, x + 10) for x in range(-128, 128)]


def test_a_value_that_is_read_in_between_stays() -> None:
    sketch = Sketch()
    source, middle, output, other = (sketch.activation(1, 3) for _ in range(4))
    sketch.add("LEAKY_RELU", (source,), middle, LeakyReluOptions(0.5))
    sketch.add("RELU", (middle,), output)
    sketch.add("RELU6", (middle,), other)

    merged = merge_byte_functions(sketch.graph((source,), (output, other)))

    assert kinds(merged) == ["LEAKY_RELU", "RELU", "RELU6"]


def test_an_output_of_the_graph_in_between_stays() -> None:
    sketch = Sketch()
    source, middle, output = (sketch.activation(1, 3) for _ in range(3))
    sketch.add("LEAKY_RELU", (source,), middle, LeakyReluOptions(0.5))
    sketch.add("RELU", (middle,), output)

    assert kinds(merge_byte_functions(sketch.graph((source,), (output, middle)))) == ["LEAKY_RELU", "RELU"]


def test_a_chain_that_begins_with_floats_keeps_its_first_conversion() -> None:
    sketch = Sketch()
    source = sketch.activation(1, 3, dtype=DType.FLOAT32)
    middle, last, output = (sketch.activation(1, 3) for _ in range(3))
    sketch.add("QUANTIZE", (source,), middle)
    sketch.add("LEAKY_RELU", (middle,), last, LeakyReluOptions(0.5))
    sketch.add("RELU", (last,), output)

    assert kinds(checked(merge_byte_functions(sketch.graph((source,), (output,))))) == ["QUANTIZE", "LOOKUP"]


def test_a_sum_with_one_constant_becomes_a_table_where_it_is_shorter_than_the_tensor() -> None:
    for elements, kind in ((256, "LOOKUP"), (255, "ADD")):
        sketch = Sketch()
        source, output = sketch.activation(1, elements), sketch.activation(1, elements)
        sketch.sum(sketch.constant([5]), source, output)

        merged = checked(merge_byte_functions(sketch.graph((source,), (output,))))

        assert kinds(merged) == [kind]
        if kind == "LOOKUP":
            assert list(merged.operators[0].attributes.values) == [min(127, x + 5) for x in range(-128, 128)]


def test_a_sum_with_itself_is_a_function_of_one_byte_but_one_with_another_tensor_is_not() -> None:
    sketch = Sketch()
    source, twice, both = (sketch.activation(1, 300) for _ in range(3))
    sketch.sum(source, source, twice)
    sketch.sum(source, twice, both)

    merged = checked(merge_byte_functions(sketch.graph((source,), (both,))))

    assert kinds(merged) == ["LOOKUP", "ADD"]
    assert list(merged.operators[0].attributes.values) == [min(127, max(-128, 2 * x)) for x in range(-128, 128)]
