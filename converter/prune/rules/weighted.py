"""Layers that compute channels from channels: dense, convolutions of every kind, embeddings, batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from midge.converter.prune.channels import Ids
from midge.converter.prune.rules.activation import activate
from midge.converter.prune.rules.rule import Rule, Width
from midge.converter.prune.trace import Call, Trace


def _spread_dense(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Kernel [inputs, units]."""
    trace.own(call, "kernel", 0, inputs[0], produces=False)
    units = trace.produce(call, "kernel", 1)
    trace.own(call, "bias", 0, units, produces=True)
    return activate(trace, call, units)


def _resize_dense(config: dict[str, Any], width: Width) -> None:
    config["units"] = width("kernel", 1)


def _spread_convolution(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Kernel [..., inputs / groups, filters]; filter f belongs to group f // (filters / groups)."""
    channels, groups = inputs[0], call.layer.groups
    rank = len(call.layer.kernel.shape)
    reads, computes = rank - 2, rank - 1
    if groups > 1 and groups == len(channels):
        # One channel per group, a depthwise convolution: the group goes with the channel.
        filters = np.repeat(channels, call.layer.filters // groups)
        trace.own(call, "kernel", computes, filters, produces=True)
        trace.tie(call.path, "groups", channels)
    else:
        # The groups stay and stay equal: the k-th channel of every group goes, or none does.
        rows = channels.reshape(groups, -1)
        filters = trace.produce(call, "kernel", computes)
        columns = filters.reshape(groups, -1)
        for k in range(1, groups):
            trace.channels.unite(rows[0], rows[k])
            trace.channels.unite(columns[0], columns[k])
        trace.own(call, "kernel", reads, rows[0], produces=False)
    trace.own(call, "bias", 0, filters, produces=True)
    return activate(trace, call, filters)


def _resize_convolution(config: dict[str, Any], width: Width) -> None:
    config["filters"] = width("kernel", len(config["kernel_size"]) + 1)
    groups = width("groups")
    if groups is not None:
        config["groups"] = groups


def _spread_transposed(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Kernel [..., filters, inputs]."""
    rank = len(call.layer.kernel.shape)
    trace.own(call, "kernel", rank - 1, inputs[0], produces=False)
    filters = trace.produce(call, "kernel", rank - 2)
    trace.own(call, "bias", 0, filters, produces=True)
    return activate(trace, call, filters)


def _resize_transposed(config: dict[str, Any], width: Width) -> None:
    config["filters"] = width("kernel", len(config["kernel_size"]))


def _spread_depthwise(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Kernel [..., inputs, multiplier]; output channel ``c * multiplier + m``."""
    rank = len(call.layer.kernel.shape)
    trace.own(call, "kernel", rank - 2, inputs[0], produces=True)
    outputs = np.repeat(inputs[0], call.layer.depth_multiplier)
    trace.own(call, "bias", 0, outputs, produces=True)
    return activate(trace, call, outputs)


def _spread_separable(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Depthwise kernel [..., inputs, multiplier], pointwise kernel [..., inputs * multiplier, filters]."""
    rank = len(call.layer.pointwise_kernel.shape)
    trace.own(call, "depthwise_kernel", rank - 2, inputs[0], produces=False)
    between = np.repeat(inputs[0], call.layer.depth_multiplier)
    trace.own(call, "pointwise_kernel", rank - 2, between, produces=False)
    filters = trace.produce(call, "pointwise_kernel", rank - 1)
    trace.own(call, "bias", 0, filters, produces=True)
    return activate(trace, call, filters)


def _resize_separable(config: dict[str, Any], width: Width) -> None:
    config["filters"] = width("pointwise_kernel", len(config["kernel_size"]) + 1)


def _spread_embedding(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Table [tokens, outputs]; the inputs are tokens."""
    for ids in inputs:
        trace.channels.fix(ids, f"{call.path!r} reads them as indices")
    return [trace.produce(call, "embeddings", 1)]


def _resize_embedding(config: dict[str, Any], width: Width) -> None:
    config["output_dim"] = width("embeddings", 1)


def _spread_batch_normalization(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Every variable is [channels]."""
    if call.layer.axis % len(call.inputs[0]) != len(call.inputs[0]) - 1:
        return trace.give_up(call, inputs, f"{call.path!r} normalises along an axis that is not the last")
    for variable in call.layer.variables:
        trace.own(call, variable.name, 0, inputs[0], produces=True)
    return [inputs[0]]


DENSE = Rule(_spread_dense, _resize_dense)
CONVOLUTION = Rule(_spread_convolution, _resize_convolution)
TRANSPOSED = Rule(_spread_transposed, _resize_transposed)
DEPTHWISE = Rule(_spread_depthwise)
SEPARABLE = Rule(_spread_separable, _resize_separable)
EMBEDDING = Rule(_spread_embedding, _resize_embedding)
BATCH_NORMALIZATION = Rule(_spread_batch_normalization)
