"""The quantization error's formula, and how layers are found and named."""

from __future__ import annotations

import numpy as np
import pytest

from midge.converter.layer_errors import LayerNames, match, relative_rms
from midge.converter.tflite_file import Operator


def test_the_error_is_relative_to_the_spread() -> None:
    """Values 1, 3, 5, 7 (mean 4, variance 5) and errors 1, -1, 1, -1: sqrt(1) / sqrt(5)."""
    assert relative_rms(4, 16, 84, 4) == pytest.approx(1 / np.sqrt(5))


def test_a_constant_output_is_judged_by_its_size_and_zero_absolutely() -> None:
    """Four times 2 with errors 0.5: 0.5 / 2; four zeros with errors 0.5: 0.5."""
    assert relative_rms(4, 8, 16, 1) == pytest.approx(0.25)
    assert relative_rms(4, 0, 0, 1) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("net_1/conv_1/Relu;net_1/conv_1/add", "conv"),
        ("net_1/conv_1_2/Relu", "conv_1"),
        ("net_1/back_1/conv_1/Relu", "back/conv"),
        ("net_1/elsewhere/op", "net_1/elsewhere"),
        ("PartitionedCall:0", "PartitionedCall:0"),
    ],
)
def test_keras_3_layers_are_found_behind_their_numbers(tensor: str, layer: str) -> None:
    names = LayerNames(frozenset({"conv", "conv_1", "back"}), numbered=True)

    assert names.layer_of(tensor) == layer


def test_keras_2_layers_are_found_as_they_are() -> None:
    assert LayerNames(frozenset({"conv", "conv_1"})).layer_of("net/conv_1/Relu") == "conv_1"


def op(name: str, output: str, *shape: int, index: int = 0) -> Operator:
    return Operator(name, (index,), (output,), shape)


def test_layers_match_by_name_before_order() -> None:
    """Two branches of one shape may change places; what converts between types has no twin."""
    a, b = op("CONV_2D", "a", 1, 4, index=1), op("CONV_2D", "b", 1, 4, index=2)
    q = op("QUANTIZE", "x", 1, 4)

    assert match([a, b], [q, b, a]) == [(b, b), (a, a)]


def test_layers_of_other_names_match_by_order_if_all_operators_agree() -> None:
    float_ops = [op("CONV_2D", "a", 1, 4), op("ADD", "b", 1, 4)]
    same = [op("CONV_2D", "a;more", 1, 4), op("ADD", "b", 1, 4)]
    other = [op("MUL", "c", 1, 4), *same]

    assert match(float_ops, same) == list(zip(float_ops, same, strict=True))
    assert match(float_ops, other) == [(float_ops[1], same[1])]


def test_layers_of_different_shapes_do_not_match() -> None:
    assert match([op("ADD", "a", 1, 4)], [op("ADD", "a", 1, 5)]) == []
