"""The calls of a Keras model in one list, those of nested models in their places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from midge.converter.prune.keras_graph import calls, functional, is_model, layers_by_path, nested_inputs
from midge.converter.prune.trace import Shape


@dataclass(frozen=True)
class FlatCall:
    """One call of a layer that is no model itself.

    ``visit`` counts the layer's calls from 0, as a `Carrier` does. ``inputs`` and ``outputs`` are numbers of tensors,
    equal where two calls use the same one; the shapes have the batch first.
    """

    path: str
    layer: Any
    visit: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class FlatModel:
    """All calls in an order in which they can be computed; ``inputs`` and ``outputs`` number the model's tensors."""

    calls: tuple[FlatCall, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def flatten(model: Any) -> FlatModel:
    """List the calls of a functional or sequential Keras 3 model."""
    walk = _Walk(model)
    inputs = walk.new(len(functional(model).inputs))
    outputs = walk.model(model, inputs)
    return FlatModel(tuple(walk.found), inputs, tuple(outputs))


class _Walk:
    def __init__(self, model: Any) -> None:
        self.found: list[FlatCall] = []
        self._paths = {id(layer): path for path, layer in layers_by_path(model).items()}
        self._visits: dict[str, int] = defaultdict(int)
        self._tensors = 0

    def new(self, count: int) -> tuple[int, ...]:
        """Number further tensors."""
        self._tensors += count
        return tuple(range(self._tensors - count, self._tensors))

    def model(self, model: Any, inputs: Sequence[int]) -> list[int]:
        graph = functional(model)
        known = {id(symbol): number for symbol, number in zip(graph.inputs, inputs, strict=True)}
        for node in calls(model):
            layer, path = node.operation, self._paths[id(node.operation)]
            arrived = tuple(known[id(symbol)] for symbol in node.input_tensors)
            symbols = nested_inputs(layer, node) if is_model(layer) else None
            if symbols is not None:
                outputs = self.model(layer, [known[id(symbol)] for symbol in symbols])
            else:
                outputs = list(self.new(len(node.outputs)))
                shapes = [tuple(tuple(t.shape) for t in tensors) for tensors in (node.input_tensors, node.outputs)]
                visit = self._visits[path]
                self.found.append(FlatCall(path, layer, visit, arrived, tuple(outputs), shapes[0], shapes[1]))
                self._visits[path] += 1
            known.update((id(symbol), number) for symbol, number in zip(node.outputs, outputs, strict=True))
        return [known[id(symbol)] for symbol in graph.outputs]
