"""A network's last softmax or sigmoid as a loss needs it. Imports TensorFlow.

Its int8 output has steps of 1/256: a class that gets none has neither a logarithm nor a gradient. So the loss sees the
float function of the same integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from midge.converter.qat.arithmetic import attach
from midge.converter.qat.operators.call import to_real
from midge.runtime.graph import Node

LEAST = 4e-6
"""Smaller probabilities are held at this, with the gradient of their logarithm: losses clip at 1e-6."""

_TRANSPARENT = ("DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def relaxed(nodes: Sequence[Node], index: int, values: Mapping[int, Any]) -> Any | None:
    """Return the float probabilities of an output, or None where it does not come from a softmax or a sigmoid.

    Args:
        nodes: of the graph.
        index: of the output's tensor.
        values: every activation by tensor, integers held in float32.
    """
    makers = {output: node for node in nodes for output in node.operator.outputs}
    node = makers.get(index)
    while node is not None and node.operator.kind in _TRANSPARENT:
        source = node.operator.inputs[0]
        node = None if source is None else makers.get(source)
    if node is None or node.operator.kind not in ("SOFTMAX", "LOGISTIC"):
        return None
    scores = to_real(values[node.input_index(0)], node.input(0))
    if node.operator.kind == "LOGISTIC":
        return _sigmoid(scores)
    logs = tf.nn.log_softmax(scores * float(node.attributes.beta))
    return tf.exp(attach(tf.maximum(logs, tf.math.log(LEAST)), logs))


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _sigmoid(scores: Any) -> Any:
    found = tf.clip_by_value(tf.sigmoid(scores), LEAST, 1 - LEAST)
    return found, lambda upstream: upstream * found * (1 - found)
