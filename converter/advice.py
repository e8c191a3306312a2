"""Which layers lose accuracy to quantization, and what to do about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from midge.converter.job import LayerError
from midge.converter.steps import Quantize

MOST = 3
"""Layers that are named."""

NOTABLE = 0.05
"""Least share of a layer's spread that it adds as an error of its own to be named."""

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_MOVING = {"cluster", "qat"}
"""Notes of the steps after quantization that give weights other values."""


def advise(step: Quantize | None, layers: Sequence[LayerError], notes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a few sentences on the layers that lose most, and what may help; none where there is nothing to say.

    Args:
        step: how the network was quantized, None if it was not.
        layers: with their errors, in order of execution.
        notes: what the recipe's steps found out.
    """
    if step is None or step.activations == "float32":
        return []
    kinds = {note["kind"]: note for note in notes}
    sentences = []
    if "fallback" in kinds:
        sentences.append(f"TensorFlow's quantizer made this file: {kinds['fallback']['reason']}.")
    if "sensitivity" in kinds:
        sentences.extend(_sensitive(kinds["sensitivity"]))
    worst = _own_errors(layers, _WEIGHTED if step.weights in ("int4", "mixed") else None)
    # Weights that were moved on purpose are no longer the original's: the difference is no error of the rounding.
    if worst and not kinds.keys() & _MOVING:
        named = ", ".join(f"{layer.name} ({layer.op}, {own:.0%})" for own, layer in worst)
        sentences.append(f"Most error arises in {named}. {_remedy(step, worst[0][1], kinds)}")
    return sentences


def _own_errors(layers: Sequence[LayerError], operators: Sequence[str] | None) -> list[tuple[float, LayerError]]:
    """Return the layers of some operators (None: all) that add most error of their own, with it, the worst first.

    Errors of different origin add as squares: what a layer adds is the root of its error's square less that of the
    layer before it.
    """
    before, found = 0.0, []
    for layer in layers:
        own = math.sqrt(max(layer.rms_error**2 - before**2, 0.0))
        if own >= NOTABLE and (operators is None or layer.op in operators):
            found.append((own, layer))
        before = layer.rms_error
    return sorted(found, key=lambda pair: -pair[0])[:MOST]


def _sensitive(note: Mapping[str, Any]) -> list[str]:
    kept = sorted((layer for layer in note["layers"] if layer["bits"] == 8), key=lambda layer: -layer["rise"])[:MOST]
    small = sum(layer["weights"] for layer in note["layers"] if layer["bits"] == 4)
    total = sum(layer["weights"] for layer in note["layers"])
    share = f"{small / total:.0%} of the weights have four bits" if total else "there are no weights"
    if not kept:
        return [f"Mixed precision: {share}."]
    named = ", ".join(f"{layer['name']} (+{layer['rise']:.2g})" for layer in kept)
    return [f"Mixed precision: {share}. Kept at eight, with what four would add to the loss: {named}."]


def _remedy(step: Quantize, worst: LayerError, kinds: Mapping[str, Mapping[str, Any]]) -> str:
    if step.activations == "int16":
        return "The layers' weights are what is left to blame: train with the recipe qat_int8, or use float32."
    if "fallback" in kinds:
        return "Try the recipe int16x8, or replace the operator that Midge's quantizer has no rule for."
    if step.weights in ("int4", "mixed"):
        way = (
            "use the recipe mixed, which keeps eight bits there"
            if step.weights == "int4"
            else "lower the step's budget"
        )
        return f"To lose less, {way}, or train with qat_int4."
    ways = []
    if step.ranges == "minmax":
        ways.append('ranges = "mse" or "percentile"')
    if not step.bias_correction and worst.op in _WEIGHTED:
        ways.append("bias_correction = true")
    if not step.equalize and worst.op in _WEIGHTED:
        ways.append("equalize = true")
    settings = f"try {' and '.join(ways)} in its quantize step; " if ways else ""
    return f"To lose less, {settings}{'else ' if ways else 'use '}the recipe qat_int8 (trains) or int16x8."
