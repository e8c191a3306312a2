"""Post-training quantization, and the way from a traced graph to a `.tflite` file. Imports TensorFlow.

Runs in the worker process only: TensorFlow ends its process with SIGSEGV on some networks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from midge.converter.context import Context, State
from midge.converter.data import Dataset
from midge.converter.layer_errors import LayerNames
from midge.converter.network import Network
from midge.converter.quantizer.integer import IntegerNetwork
from midge.converter.quantizer.mixed import Choice
from midge.converter.quantizer.post_training import Settings, quantize
from midge.converter.samples import Array
from midge.converter.steps import Quantize
from midge.converter.tflite_file import count_operators, order_ends
from midge.runtime.errors import ConversionError, UnsupportedError

LOOP = (
    "the network holds a loop, usually a recurrent layer in a SavedModel or in a class of your own, which TensorFlow "
    "cannot convert to integers: give Midge the .keras file, whose SimpleRNN, GRU and LSTM layers it unrolls, or build "
    "the layer with unroll=True"
)


def run(step: Quantize, state: State, context: Context) -> State:
    """Quantize the exported network; see `Quantize`.

    Raises:
        ConversionError: The network holds a loop, or TensorFlow cannot quantize an operator.
    """
    exported, calibration = state.exported, context.calibration
    assert exported is not None
    loops = [name for name in count_operators(exported.content) if name in ("WHILE", "IF")]
    if loops and step.needs_calibration:
        raise ConversionError(f"{context.name}: {LOOP}; the recipes float32, float16 and dynamic work with it")
    if step.activations == "int8":
        try:
            return state.replace(integer=_quantize(step, state, context))
        except UnsupportedError as error:
            if step.weights != "int8":
                raise ConversionError(
                    f'{context.name}: {error}; with weights = "{step.weights}" there is no other way: use the recipe '
                    "int8, or replace the layer that makes the operator"
                ) from None
            context.say(f"leaving it to TensorFlow's quantizer: {error}")
            context.notes.append({"kind": "fallback", "reason": str(error)})
    count = f" on {len(calibration)} samples" if calibration and step.needs_calibration else ""
    context.say(f"quantizing{count}")
    content = to_tflite(exported.network, exported.function, exported.module, step, calibration)
    return state.replace(content=content)


def _quantize(step: Quantize, state: State, context: Context) -> IntegerNetwork:
    """Quantize with Midge's own quantizer."""
    assert state.exported is not None and context.calibration is not None
    settings = Settings(
        weights=step.weights,  # type: ignore[arg-type]  # no float16 with int8 activations
        interface=step.interface,  # type: ignore[arg-type]  # nor int16
        ranges=step.ranges,
        percentile=step.percentile,
        bias_correction=step.bias_correction,
        equalize=step.equalize,
        budget=step.budget,
        rounding=step.rounding,
    )
    quantized = quantize(state.exported.content, context.calibration, settings, context.say)
    if quantized.choice is not None:
        context.notes.append(_sensitivity_note(quantized.choice, LayerNames(*state.network.layer_names()), step.budget))
    return quantized.network


def _sensitivity_note(choice: Choice, names: LayerNames, budget: float) -> dict[str, Any]:
    """Say what four bits would cost each layer, and which layers have them."""
    return {
        "kind": "sensitivity",
        "budget": budget,
        "loss_int8": choice.loss_int8,
        "loss": choice.loss,
        "layers": [
            {
                "name": names.layer_of(layer.output),
                "op": layer.op,
                "weights": layer.weights,
                "bits": choice.bits.get(layer.tensor, 8),
                "rise": layer.rise,
            }
            for layer in choice.layers
        ],
    }


def to_tflite(
    network: Network, function: Any, module: tf.Module, step: Quantize | None, calibration: Dataset | None
) -> bytes:
    """Convert a network, traced by `export.export`; every sample of ``calibration`` is observed.

    Raises:
        ConversionError: TensorFlow has no TFLite form for an operator, or cannot quantize it.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if step is not None:
        _configure(converter, network, step, calibration)
    try:
        content = converter.convert()
    except Exception as error:  # the converter raises RuntimeError, ValueError and types of its own
        raise ConversionError(explain(str(error), step)) from error
    return order_ends(content, [spec.name for spec in network.inputs], [spec.name for spec in network.outputs])


def _configure(converter: Any, network: Network, step: Quantize, calibration: Dataset | None) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if step.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if step.activations == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    elif step.activations == "int16":
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
    if calibration is not None and step.needs_calibration:
        # By name: given as a list they would have to be in the converter's own order of inputs.
        inputs = {spec.name: array for spec, array in zip(network.inputs, calibration.inputs, strict=True)}

        def samples() -> Iterator[dict[str, Array]]:
            for i in range(len(calibration)):
                yield {name: array[i : i + 1] for name, array in inputs.items()}

        converter.representative_dataset = samples
    converter.inference_input_type = tf.as_dtype(step.interface)
    converter.inference_output_type = tf.as_dtype(step.interface)


def explain(text: str, step: Quantize | None) -> str:
    """Say in a line or two what TensorFlow's converter complained about, and what to do."""
    if "TensorList" in text:
        return LOOP
    missing = re.findall(r"(?:Flex|Custom) ops: ([^\n]+)", text)
    if missing:
        return (
            f"the network holds operators that no .tflite file can express: {', '.join(missing)}; replace the layers "
            "that make them"
        )
    unquantized = re.findall(r"(?:not (?:yet )?supported for op|for op|Unsupported op)[: ]+'?([A-Z0-9_]+)'?", text)
    if unquantized and step is not None and step.activations == "int16":
        return (
            f"TensorFlow cannot quantize {', '.join(sorted(set(unquantized)))} to 16-bit activations; use the recipe "
            "int8, or replace the layer that makes it"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = next((line for line in lines if "error" in line.lower()), lines[0] if lines else "no reason given")
    return f"TensorFlow's converter refuses the network: {reason[:400]}"
