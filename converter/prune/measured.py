"""What a Keras model costs on a board in int8: converted, built, run on the emulator. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from midge.converter import export, quantize
from midge.converter.checkpoints import Checkpoints
from midge.converter.context import Context, Exported, State
from midge.converter.cost import Cost, LayerCost, measure_cost
from midge.converter.network import from_keras
from midge.converter.prune.budget import Rates
from midge.converter.prune.cost import Work
from midge.converter.steps import Quantize

SAMPLES = 16
"""Samples to calibrate on: the integers hardly change the cost."""
INT8 = Quantize(weights="int8", activations="int8", interface="int8")
_WORK: dict[str, Work] = {
    "CONV_2D": "convolution",
    "TRANSPOSE_CONV": "convolution",
    "DEPTHWISE_CONV_2D": "depthwise",
    "FULLY_CONNECTED": "dense",
}


def measure(model: Any, board: str, context: Context) -> Cost:
    """Return what one inference of a Keras model, quantized to int8, costs on a board.

    Raises:
        ConversionError: the model cannot be quantized.
        Error: as `measure_cost`.
    """
    network = from_keras(model)
    straight = export.unroll_recurrent(network)
    function, module = export.export(straight)
    content = quantize.to_tflite(straight, function, module, None, None)
    state = State(network, exported=Exported(straight, function, module, content))
    quiet = replace(
        context,
        calibration=(context.calibration or context.training_data()).first(SAMPLES),
        checkpoints=Checkpoints(None),
        say=lambda _: None,
        notes=[],
    )
    return measure_cost(quantize.run(INT8, state, quiet).file(), board)


def value(cost: Cost, kind: str) -> int:
    """Return a cost in the unit of a budget: `Prune.budget`."""
    return {"instructions": cost.instructions, "ram": cost.ram, "flash": cost.flash}[kind]


def rates(layers: Sequence[LayerCost]) -> Rates:
    """Return the instructions that a multiplication took, by kind of layer; where there is none, the mean."""
    found: dict[Work, float] = {}
    kinds: tuple[Work, ...] = ("convolution", "depthwise", "dense")
    working = [layer for layer in layers if layer.op in _WORK and layer.macs]
    for kind in kinds:
        own = [layer for layer in working if _WORK[layer.op] == kind] or working
        macs = sum(layer.macs for layer in own)
        found[kind] = sum(layer.instructions for layer in own) / macs if macs else 1.0
    return found
