"""What moves elements without computing: flatten, reshape, repeat, permute, slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from midge.converter.prune.channels import Ids
from midge.converter.prune.keras_graph import spatial
from midge.converter.prune.rules.elementwise import SAME
from midge.converter.prune.rules.rule import Rule, Width
from midge.converter.prune.trace import Call, Shape, Trace


def reshape_ids(ids: Ids, before: Shape, after: Shape) -> Ids | None:
    """Return the channels along the last axis when a tensor takes another shape (both without the batch).

    None if a position of the last axis would carry different channels from row to row.
    """
    if before and after and before[-1] == after[-1]:
        return ids
    sizes = [n for n in before if n is not None]
    if len(sizes) < len(before) or None in after or not after:
        return None
    rows = np.broadcast_to(ids, sizes).reshape(-1, int(after[-1] or 1))
    return rows[0].copy() if (rows == rows[0]).all() else None


def _spread_reshape(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    ids = None
    if not call.channels_first and call.outputs[0][0] == call.inputs[0][0]:
        ids = reshape_ids(inputs[0], spatial(call.inputs[0]), spatial(call.outputs[0]))
    if ids is None:
        return trace.give_up(call, inputs, f"{call.path!r} mixes channels with positions")
    trace.tie(call.path, "last", ids)
    return [ids]


def _resize_reshape(config: dict[str, Any], width: Width) -> None:
    last = width("last")
    for key in ("target_shape", "newshape"):
        if key in config and config[key][-1] != -1 and last is not None:
            config[key] = (*config[key][:-1], last)


def _spread_permute(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Permute counts its axes from 1, `keras.ops.transpose` from 0."""
    rank = len(call.inputs[0])
    axes = [0, *call.layer.dims] if hasattr(call.layer, "dims") else list(call.layer.axes or range(rank)[::-1])
    if axes[0] != 0 or axes[-1] % rank != rank - 1:
        return trace.give_up(call, inputs, f"{call.path!r} moves the channels to another axis")
    return [inputs[0]]


def _spread_item(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """``x[key]`` where the key leaves the last axis alone, as in ``x[:, -1]``."""
    given = call.args[1] if len(call.args) > 1 else (call.kwargs or {}).get("key")
    key = list(given) if isinstance(given, (list, tuple)) else [given]
    rest = key.index(Ellipsis) if Ellipsis in key else len(key)
    named = sum(part is not None and part is not Ellipsis for part in key)
    full = [*key[:rest], *[slice(None)] * (len(call.inputs[0]) - named), *key[rest + 1 :]]
    if full[0] != slice(None) or full[-1] != slice(None):
        return trace.give_up(call, inputs, f"{call.path!r} takes some of the channels")
    return SAME.spread(trace, call, inputs)


def _spread_expand(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """`expand_dims` and `squeeze` where the last axis stays the last."""
    rank = max(len(call.inputs[0]), len(call.outputs[0]))
    axis = call.layer.axis
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    if any(a is None or a % rank in (0, rank - 1) for a in axes):
        return trace.give_up(call, inputs, f"{call.path!r} moves the channels to another axis")
    return SAME.spread(trace, call, inputs)


RESHAPE = Rule(_spread_reshape, _resize_reshape)
PERMUTE = Rule(_spread_permute)
ITEM = Rule(_spread_item)
EXPAND = Rule(_spread_expand)
