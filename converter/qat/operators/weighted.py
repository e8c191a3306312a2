"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.qat.arithmetic import clamp, opaque, requantize, shared, split_factors, whole
from midge.converter.qat.operators.call import Call, result, scale_of, zero_point_of
from midge.runtime.fixed_point import activation, activation_range
from midge.runtime.operators.window import SAME

_EXACT = 2**24
"""Whole numbers up to here, and sums of them that stay below, are exact in float32."""


def conv_2d(call: Call) -> Sequence[Any]:
    """Evaluate CONV_2D; weights ``[output channels, height, width, input channels of a group]``."""
    assert call.weights is not None
    options = call.node.attributes
    _, height, width, channels = call.node.input(1).shape
    x, w = _operands(call, height * width * channels)
    # TensorFlow has no gradient of dilated convolutions on CPUs, but it has one of kernels with zeros between.
    kernel = _spread(tf.transpose(w, (1, 2, 3, 0)), (options.dilation_height, options.dilation_width))
    groups = call.node.input(0).shape[3] // channels
    pieces = [
        tf.nn.conv2d(
            part,
            part_of_kernel,
            strides=(options.stride_height, options.stride_width),
            padding=_padding(options.padding),
        )
        for part, part_of_kernel in zip(tf.split(x, groups, 3), tf.split(kernel, groups, 3), strict=True)
    ]
    return _finish(call, pieces[0] if groups == 1 else tf.concat(pieces, 3))


def depthwise_conv_2d(call: Call) -> Sequence[Any]:
    """Evaluate DEPTHWISE_CONV_2D; weights ``[1, height, width, output channels]``."""
    assert call.weights is not None
    options = call.node.attributes
    _, height, width, outputs = call.node.input(1).shape
    channels = call.node.input(0).shape[3]
    x, w = _operands(call, height * width)
    strides = (options.stride_height, options.stride_width)
    dilations = (options.dilation_height, options.dilation_width)
    kernel = tf.reshape(w, (height, width, channels, outputs // channels))
    if strides[0] == strides[1] and (strides == (1, 1) or dilations == (1, 1)):
        sums = tf.nn.depthwise_conv2d(x, kernel, (1, *strides, 1), _padding(options.padding), dilations=dilations)
    else:
        sums = _by_taps(x, kernel, strides, dilations, call.node.output().shape[1:3], options.padding == SAME)
    return _finish(call, sums)


def fully_connected(call: Call) -> Sequence[Any]:
    """Evaluate FULLY_CONNECTED; weights ``[outputs, inputs]``."""
    assert call.weights is not None
    depth = call.node.input(1).shape[1]
    x, w = _operands(call, depth)
    return _finish(call, tf.matmul(tf.reshape(x, (-1, depth)), w, transpose_b=True))


def _operands(call: Call, depth: int) -> tuple[Any, Any]:
    """Return the input without its zero point, samples joined with axis 0, and the weights.

    They are of a type in which ``depth`` products add up exactly.
    """
    assert call.weights is not None
    source = call.node.input(0)
    zero_point = zero_point_of(source)
    x = call.inputs[0] - float(zero_point)
    greatest = max(127 - zero_point, zero_point + 128) * call.weights.greatest
    dtype = tf.float32 if depth * greatest < _EXACT else tf.float64
    x = tf.cast(tf.reshape(x, (-1, *source.shape[1:])), dtype)
    return x, tf.cast(call.weights.integers, dtype)


def _finish(call: Call, sums: Any) -> list[Any]:
    """Add the bias, requantize and clamp: sums ``[..., output channels]``."""
    weights, output = call.weights, call.node.output()
    assert weights is not None
    scale, zero_point = scale_of(output), zero_point_of(output)
    low, high = activation_range(activation(call.node.attributes.fused_activation), scale, zero_point, output.dtype)
    input_scale = scale_of(call.node.input(0))
    factors = np.float64(input_scale) * tf.cast(tf.stop_gradient(weights.scales), tf.float64)
    factors = tf.bitcast(factors / opaque(tf.constant(scale, tf.float64)), tf.int64)
    exact = _integers(whole(sums), weights.bias_integers, factors, tf.constant([zero_point, low, high], tf.int64))
    real = tf.cast(sums, tf.float32) * (input_scale * weights.scales)
    if weights.bias is not None:
        real += weights.bias
    shape = (-1, *output.shape)
    return result(tf.reshape(exact, shape), tf.reshape(real, shape), output, low, high)


@shared
def _integers(sums: Any, bias: Any, factors: Any, numbers: Any) -> Any:
    """Requantize sums by factors (the bits of float64)."""
    zero_point, low, high = tf.unstack(numbers, 3)
    return clamp(requantize(sums + bias, *split_factors(factors)) + zero_point, low, high)


def _padding(number: int) -> str:
    return "SAME" if number == SAME else "VALID"


def _spread(kernel: Any, dilations: tuple[int, int]) -> Any:
    """Put zeros between the rows and columns of a kernel, so that it need not be dilated."""
    for axis, dilation in enumerate(dilations):
        if dilation > 1:
            shape = list(kernel.shape)
            size = (shape[axis] - 1) * dilation + 1
            borders = [[0, dilation - 1 if n == axis + 1 else 0] for n in range(5)]
            shape[axis] *= dilation
            wide = tf.reshape(tf.pad(tf.expand_dims(kernel, axis + 1), borders), shape)
            kernel = wide[:size] if axis == 0 else wide[:, :size]
    return kernel


def _by_taps(
    x: Any,
    kernel: Any,
    strides: tuple[int, int],
    dilations: tuple[int, int],
    output: tuple[int, ...],
    same: bool,
) -> Any:
    """Sum a depthwise convolution tap by tap, for the strides and dilations that TensorFlow's own refuses."""
    spans = [
        (n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(output, strides, kernel.shape, dilations, strict=False)
    ]
    borders = [max(0, span - int(n)) if same else 0 for span, n in zip(spans, x.shape[1:3], strict=True)]
    x = tf.pad(x, ((0, 0), *((total // 2, total - total // 2) for total in borders), (0, 0)))
    sums = []
    for row in range(kernel.shape[0]):
        for column in range(kernel.shape[1]):
            top, left = row * dilations[0], column * dilations[1]
            part = x[
                :,
                top : top + (output[0] - 1) * strides[0] + 1 : strides[0],
                left : left + (output[1] - 1) * strides[1] + 1 : strides[1],
                :,
                None,
            ]
            sums.append(part * kernel[row, column])
    total = tf.add_n(sums)
    return tf.reshape(total, (-1, *output, kernel.shape[2] * kernel.shape[3]))
