"""Functions of single elements: exact by the table that firmware looks them up in. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.qat.arithmetic import attach, opaque, round_away
from midge.converter.qat.operators.call import Call, Row, is_byte, result, scale_of, to_real, zero_point_of

Function = Callable[[Any, Any], Any]
"""Of real values and an operator's attributes to real values."""


def tabulated(function: Function) -> Row:
    """Return the row of an int8 operator that is ``function`` on real values."""

    def row(call: Call) -> Sequence[Any]:
        table = np.asarray(call.params["table"])  # for inputs 0 to 127, then -128 to -1
        places = tf.cast(tf.stop_gradient(call.inputs[0]) % 256.0, tf.int32)
        exact = tf.gather(tf.constant(table, tf.float32), places)
        real = function(to_real(call.inputs[0], call.node.input(0)), call.node.attributes)
        return result(exact, real, call.node.output())

    return row


def quantize(call: Call) -> Sequence[Any]:
    """Evaluate QUANTIZE: from float32, or from one scale to another."""
    if is_byte(call.node.input(0)):
        return _rescale(call)
    return [to_integers(call.inputs[0], call.node.output())]


def to_integers(values: Any, tensor: Any) -> Any:
    """Quantize real values to an int8 tensor's integers, as firmware does with a float input."""
    scale, zero_point = scale_of(tensor), float(zero_point_of(tensor))
    smooth = tf.clip_by_value(values / scale + zero_point, -128.0, 127.0)
    quotients = tf.clip_by_value(values / opaque(tf.constant(scale, tf.float32)), -1024.0, 1024.0)
    return attach(tf.clip_by_value(round_away(quotients) + zero_point, -128.0, 127.0), smooth)


def dequantize(call: Call) -> Sequence[Any]:
    """Evaluate DEQUANTIZE: integers to float32."""
    return [to_real(call.inputs[0], call.node.input(0))]


_rescale = tabulated(lambda x, _: x)
relu = tabulated(lambda x, _: tf.nn.relu(x))
relu6 = tabulated(lambda x, _: tf.clip_by_value(x, 0.0, 6.0))
relu_0_to_1 = tabulated(lambda x, _: tf.clip_by_value(x, 0.0, 1.0))
relu_n1_to_1 = tabulated(lambda x, _: tf.clip_by_value(x, -1.0, 1.0))
leaky_relu = tabulated(lambda x, options: tf.where(x >= 0, x, x * options.alpha))
hard_swish = tabulated(lambda x, _: x * tf.clip_by_value(x + 3.0, 0.0, 6.0) / 6.0)
logistic = tabulated(lambda x, _: tf.sigmoid(x))
tanh = tabulated(lambda x, _: tf.tanh(x))
