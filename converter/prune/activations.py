"""Computing a model call by call, to see the tensors in which channels travel. Works inside a gradient tape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from midge.converter.prune.keras_graph import calls, check_model, functional, is_model, layers_by_path, nested_inputs

Seen = dict[tuple[str, int, int], Any]
"""Tensors by the path of the layer that returned them, the number of its call and the number of the output."""


def run(model: Any, inputs: Sequence[Any], training: bool = False) -> tuple[list[Any], Seen]:
    """Run a model and keep what every call returns.

    Args:
        model: A functional or sequential Keras 3 model.
        inputs: One tensor per input, batch first, in the order of ``model.inputs``.
        training: Passed to the layers that ask for it.

    Returns:
        The outputs in the order of ``model.outputs``, and every tensor by ``(layer, call, output)`` as a `Carrier`
        names it.

    Raises:
        ConversionError: The model is subclassed, or one of tf_keras.
        InputError: It is no Keras model, or was never built.
    """
    check_model(model)
    return _Run(model, training).model(model, inputs)


class _Run:
    def __init__(self, model: Any, training: bool) -> None:
        self._paths = {id(layer): path for path, layer in layers_by_path(model).items()}
        self._training = training
        self._visits: dict[str, int] = defaultdict(int)
        self._seen: Seen = {}

    def model(self, model: Any, inputs: Sequence[Any]) -> tuple[list[Any], Seen]:
        import keras

        graph = functional(model)
        known = {id(symbol): tensor for symbol, tensor in zip(graph.inputs, inputs, strict=True)}
        for node in calls(model):
            layer = node.operation
            symbols = nested_inputs(layer, node) if is_model(layer) else None
            if symbols is not None:
                outputs, _ = self.model(layer, [known[id(symbol)] for symbol in symbols])
            else:
                args, kwargs = node.arguments.fill_in(known)
                if getattr(layer, "_call_has_training_arg", False):
                    kwargs["training"] = self._training
                outputs = keras.tree.flatten(layer(*args, **kwargs))
                path = self._paths[id(layer)]
                for k, tensor in enumerate(outputs):
                    self._seen[path, self._visits[path], k] = tensor
                self._visits[path] += 1
            known.update((id(symbol), tensor) for symbol, tensor in zip(node.outputs, outputs, strict=True))
        return [known[id(symbol)] for symbol in graph.outputs], self._seen
