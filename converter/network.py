"""A loaded network as the rest of the converter sees it, whatever file it came from. Imports TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.samples import Array, Column
from midge.converter.tensor_spec import TensorSpec
from midge.runtime.errors import ConversionError, InputError

BATCH = 64


@dataclass(frozen=True)
class Network:
    """A float network.

    ``call`` builds the graph for one batch of symbolic tensors, in order of ``inputs``; ``owner`` keeps what the
    graph reads its weights from; ``keras_model`` is the Keras model where there is one; ``batch`` is how many
    samples ``call`` takes at a time, None for any number.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    call: Callable[[Sequence[Any]], list[Any]]
    owner: Any
    keras_model: Any = None
    batch: int | None = None

    def layer_names(self) -> tuple[frozenset[str], bool]:
        """Return the names of the Keras model's layers, nested ones too, and whether it is a model of Keras 3."""
        if self.keras_model is None:
            return frozenset(), False
        layers = self.keras_model._flatten_layers(include_self=False)
        names = frozenset(layer.name for layer in layers)
        return names, not type(self.keras_model).__module__.startswith("tf_keras")

    def predict(self, arrays: Sequence[Column]) -> list[Array]:
        """Run samples (axis 0) and return every output for all of them."""
        step = self.batch or BATCH
        run = tf.function(lambda *tensors: self.call(tensors), autograph=False, reduce_retracing=True)
        parts = []
        for start in range(0, len(arrays[0]), step):
            batch = [tf.constant(array[start : start + step]) for array in arrays]
            parts.append([np.asarray(output) for output in run(*batch)])
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def from_keras(model: Any) -> Network:
    """Describe a Keras 3 or tf_keras model.

    Raises:
        InputError: The model was never built, so its input shapes are unknown.
        ConversionError: A dimension other than the batch is unknown.
    """
    inputs = _symbolic_inputs(model)
    symbols = [tf.TensorSpec(tuple(t.shape), t.dtype) for t in inputs]
    outputs = tf.nest.flatten(model.outputs) if getattr(model, "outputs", None) else _trace(model, symbols)
    structure = getattr(model, "input", None) if getattr(model, "inputs", None) else None

    def call(tensors: Sequence[Any]) -> list[Any]:
        arguments: Any = list(tensors) if len(tensors) > 1 else tensors[0]
        if isinstance(structure, dict):
            arguments = tf.nest.pack_sequence_as(structure, list(tensors))
        return list(tf.nest.flatten(model(arguments, training=False)))

    return Network(
        inputs=tuple(_spec(n, t, "input") for n, t in zip(_names(model, "input", inputs), inputs, strict=True)),
        outputs=tuple(_spec(n, t, "output") for n, t in zip(_names(model, "output", outputs), outputs, strict=True)),
        call=call,
        owner=[v if isinstance(v, tf.Variable) else v.value for v in model.variables],
        keras_model=model,
    )


def _names(model: Any, end: str, tensors: Sequence[Any]) -> list[str]:
    """Name the inputs or outputs as the model does; numbered where it has no names, or one twice."""
    structure = getattr(model, end, None) if getattr(model, f"{end}s", None) else None
    if isinstance(structure, dict):
        names = sorted(structure)  # the order in which both Keras and TensorFlow flatten it
    else:
        # Keras 3 names the ends of functional models only; those of others are named after the layers they come from.
        names = list(getattr(model, f"{end}_names", None) or [_layer_of(t) for t in tensors])
    names = [re.sub(r"[:/]", "_", name) for name in names]
    if all(names) and len(names) == len(tensors) == len(set(names)):
        return names
    return [end] if len(tensors) == 1 else [f"{end}_{i}" for i in range(len(tensors))]


def _layer_of(tensor: Any) -> str:
    operation = getattr(getattr(tensor, "_keras_history", None), "operation", None)
    return str(operation.name) if operation is not None else ""


def _symbolic_inputs(model: Any) -> list[Any]:
    inputs = getattr(model, "inputs", None)
    if inputs:
        return list(tf.nest.flatten(inputs))
    # A subclassed model that was built or called remembers the shapes it saw.
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    if len(shapes) == 1 and getattr(model, "built", False):
        (shape,) = shapes.values()
        return [tf.TensorSpec((None, *shape[1:]), model.compute_dtype, name="input")]
    raise InputError(
        f"the model {getattr(model, 'name', '')!r} has no input shape yet: call it on an example, or begin it with "
        "keras.Input(shape)"
    )


def _trace(model: Any, symbols: list[Any]) -> list[Any]:
    function = tf.function(lambda *tensors: model(tensors[0], training=False), input_signature=symbols, autograph=False)
    return list(tf.nest.flatten(function.get_concrete_function().structured_outputs))


def from_saved_model(
    loaded: Any, input_names: Sequence[str] = (), output_names: Sequence[str] = (), where: str = ""
) -> Network:
    """Describe a SavedModel by its serving signature.

    ``input_names`` and ``output_names`` give the order of the model's inputs and outputs where it is known: a
    signature has none, and lists them by name.

    Raises:
        InputError: There is no signature to call.
        ConversionError: A dimension other than the batch is unknown.
    """
    signatures = dict(loaded.signatures)
    function = signatures.get("serving_default") or (next(iter(signatures.values())) if signatures else None)
    if function is None:
        raise InputError(
            f"the SavedModel {where} has no signature; export it with model.export(path), or give Midge the .keras file"
        )
    takes: dict[str, Any] = function.structured_input_signature[1]
    gives: dict[str, Any] = function.structured_outputs
    names = list(input_names or takes)
    results = list(output_names or gives)
    batches = {spec.shape[0] for spec in takes.values() if spec.shape.rank}

    def call(tensors: Sequence[Any]) -> list[Any]:
        outputs = function(**dict(zip(names, tensors, strict=True)))
        return [outputs[name] for name in results]

    return Network(
        inputs=tuple(_spec(name, takes[name], "input") for name in names),
        outputs=tuple(_spec(name, gives[name], "output") for name in results),
        call=call,
        owner=loaded,
        batch=next((int(b) for b in batches if b is not None), None),
    )


def _spec(name: str, tensor: Any, what: str) -> TensorSpec:
    shape = tuple(tensor.shape)
    if len(shape) == 0 or any(n is None for n in shape[1:]):
        raise ConversionError(
            f"{what} {name!r} has the shape {shape}: every dimension but the batch must be known; build the model "
            "with a fixed input shape"
        )
    return TensorSpec(name, tuple(int(n) for n in shape[1:]), tf.as_dtype(tensor.dtype).name)
