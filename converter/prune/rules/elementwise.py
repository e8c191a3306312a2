"""What leaves the channels where they are, combines them position by position, or lays them side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from midge.converter.prune.channels import Ids
from midge.converter.prune.rules.rule import Rule, Width
from midge.converter.prune.trace import Call, Trace


def _spread_same(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Each channel of the output comes from the same channel of the only input."""
    if call.channels_first:
        return trace.give_up(call, inputs, f"{call.path!r} has its channels first")
    if call.outputs[0][-1] != len(inputs[0]):
        return trace.give_up(call, inputs, f"{call.path!r} changes the number of channels")
    return [inputs[0] for _ in call.outputs]


def _spread_combine(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Operands are united; one of width 1 is spread over the others' channels and has to stay."""
    width = call.outputs[0][-1]
    whole = [ids for ids in inputs if len(ids) == width]
    if not whole or any(len(ids) not in (1, width) for ids in inputs):
        return trace.give_up(call, inputs, f"{call.path!r} combines tensors of different widths")
    reason = f"{call.path!r} spreads it over all channels"
    for ids in inputs:
        if len(ids) != width:
            trace.channels.fix(ids, reason)
    for ids in whole[1:]:
        trace.channels.unite(whole[0], ids)
    if any(_last(constant) > 1 for constant in _constants(call)):
        # A constant for every channel is written into the graph, not into a variable.
        trace.channels.fix(whole[0], f"{call.path!r} combines them with a constant of one value per channel")
    return [whole[0]]


def _constants(call: Call) -> list[Any]:
    """The arrays among the arguments; tensors of the graph have no values, and numbers no shape."""
    found: list[Any] = []
    waiting: list[Any] = [call.args, call.kwargs or {}]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
            numbers = [x for x in item if isinstance(x, (int, float)) and not isinstance(x, bool)]
            if len(numbers) > 1:
                found.append(np.array(numbers))
        elif hasattr(item, "shape") and not hasattr(item, "_keras_history"):
            found.append(item)
    return found


def _last(array: Any) -> int:
    return int(array.shape[-1]) if len(array.shape) else 1


def _spread_concatenate(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    rank = len(call.inputs[0])
    if call.layer.axis % rank == rank - 1:
        return [np.concatenate(inputs)]
    for ids in inputs[1:]:
        trace.channels.unite(inputs[0], ids)
    return [inputs[0]]


def _spread_rescaling(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    if np.ndim(call.layer.scale) or np.ndim(call.layer.offset):
        return trace.give_up(call, inputs, f"{call.path!r} has one scale per channel")
    return [inputs[0]]


def _spread_reduction(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """A mean, a maximum and so on over other axes than the last."""
    rank, axis = len(call.inputs[0]), call.layer.axis
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    if any(a is None or a % rank == rank - 1 for a in axes) or len(call.outputs[0]) < 2:
        return trace.give_up(call, inputs, f"{call.path!r} reduces over the channels")
    return _spread_same(trace, call, inputs)


def _spread_split(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    rank = len(call.inputs[0])
    if call.layer.axis % rank != rank - 1:
        return [inputs[0] for _ in call.outputs]
    ends = np.cumsum([shape[-1] for shape in call.outputs])
    pieces = np.split(inputs[0], ends[:-1])
    for k, ids in enumerate(pieces):
        trace.tie(call.path, f"piece {k}", ids)
    return list(pieces)


def _resize_split(config: dict[str, Any], width: Width) -> None:
    widths: list[int] = []
    while (piece := width(f"piece {len(widths)}")) is not None:
        widths.append(piece)
    if widths:
        config["indices_or_sections"] = np.cumsum(widths)[:-1].tolist()


SAME = Rule(_spread_same)
COMBINE = Rule(_spread_combine)
CONCATENATE = Rule(_spread_concatenate)
RESCALING = Rule(_spread_rescaling)
REDUCTION = Rule(_spread_reduction)
SPLIT = Rule(_spread_split, _resize_split)
