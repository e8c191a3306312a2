"""Which layers `midge convert` names, and what it suggests."""

from __future__ import annotations

from typing import Any

import pytest

from midge.converter.advice import advise
from midge.converter.job import LayerError
from midge.converter.steps import Quantize


def step(**changes: Any) -> Quantize:
    settings: dict[str, Any] = {"weights": "int8", "activations": "int8", "interface": "int8"}
    return Quantize(**(settings | changes))


LAYERS = [
    LayerError("a", "CONV_2D", 0.03),
    LayerError("b", "CONV_2D", 0.05),  # adds sqrt(0.05^2 - 0.03^2) = 0.04
    LayerError("c", "DEPTHWISE_CONV_2D", 0.13),  # adds sqrt(0.13^2 - 0.05^2) = 0.12
    LayerError("d", "SOFTMAX", 0.13),
]


def test_the_layer_is_named_in_which_error_arises_not_those_that_inherit_it() -> None:
    (sentence,) = advise(step(), LAYERS, [])

    assert "c (DEPTHWISE_CONV_2D, 12%)" in sentence
    assert "b (" not in sentence and "d (" not in sentence


@pytest.mark.parametrize("quantization", [None, step(weights="float16", activations="float32", interface="float32")])
def test_networks_that_compute_in_float_need_no_advice(quantization: Quantize | None) -> None:
    assert advise(quantization, LAYERS, []) == []


def test_small_errors_need_no_advice() -> None:
    assert advise(step(), LAYERS[:2], []) == []


def test_settings_are_suggested_that_the_recipe_does_not_have_yet() -> None:
    (plain,) = advise(step(), LAYERS, [])
    (tuned,) = advise(step(ranges="mse", bias_correction=True, equalize=True), LAYERS, [])

    for setting in ("ranges", "bias_correction", "equalize"):
        assert setting in plain and setting not in tuned
    assert "qat_int8" in plain and "qat_int8" in tuned


def test_four_bits_are_advised_to_be_mixed_or_trained() -> None:
    (sentence,) = advise(step(weights="int4"), LAYERS, [])

    assert "mixed" in sentence and "qat_int4" in sentence


@pytest.mark.parametrize("kind", ["cluster", "qat"])
def test_weights_that_are_meant_to_differ_are_no_error_to_advise_on(kind: str) -> None:
    assert advise(step(), LAYERS, [{"kind": kind}]) == []
    assert advise(step(weights="int4"), LAYERS, [{"kind": kind}]) == []


def test_mixed_precision_says_what_was_kept_and_what_four_bits_would_have_cost() -> None:
    layers = [
        {"name": "first", "op": "CONV_2D", "weights": 100, "bits": 8, "rise": 0.25},
        {"name": "second", "op": "CONV_2D", "weights": 300, "bits": 4, "rise": 0.001},
    ]
    (sentence,) = advise(step(weights="mixed"), [], [{"kind": "sensitivity", "layers": layers}])

    assert "75%" in sentence and "first (+0.25)" in sentence and "second" not in sentence


def test_a_file_of_tensorflows_quantizer_says_why() -> None:
    sentences = advise(step(), [], [{"kind": "fallback", "reason": "operator 2 (GATHER) has no rule"}])

    assert "operator 2 (GATHER) has no rule" in sentences[0]
