"""A smaller model from a model: its layers anew from their edited configurations, with what stays of their weights.

Imports Keras.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from midge.converter.prune.analysis import grouped, trace_model
from midge.converter.prune.blocks import blocks_by_name
from midge.converter.prune.channels import Ids
from midge.converter.prune.keras_graph import calls, functional, is_kind, is_model, join, layers_by_path, parts
from midge.converter.prune.rules import rule_for
from midge.converter.prune.trace import Trace
from midge.runtime.errors import ConversionError, InputError

# Arguments of Keras's layers that are functions or objects, which may be a user's own.
_OBJECTS = ("activation", "initializer", "regularizer", "constraint")


def remove_channels(model: Any, keep: Mapping[str, Sequence[int]]) -> Any:
    """Return a model without some of its channels.

    Args:
        model: A functional or sequential Keras 3 model; it is left alone.
        keep: By the name of a group (`find_groups`), which of its channels stay, from 0; at least one. Their order does
            not matter. Groups that are not named stay whole.

    Returns:
        A model of the same class with the same layers and names, not compiled. It computes bit for bit what ``model``
        does if everything stays, and the same up to the order of float additions if nothing read the channels that went
        (their slices in `Group.consumes` are zero).

    Raises:
        InputError: There is no such group, or it has no such channels.
        ConversionError: A layer cannot be rebuilt from its configuration, or as `find_groups`.
    """
    trace = trace_model(model)
    known = {group.name: (group.size, members) for group, members in grouped(trace)}
    gone: set[int] = set()
    for name, stay in keep.items():
        if name not in known:
            raise InputError(f"there is no group of channels {name!r} in {model.name!r}; expected one of {list(known)}")
        size, members = known[name]
        if len(stay) == 0 or len(set(stay)) < len(stay) or not all(0 <= k < size for k in stay):
            raise InputError(
                f"the channels to keep of the group {name!r} are {list(stay)}; expected at least one of 0 to "
                f"{size - 1}, none twice"
            )
        gone.update(members[k] for k in set(range(size)) - {int(k) for k in stay})
    return _Rebuild(trace, gone, {}).top(model)


def remove_blocks(model: Any, names: Collection[str]) -> Any:
    """Return a model without some of its residual branches (`find_blocks`), by name; ``model`` is left alone.

    The shortcut takes the place of the addition; layers that are then used nowhere are gone.

    Raises:
        InputError: There is no such block.
        ConversionError: A layer cannot be rebuilt from its configuration, or as `find_groups`.
    """
    trace = trace_model(model)
    known = blocks_by_name(model)
    for name in names:
        if name not in known:
            raise InputError(f"there is no block {name!r} in {model.name!r}; expected one of {list(known)}")
    return _Rebuild(trace, set(), {name: known[name].shortcut for name in names}).top(model)


class _Rebuild:
    """One rebuilding of a model without the channels ``gone`` and with each addition of ``replaced`` its operand."""

    def __init__(self, trace: Trace, gone: set[int], replaced: Mapping[str, int]) -> None:
        self._trace = trace
        self._gone = np.array(sorted(gone), dtype=np.int64)
        self._replaced = replaced
        self._paths: dict[int, str] = {}
        self._made: dict[int, Any] = {}
        self._pairs: list[tuple[Any, Any]] = []

    def top(self, model: Any) -> Any:
        """Rebuild the model itself."""
        self._paths = {id(layer): path for path, layer in layers_by_path(model).items()}
        new = self._model(model, "")
        if new.trainable != model.trainable:
            new.trainable = model.trainable
        for old_layer, new_layer in self._pairs:
            self._copy_weights(old_layer, new_layer)
            _copy_trainable(old_layer, new_layer)
        return new

    def _model(self, model: Any, path: str) -> Any:
        import keras

        graph = functional(model)
        tensors: dict[int, Any] = {id(tensor): self._input(tensor, path, k) for k, tensor in enumerate(graph.inputs)}
        inputs = keras.tree.map_structure(lambda t: tensors[id(t)], graph.input)
        if is_kind(model, "Sequential"):
            first = inputs[0] if isinstance(inputs, list) else inputs
            new = type(model)(name=model.name)
            for layer in (first, *[self._operation(layer) for layer in model.layers]):
                new.add(layer, rebuild=False)
            new.build(first.shape)
            return new
        for node in self._needed(model, path):
            operation = node.operation
            where = join(path, operation.name)
            if where in self._replaced:
                shortcut = node.input_tensors[self._replaced[where]]
                tensors[id(node.outputs[0])] = tensors[id(shortcut)]
                continue
            args, kwargs = node.arguments.fill_in(tensors)
            outputs = keras.tree.flatten(self._operation(operation)(*args, **kwargs))
            tensors.update((id(old), new) for old, new in zip(node.outputs, outputs, strict=True))
        outputs = keras.tree.map_structure(lambda t: tensors[id(t)], graph.output)
        return _construct(model, inputs, outputs)

    def _needed(self, model: Any, path: str) -> list[Any]:
        """The calls that the outputs still need once the replaced additions take one operand only."""
        needed = {id(tensor) for tensor in functional(model).outputs}
        found = []
        for node in reversed(calls(model)):
            if not any(id(tensor) in needed for tensor in node.outputs):
                continue
            operand = self._replaced.get(join(path, node.operation.name))
            sources = node.input_tensors if operand is None else [node.input_tensors[operand]]
            needed.update(id(tensor) for tensor in sources)
            found.append(node)
        return found[::-1]

    def _input(self, tensor: Any, path: str, k: int) -> Any:
        import keras

        config = tensor._keras_history.operation.get_config()
        config["batch_shape"] = list(tensor.shape)
        width = self._width(path, f"input {k}")
        if width is not None:
            config["batch_shape"][-1] = width
        return keras.layers.InputLayer.from_config(config).output

    def _operation(self, operation: Any) -> Any:
        """Return a layer or operation made anew, without its weights as yet; the same for every call of it."""
        if id(operation) not in self._made:
            new = self._make(operation)
            self._made[id(operation)] = new
            if not is_model(operation) and new is not operation:
                self._pairs.append((operation, new))
        return self._made[id(operation)]

    def _make(self, operation: Any) -> Any:
        if is_model(operation):
            return self._model(operation, self._paths[id(operation)])
        if not parts(operation):
            return self._make_plain(operation)
        config = operation.get_config()
        keys = ("layer", "backward_layer")[: len(parts(operation))]
        for key, inner in zip(keys, parts(operation), strict=True):
            config[key] = self._make(inner)
        return type(operation)(**_arguments(config))

    def _make_plain(self, operation: Any) -> Any:
        path = self._paths[id(operation)]
        try:
            config = operation.get_config()
            rule = rule_for(operation)
            if rule is not None and len(self._gone) and path not in self._trace.unknown:
                rule.resize(config, lambda name, axis=None: self._width(path, name, axis))
            new = _from_config(operation, config)
        except Exception as error:  # a user's own layers raise anything
            if not getattr(operation, "variables", None):
                return operation  # without weights the two models may share it
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ConversionError(
                f"the layer {path!r} of class {type(operation).__name__} cannot be rebuilt from its configuration, as "
                f"pruning does ({lines[-1][:200]}): give it get_config() and from_config() that make it anew"
            ) from error
        if new.name != operation.name:
            new.name = operation.name
        return new

    def _width(self, path: str, name: str, axis: int | None = None) -> int | None:
        ids = self._ids(path, name, axis)
        return None if ids is None else int(self._stays(ids).sum())

    def _ids(self, path: str, name: str, axis: int | None) -> Ids | None:
        if axis is None:
            return self._trace.widths.get((path, name))
        found = self._trace.axes.get((path, name, axis))
        return None if found is None else found.ids

    def _stays(self, ids: Ids) -> Any:
        return ~np.isin(self._trace.channels.roots(ids), self._gone)

    def _copy_weights(self, old: Any, new: Any) -> None:
        if parts(old):
            for inner_old, inner_new in zip(parts(old), parts(new), strict=True):
                if not is_model(inner_old):
                    self._copy_weights(inner_old, inner_new)
            return
        path = self._paths[id(old)]
        for source, target in zip(getattr(old, "variables", ()), getattr(new, "variables", ()), strict=True):
            value = np.asarray(source)
            for axis in range(value.ndim):
                ids = self._ids(path, source.name, axis)
                if ids is not None and len(self._gone):
                    value = np.compress(self._stays(ids), value, axis=axis)
            target.assign(value)
        if hasattr(new, "finalize_state"):
            new.finalize_state()  # preprocessing layers compute constants from their variables


def _copy_trainable(old: Any, new: Any) -> None:
    """Freeze what is frozen; setting the flag of a layer sets those of all in it."""
    if getattr(old, "trainable", None) != getattr(new, "trainable", None):
        new.trainable = old.trainable
    for inner_old, inner_new in zip(parts(old), parts(new), strict=True):
        if not is_model(inner_old):
            _copy_trainable(inner_old, inner_new)


def _from_config(operation: Any, config: dict[str, Any]) -> Any:
    """Make a layer from its configuration; functions that Keras cannot find by their names are taken from the layer."""
    try:
        return type(operation).from_config(config)
    except Exception:
        own = {key: getattr(operation, key) for key in config if key.endswith(_OBJECTS) and hasattr(operation, key)}
        if not own:
            raise
        return type(operation).from_config({**config, **own})


def _arguments(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as constructor arguments: the type policy as Keras's own `from_config` would take it."""
    import keras

    if isinstance(config.get("dtype"), dict):
        config["dtype"] = keras.dtype_policies.deserialize(config["dtype"])
    return config


def _construct(model: Any, inputs: Any, outputs: Any) -> Any:
    """Make a model of the same class, or a plain one where that class cannot be made from inputs and outputs."""
    import keras

    try:
        return type(model)(inputs=inputs, outputs=outputs, name=model.name)
    except TypeError:
        return keras.Model(inputs=inputs, outputs=outputs, name=model.name)
