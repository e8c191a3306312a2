"""AVERAGE_POOL_2D, MAX_POOL_2D and MEAN. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.qat.arithmetic import attach, clamp, requantize, whole
from midge.converter.qat.operators.call import Call, result, to_real
from midge.runtime.operators.reduce import reduced_axes
from midge.runtime.operators.window import SAME


def average_pool_2d(call: Call) -> Sequence[Any]:
    """Evaluate AVERAGE_POOL_2D: the sums' quotients, rounded half away from zero."""
    options, (_, height, width, channels) = call.node.attributes, call.node.input(0).shape
    images = tf.reshape(call.inputs[0], (-1, height, width, channels))

    def summed(values: Any) -> Any:
        ones = tf.ones((options.filter_height, options.filter_width, 1, 1), values.dtype)
        planes = tf.transpose(values, (0, 3, 1, 2))
        planes = tf.reshape(planes, (-1, *values.shape[1:3], 1))
        strides = (options.stride_height, options.stride_width)
        sums = tf.nn.conv2d(planes, ones, strides, "SAME" if options.padding == SAME else "VALID")
        sums = tf.reshape(sums, (-1, values.shape[3], *sums.shape[1:3]))
        return tf.transpose(sums, (0, 2, 3, 1))

    counts = summed(tf.ones((1, height, width, 1)))
    sums = summed(images)
    total, count = whole(sums), whole(counts)
    # Division of integers rounds down in TensorFlow: halves away from zero by way of magnitudes.
    magnitude = (tf.abs(total) + count // 2) // count
    low, high = int(_number(call, "activation_min")), int(_number(call, "activation_max"))
    exact = tf.cast(clamp(tf.sign(total) * magnitude, low, high), tf.float32)
    smooth = tf.clip_by_value(sums / counts, float(low), float(high))
    return [tf.reshape(attach(exact, smooth), (-1, *call.node.output().shape))]


def max_pool_2d(call: Call) -> Sequence[Any]:
    """Evaluate MAX_POOL_2D."""
    options, shape = call.node.attributes, call.node.input(0).shape
    found = tf.nn.max_pool2d(
        tf.reshape(call.inputs[0], (-1, *shape[1:])),
        (options.filter_height, options.filter_width),
        (options.stride_height, options.stride_width),
        "SAME" if options.padding == SAME else "VALID",
    )
    found = tf.clip_by_value(found, float(_number(call, "activation_min")), float(_number(call, "activation_max")))
    return [tf.reshape(found, (-1, *call.node.output().shape))]


def mean(call: Call) -> Sequence[Any]:
    """Evaluate MEAN."""
    source, output = call.node.input(0), call.node.output()
    axes = [axis + 1 for axis in reduced_axes(source, call.node.input(1))]
    sums = tf.reduce_sum(whole(call.inputs[0]), axis=axes) + int(_number(call, "offset"))
    scaled = requantize(sums, _number(call, "multiplier"), _number(call, "shift"))
    exact = clamp(scaled + int(_number(call, "output_zero_point")), -128, 127)
    real = tf.reduce_mean(to_real(call.inputs[0], source), axis=axes)
    shape = (-1, *output.shape)
    return result(tf.reshape(exact, shape), tf.reshape(real, shape), output)


def _number(call: Call, name: str) -> int:
    return int(np.asarray(call.params[name]))
