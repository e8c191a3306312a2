"""From a loaded network to a graph of batch 1 that TensorFlow's converter accepts. Imports TensorFlow."""

from __future__ import annotations

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
    model = network.keras_model
    if model is None:
        return network
    try:
        config = model.get_config()
    except NotImplementedError:  # a subclassed model
        return network
    unrolled, changed = _unroll(config)
    if not changed:
        return network
    try:
        rebuilt = type(model).from_config(unrolled)
        rebuilt.set_weights(model.get_weights())
    except Exception as error:
        raise ConversionError(
            f"the recurrent layers of {model.name!r} cannot be rebuilt without a loop: "
            f"{str(error).splitlines()[0][:300]}; build them with unroll=True"
        ) from error
    return from_keras(rebuilt)


def _unroll(config: Any) -> tuple[Any, bool]:
    if isinstance(config, (list, tuple)):
        items = [_unroll(item) for item in config]
        return type(config)(item for item, _ in items), any(changed for _, changed in items)
    if not isinstance(config, dict):
        return config, False
    pairs = {key: _unroll(value) for key, value in config.items()}
    result = {key: value for key, (value, _) in pairs.items()}
    changed = any(flag for _, flag in pairs.values())
    inner = result.get("config")
    if config.get("class_name") in RECURRENT and isinstance(inner, dict):
        if inner.get("stateful"):
            raise ConversionError(
                f"the recurrent layer {inner.get('name')!r} is stateful; build it with stateful=False and give whole "
                "sequences"
            )
        if not inner.get("unroll"):
            inner["unroll"] = True
            changed = True
    return result, changed


def export(network: Network) -> tuple[Any, tf.Module]:
    """Trace a network for one sample; return the concrete function and the module that holds its weights.

    The function's arguments and results carry the network's names, which become the file's signature.
    """
    module = tf.Module()
    module.owner = network.owner
    signature = [tf.TensorSpec((1, *spec.shape), spec.dtype, name=spec.name) for spec in network.inputs]
    names = [spec.name for spec in network.outputs]

    def serve(*tensors: Any) -> dict[str, Any]:
        return dict(zip(names, network.call(tensors), strict=True))

    module.serve = tf.function(serve, input_signature=signature, autograph=False)
    return module.serve.get_concrete_function(), module


def save(network: Network, folder: Path) -> None:
    """Write a network as a SavedModel of batch 1: the form in which layers of a user's own reach another process."""
    function, module = export(network)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": function})
