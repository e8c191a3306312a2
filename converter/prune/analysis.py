"""Which channels of a model may be removed, and why the others may not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from midge.converter.prune.channels import Ids
from midge.converter.prune.groups import Carrier, Group, Slice
from midge.converter.prune.keras_graph import (
    calls,
    check_model,
    functional,
    is_kind,
    is_model,
    layers_by_path,
    leaves,
    nested_inputs,
    parts,
)
from midge.converter.prune.rules import rule_for
from midge.converter.prune.trace import Call, Passage, Shape, Trace

_TIED = {
    "MultiHeadAttention": "its heads tie its channels together",
    "GroupedQueryAttention": "its heads tie its channels together",
    "Attention": "it compares its inputs over all their channels",
    "AdditiveAttention": "it compares its inputs over all their channels",
    "LayerNormalization": "it takes its statistics over all channels",
    "RMSNormalization": "it takes its statistics over all channels",
    "GroupNormalization": "it takes its statistics over several channels",
    "UnitNormalization": "it takes its statistics over all channels",
    "SpectralNormalization": "it scales its kernel by a norm of all channels",
    "Lambda": "it runs Python code that cannot be looked into",
}


def find_groups(model: Any) -> list[Group]:
    """Return the groups of channels that may be removed from a Keras 3 model, in the order of the graph.

    The channels of the model's inputs and outputs are never among them, nor what no rule of `rules` covers.

    Raises:
        ConversionError: The model is subclassed, or one of tf_keras.
        InputError: It is no Keras model, or was never built.
    """
    return [group for group, _ in grouped(trace_model(model))]


def unprunable(model: Any) -> dict[str, str]:
    """Return why no channel can be removed of a layer, for every such layer that has weights; by path.

    Raises:
        ConversionError, InputError: As `find_groups`.
    """
    trace = trace_model(model)
    free = {part.layer for group, _ in grouped(trace) for part in group.produces}
    reasons: dict[str, str] = {}
    for path, layer in leaves(model).items():
        if path in free or not getattr(layer, "weights", None):
            continue
        produced = [axis.ids for (owner, _, _), axis in trace.axes.items() if owner == path and axis.produces]
        fixed = (trace.channels.reason(int(ids[0])) for ids in produced if len(ids))
        known = [reason for reason in fixed if reason is not None]
        if known:
            reasons[path] = known[0]
        elif produced:
            reasons[path] = "it has a single channel, and one has to stay"
        else:
            reasons[path] = trace.unknown.get(path) or _above(trace, path) or "it computes no channels"
    return reasons


def _above(trace: Trace, path: str) -> str | None:
    """Why the layers inside a wrapper or a nested model were given up, if they were."""
    while "/" in path:
        path = path.rpartition("/")[0]
        if path in trace.unknown:
            return trace.unknown[path]
    return None


def trace_model(model: Any) -> Trace:
    """Follow the channels through a whole model."""
    check_model(model)
    trace = Trace()
    graph = functional(model)
    inputs = [trace.fixed(tensor.shape, f"it is the model's input {tensor.name!r}") for tensor in graph.inputs]
    for ids in _Walk(trace, model).model(model, inputs):
        if ids is not None:
            trace.channels.fix(ids, "its output is an output of the model", foremost=True)
    return trace


class _Walk:
    """Applies the rules call by call."""

    def __init__(self, trace: Trace, model: Any) -> None:
        self._trace = trace
        self._paths = {id(layer): path for path, layer in layers_by_path(model).items()}
        self._visits: dict[str, int] = defaultdict(int)
        self._hidden = 0

    def model(self, model: Any, inputs: Sequence[Ids | None]) -> list[Ids | None]:
        """Follow channels through a model, nested or not."""
        graph = functional(model)
        known: dict[int, Ids | None] = {id(t): ids for t, ids in zip(graph.inputs, inputs, strict=True)}
        for node in calls(model):
            layer = node.operation
            call = Call(
                path=self._paths[id(layer)],
                layer=layer,
                inputs=tuple(tuple(t.shape) for t in node.input_tensors),
                outputs=tuple(tuple(t.shape) for t in node.outputs),
                args=node.arguments.args,
                kwargs=node.arguments.kwargs,
            )
            arrived = [known[id(t)] for t in node.input_tensors]
            if is_model(layer):
                left = self._nested(call, node, known, arrived)
            else:
                left = self.call(call, arrived)
                self._note(call.path, left)
            known.update((id(t), ids) for t, ids in zip(node.outputs, left, strict=True))
        return [known[id(t)] for t in graph.outputs]

    def call(self, call: Call, inputs: Sequence[Ids | None]) -> list[Ids | None]:
        """Apply the rule of one call."""
        trace, layer = self._trace, call.layer
        if is_kind(layer, "TimeDistributed"):
            return self._time_distributed(call, inputs)
        if is_kind(layer, "Bidirectional"):
            return self._bidirectional(call, inputs)
        rule = rule_for(layer)
        if rule is None:
            why = _TIED.get(call.kind, f"how it treats its channels is not known (class {call.kind})")
            return trace.give_up(call, inputs, f"{call.path!r}: {why}")
        if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
            return trace.give_up(call, inputs, f"{call.path!r} is quantized by Keras or has LoRA weights")
        if call.channels_first:
            return trace.give_up(call, inputs, f"{call.path!r} has its channels first (data_format)")
        if call.kind == "Embedding":
            return rule.spread(trace, call, [ids for ids in inputs if ids is not None])
        known = [ids for ids in inputs if ids is not None]
        if len(known) < len(inputs) or not known:
            return trace.give_up(call, inputs, f"{call.path!r} has an input without a last axis of known width")
        return rule.spread(trace, call, known)

    def _nested(
        self, call: Call, node: Any, known: dict[int, Ids | None], arrived: Sequence[Ids | None]
    ) -> list[Ids | None]:
        tensors = nested_inputs(call.layer, node)
        if tensors is None:
            return self._trace.give_up(call, arrived, f"{call.path!r} is called with inputs unlike its own")
        return self._tied_model(call, [known[id(t)] for t in tensors])

    def _tied_model(self, call: Call, inputs: Sequence[Ids | None]) -> list[Ids | None]:
        for k, ids in enumerate(inputs):
            if ids is not None:
                self._trace.tie(call.path, f"input {k}", ids)
        return self.model(call.layer, inputs)

    def _time_distributed(self, call: Call, inputs: Sequence[Ids | None]) -> list[Ids | None]:
        """The inner layer sees the same tensors without the time axis."""
        (inner,) = parts(call.layer)
        if len(inputs) != 1 or len(call.outputs) != 1:
            return self._trace.give_up(call, inputs, f"{call.path!r} has several inputs or outputs")
        within = Call(
            self._paths[id(inner)], inner, tuple(map(_no_time, call.inputs)), tuple(map(_no_time, call.outputs))
        )
        self._hidden += 1
        if is_model(inner):
            (tensor,) = functional(inner).inputs
            if tuple(tensor.shape[1:]) != within.inputs[0][1:]:
                left = self._trace.give_up(call, inputs, f"{call.path!r} is called with inputs unlike its own")
            else:
                left = self._tied_model(within, inputs)
        else:
            left = self.call(within, inputs)
        self._hidden -= 1
        return left

    def _bidirectional(self, call: Call, inputs: Sequence[Ids | None]) -> list[Ids | None]:
        """The two directions keep equal widths, as the shape that Keras infers demands."""
        trace, layer = self._trace, call.layer
        directions = parts(layer)
        if not all(is_kind(inner, "SimpleRNN", "GRU", "LSTM") and rule_for(inner) for inner in directions):
            return trace.give_up(call, inputs, f"{call.path!r} wraps layers whose units are not known")
        states = (len(inputs) - 1) // 2
        units: list[Ids] = []
        for k, inner in enumerate(directions):
            own = slice(1 + k * states, 1 + (k + 1) * states)
            within = replace(
                call,
                path=self._paths[id(inner)],
                layer=inner,
                inputs=(call.inputs[0], *call.inputs[own]),
                outputs=((None, inner.cell.units),),
            )
            found = self.call(within, [inputs[0], *inputs[own]])[0]
            assert found is not None
            units.append(found)
        if len(units[0]) != len(units[1]):
            return trace.give_up(call, [*inputs, *units], f"{call.path!r} has directions of unequal width")
        trace.channels.unite(*units)
        merged = [np.concatenate(units)] if layer.merge_mode == "concat" else units[: 1 if layer.merge_mode else 2]
        return [*merged, *[units[0] for _ in call.outputs[len(merged) :]]]

    def _note(self, path: str, outputs: Sequence[Ids | None]) -> None:
        visit = self._visits[path]
        self._visits[path] += 1
        self._trace.passages.extend(
            Passage(path, visit, k, ids, not self._hidden) for k, ids in enumerate(outputs) if ids is not None
        )


def _no_time(shape: Shape) -> Shape:
    return (shape[0], *shape[2:])


def grouped(trace: Trace) -> Iterator[tuple[Group, list[int]]]:
    """Put channels together that appear in the same places; yield each group with its channels' numbers.

    Every tensor is thus made of whole groups (and of what has to stay), and none can lose all of its channels while
    each group keeps one.
    """
    axes = {key: _positions(trace, axis.ids) for key, axis in trace.axes.items()}
    passages = [_positions(trace, passage.ids) for passage in trace.passages]
    places: dict[int, list[int]] = defaultdict(list)
    for number, positions in enumerate([*axes.values(), *passages]):
        for channel in positions:
            places[channel].append(number)
    together: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for channel, where in places.items():
        if trace.channels.reason(channel) is None:
            together[tuple(where)].append(channel)

    names: dict[str, int] = defaultdict(int)
    for members in together.values():
        if len(members) < 2:
            continue
        produces: list[Slice] = []
        consumes: list[Slice] = []
        for (path, variable, axis), positions in axes.items():
            if members[0] in positions:
                part = Slice(path, variable, axis, tuple(positions[channel] for channel in members))
                (produces if trace.axes[path, variable, axis].produces else consumes).append(part)
        carriers = tuple(
            Carrier(p.layer, p.call, p.output, tuple(positions[channel] for channel in members))
            for p, positions in zip(trace.passages, passages, strict=True)
            if p.visible and members[0] in positions
        )
        first = produces[0].layer
        names[first] += 1
        name = first if names[first] == 1 else f"{first}#{names[first]}"
        yield Group(name, len(members), tuple(produces), tuple(consumes), carriers), members


def _positions(trace: Trace, ids: Ids) -> dict[int, tuple[int, ...]]:
    """Return the positions of every channel of an axis."""
    found: dict[int, list[int]] = defaultdict(list)
    for position, channel in enumerate(trace.channels.roots(ids).tolist()):
        found[channel].append(position)
    return {channel: tuple(positions) for channel, positions in found.items()}
