"""The firmware's integer arithmetic in TensorFlow, and gradients past its roundings. Imports TensorFlow.

Integers of tensors are held in float32, which is exact for them; what is summed or scaled goes through int64. See
`midge.runtime.fixed_point` for the arithmetic itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


@tf.custom_gradient  # type: ignore[untyped-decorator]
def attach(exact: Any, smooth: Any) -> Any:
    """Return ``exact``, whose gradient is that of ``smooth``; both of one shape, float32.

    The straight-through estimator (Bengio, Léonard and Courville 2013): ``smooth`` is the same without the roundings.
    """

    def gradient(upstream: Any) -> tuple[None, Any]:
        return None, upstream

    return tf.identity(exact), gradient


def opaque(value: Any) -> Any:
    """Hide a constant divisor from TensorFlow's graph optimizer, which would multiply by its inverse."""
    return tf.raw_ops.PlaceholderWithDefault(input=value, shape=tf.convert_to_tensor(value).shape)


def whole(values: Any) -> Any:
    """Return float values that are whole as int64, without a gradient."""
    return tf.cast(tf.stop_gradient(values), tf.int64)


def round_away(values: Any) -> Any:
    """Round to the nearest whole number, halves away from zero, in the type of ``values``."""
    truncated = tf.where(values < 0, tf.math.ceil(values), tf.math.floor(values))
    rest = values - truncated  # exact, where adding a half would round 0.49999997 up
    one = tf.ones_like(values)
    return truncated + tf.where(rest >= 0.5, one, tf.where(rest <= -0.5, -one, 0 * one))


def shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of int64 tensors of any shapes as one operation of a graph.

    Networks of many layers are traced in a fraction of the time that all the operations inside take. The result has no
    static shape.
    """
    traced: dict[int, Any] = {}

    def call(*tensors: Any) -> Any:
        if len(tensors) not in traced:
            signature = [tf.TensorSpec(None, tf.int64)] * len(tensors)
            traced[len(tensors)] = tf.function(function, input_signature=signature, autograph=False)
        return traced[len(tensors)](*tensors)

    return call


def split_factors(bits: Any) -> tuple[Any, Any]:
    """Split positive factors into multipliers and shifts (int64), as `fixed_point.quantize_multiplier`.

    Args:
        bits: of the factors in float64, as int64.
    """
    shift = tf.bitwise.right_shift(bits, tf.constant(52, tf.int64)) - 1022  # the exponent of a fraction in [0.5, 1)
    fraction = tf.bitcast(bits - tf.bitwise.left_shift(shift, tf.constant(52, tf.int64)), tf.float64)
    multiplier = tf.cast(tf.floor(fraction * 2.0**31 + 0.5), tf.int64)
    full = multiplier == 2**31
    multiplier, shift = tf.where(full, multiplier // 2, multiplier), tf.where(full, shift + 1, shift)
    nothing = shift < -31
    return tf.where(nothing, tf.zeros_like(multiplier), multiplier), tf.where(nothing, tf.zeros_like(shift), shift)


def requantize(values: Any, multiplier: Any, shift: Any) -> Any:
    """Scale int64 values in the range of int32 by factors (int64 multipliers and shifts), with both roundings."""
    multiplier, shift = tf.cast(multiplier, tf.int64), tf.cast(shift, tf.int64)
    left = tf.bitwise.left_shift(tf.ones_like(shift), tf.maximum(shift, 0))
    right = tf.maximum(-shift, 0)
    half = tf.bitwise.right_shift(tf.bitwise.left_shift(tf.ones_like(right), right), tf.ones_like(right))
    shifted = tf.cast(tf.cast(values * left, tf.int32), tf.int64)  # wraps around modulo 2**32, as it does there
    high = shift_right(shifted * multiplier + 2**30, tf.constant(31, tf.int64))
    # Bit 63 as -1 or 0 subtracts the one from negative values, where anything is divided at all.
    negative = shift_right(high, tf.constant(63, tf.int64)) * tf.minimum(right, 1)
    return shift_right(high + half + negative, right)


def shift_right(values: Any, bits: Any) -> Any:
    """Shift int64 values right arithmetically; ``bits`` broadcasts."""
    return tf.bitwise.right_shift(values, tf.broadcast_to(bits, tf.shape(values)))


def clamp(values: Any, low: Any, high: Any) -> Any:
    """Clamp int64 values."""
    return tf.minimum(tf.maximum(values, tf.cast(low, tf.int64)), tf.cast(high, tf.int64))
