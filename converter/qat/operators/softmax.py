"""SOFTMAX. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.qat.arithmetic import clamp, shift_right, whole
from midge.converter.qat.operators.call import Call, result, to_real


def softmax(call: Call) -> Sequence[Any]:
    """Evaluate SOFTMAX along the last axis; step by step that of `softmax_s8.c`."""
    q = whole(call.inputs[0])
    distances = tf.reduce_max(q, axis=-1, keepdims=True) - q
    exponentials = tf.gather(tf.constant(np.asarray(call.params["exponentials"]), tf.int64), distances)
    sums = tf.reduce_sum(_divide(exponentials, 12), axis=-1, keepdims=True)
    # 2**19 at least and below 2**31, so float64 has its exponent exactly.
    bits = tf.bitcast(tf.cast(sums, tf.float64), tf.int64)
    headroom = 31 - (shift_right(bits, tf.constant(52, tf.int64)) - 1023)
    one = tf.ones_like(sums)
    reciprocal = _one_over_one_plus(sums * tf.bitwise.left_shift(one, headroom) - 2**31)
    product = _doubling_high_mul(exponentials, reciprocal)
    exponent = 12 - headroom + 31 - 8
    shares = tf.where(
        exponent > 31,
        tf.zeros_like(product),
        _divide_by_power(product, tf.minimum(exponent, 31)),
    )
    real = tf.nn.softmax(to_real(call.inputs[0], call.node.input(0)) * float(call.node.attributes.beta))
    return result(clamp(shares - 128, -128, 127), real, call.node.output())


def _divide_by_power(values: Any, bits: Any) -> Any:
    """Divide by a power of two, rounded half away from zero; ``bits`` (int64) at least 1 broadcasts."""
    half = shift_right(tf.bitwise.left_shift(tf.ones_like(bits), bits), tf.constant(1, tf.int64))
    return shift_right(values + half - tf.cast(values < 0, tf.int64), bits)


def _divide(values: Any, bits: int) -> Any:
    return _divide_by_power(values, tf.constant(bits, tf.int64))


def _doubling_high_mul(a: Any, b: Any) -> Any:
    return shift_right(a * b + 2**30, tf.constant(31, tf.int64))


def _one_over_one_plus(x: Any) -> Any:
    """Return 1 / (1 + x), both with 31 fractional bits, by three Newton-Raphson steps."""
    half = (x + 2**31) // 2
    y = 1515870810 + _doubling_high_mul(half, tf.constant(-1010580540, tf.int64))
    for _ in range(3):
        error = 2**29 - _doubling_high_mul(half, y)
        y += tf.clip_by_value(4 * _doubling_high_mul(y, error), tf.int32.min, tf.int32.max)
    return tf.where(y >= 2**30, (2**31 - 1) * tf.ones_like(y), 2 * y)
