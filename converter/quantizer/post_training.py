"""Post-training quantization: from a float `.tflite` file and calibration data to the integer network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from midge.converter.data import Dataset
from midge.converter.quantizer.bias import correct_biases
from midge.converter.quantizer.bits import all_four
from midge.converter.quantizer.equalize import equalize
from midge.converter.quantizer.integer import IntegerNetwork
from midge.converter.quantizer.mixed import Choice, choose_bits
from midge.converter.quantizer.network import quantize_network
from midge.converter.quantizer.observe import observe
from midge.converter.quantizer.prepare import prepare
from midge.converter.quantizer.ranges import Method, choose_ranges
from midge.converter.quantizer.rounding import round_weights
from midge.converter.quantizer.weighted import with_biases
from midge.converter.tflite_file import input_tensors, output_tensors
from midge.runtime.graph import Graph
from midge.runtime.tflite.reader import read_model
from midge.runtime.tflite.writer import write_model


@dataclass(frozen=True)
class Settings:
    """What `quantize` may choose; the fields are those of `midge.converter.steps.Quantize`."""

    weights: Literal["int8", "int4", "mixed"] = "int8"
    interface: Literal["int8", "float32"] = "int8"
    ranges: Method = "minmax"
    percentile: float = 99.99
    bias_correction: bool = False
    equalize: bool = False
    budget: float = 0.01
    rounding: Literal["nearest", "compensated"] = "nearest"


@dataclass(frozen=True)
class Quantized:
    """A quantized network, and why it has the widths that it has."""

    network: IntegerNetwork
    choice: Choice | None
    """With ``mixed`` weights."""


def quantize(
    content: bytes, data: Dataset, settings: Settings, say: Callable[[str], None] = lambda _: None
) -> Quantized:
    """Quantize a float network.

    Args:
        content: the float `.tflite` file, batch 1.
        data: on which ranges are observed, every sample; in the order of the file's inputs.
        settings: how.
        say: told each stage.

    Raises:
        UnsupportedError: an operator has no rule.
    """
    exact = prepare(_with_public_names(content))
    if settings.bias_correction:
        exact = with_biases(exact)
    if settings.equalize:
        say("equalizing channels")
        exact = equalize(exact, data)
    say(f"observing activations on {len(data)} samples")
    seen = observe(exact, write_model(exact), data.inputs, histograms=settings.ranges != "minmax")
    ranges = choose_ranges(seen, settings.ranges, settings.percentile)
    choice = None
    if settings.weights == "mixed":
        choice = choose_bits(exact, ranges, data, settings.budget, correct=settings.bias_correction, say=say)
    bits = all_four(exact) if settings.weights == "int4" else {} if choice is None else choice.bits
    network = quantize_network(exact, ranges, bits, interface=settings.interface)
    if settings.rounding == "compensated":
        network = round_weights(network, data, say)
    return Quantized(correct_biases(network, data, say) if settings.bias_correction else network, choice)


def _with_public_names(content: bytes) -> Graph:
    """Return a file as a graph whose inputs and outputs have the names of its signature."""
    graph = read_model(content)
    tensors = list(graph.tensors)
    for index, name in (input_tensors(content) | output_tensors(content)).items():
        tensors[index] = dataclasses.replace(tensors[index], name=name)
    return graph.replace(tensors=tuple(tensors))
