"""From a loaded network to a graph of batch 1 that TensorFlow's converter accepts. Imports TensorFlow."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from midge.converter.network import Network, from_keras
from midge.runtime.errors import ConversionError

RECURRENT = ("SimpleRNN", "GRU", "LSTM", "RNN")


def unroll_recurrent(network: Network) -> Network:
    """Rebuild SimpleRNN, GRU and LSTM layers, at any depth, as straight-line graphs; exact.

    A recurrent layer is otherwise exported as a loop, and quantizing a loop kills TensorFlow's process.

    Raises:
        ConversionError: A layer keeps its state between calls, or cannot be rebuilt from its configuration.
    """
    return _rebuild(network, _unroll, "the recurrent layers cannot be rebuilt without a loop: use unroll=True")


def compute_in_float32(network: Network) -> Network:
    """Rebuild a model of mixed precision to compute in the type of its variables.

    Raises:
        ConversionError: A layer cannot be rebuilt from its configuration.
    """
    return _rebuild(network, _unmix, "the layers of mixed precision cannot be rebuilt in float32")


def _rebuild(network: Network, edit: Callable[[dict[str, Any]], bool], complaint: str) -> Network:
    """Rebuild a Keras model with every part of its configuration edited; ``edit`` says whether it changed anything."""
    model = network.keras_model
    try:
        config = copy.deepcopy(model.get_config()) if model is not None else None
    except NotImplementedError:  # a subclassed model
        config = None
    changes = [] if config is None else [edit(part) for part in _parts(config)]
    if not any(changes):
        return network
    try:
        # A live model's own layer classes are known to nobody but the model. Keras's own stay out of it: the layer Add
        # would take the place of the operation Add.
        kinds = {type(layer) for layer in model._flatten_layers(include_self=False)}
        own = {kind.__name__: kind for kind in kinds if kind.__module__.partition(".")[0] not in ("keras", "tf_keras")}
        rebuilt = type(model).from_config(config, custom_objects=own)
        rebuilt.set_weights(model.get_weights())
    except Exception as error:
        raise ConversionError(f"{complaint} ({str(error).splitlines()[0][:300]})") from error
    return from_keras(rebuilt)


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every ``{"class_name": ..., "config": {...}}`` in a configuration, at any depth."""
    if isinstance(config, (list, tuple)):
        for item in config:
            yield from _parts(item)
    elif isinstance(config, dict):
        if "class_name" in config and isinstance(config.get("config"), dict):
            yield config
        for value in config.values():
            yield from _parts(value)


def _unroll(part: dict[str, Any]) -> bool:
    inner = part["config"]
    if part["class_name"] not in RECURRENT:
        return False
    if inner.get("stateful"):
        raise ConversionError(
            f"the recurrent layer {inner.get('name')!r} is stateful; build it with stateful=False and give "
            "whole sequences"
        )
    changed = not inner.get("unroll")
    inner["unroll"] = True
    return changed


def _unmix(part: dict[str, Any]) -> bool:
    inner = part["config"]
    if "Policy" not in part["class_name"] or not str(inner.get("name")).startswith("mixed_"):
        return False
    inner["name"] = "float32"
    return True


def export(network: Network) -> tuple[Any, tf.Module]:
    """Trace a network for one sample; return the concrete function and the module that holds its weights.

    The function's arguments and results carry the network's names, which become the file's signature.

    Raises:
        ConversionError: A layer fails on a batch of one.
    """
    module = tf.Module()
    module.owner = network.owner
    signature = [tf.TensorSpec((1, *spec.shape), spec.dtype, name=spec.name) for spec in network.inputs]
    names = [spec.name for spec in network.outputs]

    def serve(*tensors: Any) -> dict[str, Any]:
        return dict(zip(names, network.call(tensors), strict=True))

    module.serve = tf.function(serve, input_signature=signature, autograph=False)
    try:
        function = module.serve.get_concrete_function()
    except Exception as error:  # Keras and a user's own layers raise anything
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConversionError(f"the model cannot be run on a single sample: {reason[:400]}") from error
    return function, module


def save(network: Network, folder: Path) -> None:
    """Write a network as a SavedModel of batch 1: the form in which layers of a user's own reach another process."""
    function, module = export(network)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": function})
