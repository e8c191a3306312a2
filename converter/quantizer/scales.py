"""From ranges and weights to scales, zero points and stored integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from midge.runtime.graph import Array, Quantization

LEVELS = {8: 127, 4: 7}
"""The greatest weight by its width in bits; the least is its negative, so that 0 is in the middle."""

LEAST_SCALE = 2.0**-24
"""Of an activation: what is less is no signal, and kernels need some bits of it."""

MAX_BIAS = 2**30
"""Greatest stored bias: it leaves half of 32 bits to the sum of the products."""

LEAST_FACTOR = 2.0**-22
"""Least scale of the products in a sum, over the output's scale: below it no weight moves the output by a step."""

_SHRINKS = np.linspace(1.0, 0.4, 31)

Scales = NDArray[np.float64]


def activation_quantization(low: float, high: float) -> Quantization:
    """Return the int8 quantization of a range of real values, widened to hold 0, which is stored exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32(max((high - low) / 255, LEAST_SCALE))
    zero_point = int(np.clip(np.round(-128 - low / float(scale)), -128, 127))
    return fixed_quantization(float(scale), zero_point)


def fixed_quantization(scale: float, zero_point: int) -> Quantization:
    """Return a quantization of one scale and one zero point."""
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


def quantize_activation(values: Array, quantization: Quantization) -> Array:
    """Store real values as int8, rounded to even halves and saturated."""
    stored = np.round(values.astype(np.float64) / quantization.scale) + quantization.zero_point
    return np.asarray(np.clip(stored, -128, 127)).astype(np.int8)


def by_channel(values: Array, axis: int) -> Array:
    """Return weights as ``[channels, products]``."""
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def weight_scales(weights: Array, axis: int, bits: int = 8) -> Scales:
    """Return the scale of each output channel, 0 for channels of zeros.

    With 8 bits the channel's greatest weight is the greatest integer; with fewer the scale is the one of the least
    squared error, for which the greatest weights may be clipped.

    Args:
        weights: float32.
        axis: of the output channels.
        bits: 8 or 4.
    """
    rows = by_channel(weights, axis).astype(np.float64)
    levels = LEVELS[bits]
    widest: Scales = np.abs(rows).max(axis=1) / levels
    if bits >= 8:
        return widest
    best, least = widest, np.full(len(rows), np.inf)
    for shrink in _SHRINKS:
        scales = np.where(widest > 0, widest * shrink, 1.0)[:, None]
        stored = np.clip(np.round(rows / scales), -levels, levels)
        errors = ((stored * scales - rows) ** 2).sum(axis=1)
        better = errors < least
        best, least = np.where(better, widest * shrink, best), np.where(better, errors, least)
    return best


def safe_scales(scales: Scales, bias: Array | None, input_scale: float, output_scale: float) -> Scales:
    """Return weight scales for which the bias fits its 32 bits and the products' scale is not lost in the output's.

    A channel of zeros, whose scale is free, takes the greatest of the other channels'.

    Args:
        scales: one per output channel.
        bias: float32, one per output channel, or None.
        input_scale: of the operator's input.
        output_scale: of its output.
    """
    greatest = float(scales.max())
    filled = np.where(scales > 0, scales, greatest if greatest > 0 else 1.0)
    least = np.full(len(scales), LEAST_FACTOR * output_scale / input_scale)
    if bias is not None:
        least = np.maximum(least, np.abs(bias.ravel().astype(np.float64)) / (MAX_BIAS * input_scale))
    safe: Scales = np.maximum(filled, least).astype(np.float32).astype(np.float64)
    return safe


def channel_quantization(scales: Scales, axis: int) -> Quantization:
    """Return the symmetric quantization of weights or biases with these scales along an axis."""
    return Quantization(scales.astype(np.float32), np.zeros(len(scales), np.int64), axis)


def quantize_weights(weights: Array, quantization: Quantization, bits: int = 8) -> Array:
    """Store float weights as integers, int8, from the negative of the greatest level to it."""
    shape = [1] * weights.ndim
    shape[quantization.axis] = -1
    scales = quantization.scales.astype(np.float64).reshape(shape)
    levels = LEVELS[bits]
    return np.clip(np.round(weights.astype(np.float64) / scales), -levels, levels).astype(np.int8)


def quantize_bias(bias: Array, scales: Scales) -> Array:
    """Store a bias as int32; ``scales`` are input scale times weight scale, one per output channel."""
    stored = np.round(bias.astype(np.float64).ravel() / scales)
    limits = np.iinfo(np.int32)
    return np.clip(stored, limits.min, limits.max).astype(np.int32).reshape(bias.shape)
