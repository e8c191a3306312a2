"""Which functions treat every element alone, so that a channel passes through them as itself."""

from __future__ import annotations

from typing import Any

from midge.converter.prune.channels import Ids
from midge.converter.prune.keras_graph import is_kind
from midge.converter.prune.rules.rule import Rule
from midge.converter.prune.trace import Call, Trace

FUNCTIONS = frozenset(
    """celu elu exp exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid mish relu relu6 selu sigmoid silu soft_shrink softplus softsign sparse_plus sparse_sigmoid squareplus
    swish tanh tanh_shrink threshold""".split()
)
LAYERS = ("ReLU", "LeakyReLU", "ELU", "Identity")


def is_elementwise(function: Any) -> bool:
    """Whether an activation is one of Keras's or TensorFlow's that treat every element alone."""
    if function is None or is_kind(function, *LAYERS):
        return True
    if is_kind(function, "Activation"):
        return is_elementwise(function.activation)
    own = str(getattr(function, "__module__", "")).split(".")[0] in ("keras", "tensorflow")
    return own and getattr(function, "__name__", None) in FUNCTIONS


def name_of(function: Any) -> str:
    """Return what a message calls an activation."""
    return str(getattr(function, "__name__", type(function).__name__))


def activate(trace: Trace, call: Call, ids: Ids) -> list[Ids | None]:
    """Return the channels of a layer's output behind its own activation, given those before it."""
    function = getattr(call.layer, "activation", None)
    if is_elementwise(function):
        return [ids]
    reason = f"the activation {name_of(function)} of {call.path!r} mixes its channels"
    trace.channels.fix(ids, reason)
    width = call.outputs[0][-1]
    return [ids] if width == len(ids) else [trace.fixed(call.outputs[0], reason)]


def _spread_activation(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    return activate(trace, call, inputs[0])


def _spread_softmax(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """A softmax along other axes than the channels treats each channel alone."""
    rank = len(call.inputs[0])
    axes = call.layer.axis if isinstance(call.layer.axis, (list, tuple)) else [call.layer.axis]
    if all(axis is not None and axis % rank != rank - 1 for axis in axes):
        return [inputs[0]]
    return trace.give_up(call, inputs, f"the softmax {call.path!r} mixes its channels")


def _spread_prelu(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    alpha = call.variable("alpha")
    last = len(alpha.shape) - 1
    if alpha.shape[last] == len(inputs[0]):  # 1 where the axis is shared
        trace.own(call, "alpha", last, inputs[0], produces=True)
    return [inputs[0]]


ACTIVATION = Rule(_spread_activation)
SOFTMAX = Rule(_spread_softmax)
PRELU = Rule(_spread_prelu)
