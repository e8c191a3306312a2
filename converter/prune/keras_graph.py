"""Reading the graph of a Keras 3 model: its calls in order, its layers by path, nested models and wrappers included.

It looks at Keras's objects without importing Keras.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from midge.runtime.errors import ConversionError, InputError


def check_model(model: Any) -> None:
    """Refuse what has no graph of layers.

    Raises:
        ConversionError: It is a model of tf_keras or a subclassed one.
        InputError: It is not a Keras model, or was never built.
    """
    if any(base.__module__.startswith("tf_keras") for base in type(model).__mro__):
        raise ConversionError(
            f"the model {model.name!r} is one of Keras 2 (tf_keras), whose graph cannot be pruned: save it as .h5 and "
            "load it with Keras 3 (keras.models.load_model), or build it with Keras 3 and set its weights"
        )
    if not any(base.__module__.startswith("keras.") and base.__name__ == "Model" for base in type(model).__mro__):
        raise InputError(f"expected a Keras model, got {type(model).__name__}")
    for path, inner in _models(model, ""):
        if not is_kind(inner, "Functional", "Sequential"):
            where = f"the model {inner.name!r}" if not path else f"the model {path!r} inside {model.name!r}"
            raise ConversionError(
                f"{where} is a subclass of keras.Model, whose layers are called from Python code: build it from "
                "keras.Input with the functional API, or as keras.Sequential"
            )
        if is_kind(inner, "Sequential") and inner._functional is None:
            raise InputError(
                f"the model {inner.name!r} has no input shape yet: begin it with keras.Input(shape), or call it on an "
                "example"
            )


def _models(model: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the model and those nested in it that have a graph, one level at a time."""
    yield path, model
    if is_kind(model, "Functional", "Sequential"):
        for layer in model.layers:
            if is_kind(layer, "Functional", "Sequential"):
                yield from _models(layer, join(path, layer.name))


def is_kind(thing: Any, *names: str) -> bool:
    """Whether it is one of Keras's own classes of these names, or of a class derived from it."""
    return any(base.__module__.startswith("keras.src.") and base.__name__ in names for base in type(thing).__mro__)


def is_model(operation: Any) -> bool:
    """Whether a layer is itself a model with a graph."""
    return is_kind(operation, "Functional", "Sequential")


def join(path: str, name: str) -> str:
    """Return the path of ``name`` inside the model or wrapper at ``path``; the outermost model's is empty."""
    return f"{path}/{name}" if path else str(name)


def functional(model: Any) -> Any:
    """Return what holds the graph of a functional or sequential model."""
    return model._functional if is_kind(model, "Sequential") else model


def calls(model: Any) -> list[Any]:
    """Return the calls (Keras calls them nodes) of a model in an order in which they can be computed.

    Only those are in it that the outputs need; creating an input is none.
    """
    graph = functional(model)
    ordered = [
        node
        for depth in sorted(graph._nodes_by_depth, reverse=True)
        for node in graph._nodes_by_depth[depth]
        if node.operation is not None and not node.is_input
    ]
    needed = {id(tensor) for tensor in graph.outputs}
    wanted = []
    for node in reversed(ordered):
        if any(id(tensor) in needed for tensor in node.outputs):
            needed.update(id(tensor) for tensor in node.input_tensors)
            wanted.append(node)
    return wanted[::-1]


def nested_inputs(model: Any, node: Any) -> list[Any] | None:
    """Return the tensors of a call of a nested model in the order of the model's inputs; None if that is unclear."""
    graph = functional(model)
    given = node.arguments.args[0] if node.arguments.args else None
    tensors = list(node.input_tensors)
    if isinstance(given, dict) and not isinstance(graph._inputs_struct, dict):
        if set(given) != {tensor.name for tensor in graph.inputs}:
            return None
        tensors = [given[tensor.name] for tensor in graph.inputs]
    if len(tensors) != len(graph.inputs):
        return None
    if any(a.shape[1:] != b.shape[1:] for a, b in zip(tensors, graph.inputs, strict=True)):
        return None
    return tensors


def parts(layer: Any) -> list[Any]:
    """Return the layers inside a wrapper whose structure is known; empty for any other layer."""
    if is_kind(layer, "TimeDistributed"):
        return [layer.layer]
    if is_kind(layer, "Bidirectional"):
        return [layer.forward_layer, layer.backward_layer]
    return []


def layers_by_path(model: Any) -> dict[str, Any]:
    """Return every layer, operation and nested model below a model by its path, each once.

    One that is in several nested models has the path at which it is met first.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()
    waiting = [(join("", inner.name), inner) for inner in functional(model).operations]
    while waiting:
        path, layer = waiting.pop(0)
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        found[path] = layer
        inside = functional(layer).operations if is_model(layer) else parts(layer)
        waiting.extend((join(path, inner.name), inner) for inner in inside)
    return found


def leaves(model: Any) -> dict[str, Any]:
    """Return the layers and operations that have no others in them, by path."""
    everything = layers_by_path(model)
    return {path: layer for path, layer in everything.items() if not is_model(layer) and not parts(layer)}


def variables(model: Any) -> dict[tuple[str, str], Any]:
    """Return a model's variables by the path of their layer and their name, as a `Slice` gives them."""
    return {
        (path, variable.name): variable
        for path, layer in leaves(model).items()
        for variable in getattr(layer, "variables", ())
    }


def spatial(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return a shape without its first axis, the batch."""
    return tuple(shape[1:])
