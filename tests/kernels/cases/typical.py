"""Shapes and values of layers as trained networks have them: what fast kernels are made for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Rng = np.random.Generator

MOST_MACS = 150_000
"""Of one layer: a few milliseconds on an emulated core."""

CHANNELS = (8, 16, 24, 32, 40, 64, 96, 128)


@dataclass(frozen=True)
class Shape:
    """Geometry and channels of a convolution without dilation."""

    height: int
    width: int
    filter_height: int
    filter_width: int
    stride_height: int
    stride_width: int
    padding: int
    """0 is SAME, 1 is VALID."""
    inputs: int
    outputs: int


def pick(rng: Rng, values: Any) -> int:
    """Return one of some integers."""
    return int(rng.choice(values))


def conv_shape(rng: Rng) -> Shape:
    """Return a convolution with 1x1, 3x3 or larger filters, as first, middle or one-dimensional layers have them."""
    kind = pick(rng, range(6))
    outputs = pick(rng, (*CHANNELS, 10, 35))
    stride = (pick(rng, (1, 1, 2)),) * 2
    padding = pick(rng, (0, 0, 1))
    if kind <= 1:
        filter_, inputs = (1, 1), pick(rng, CHANNELS)
        if rng.random() < 0.8:
            stride = (1, 1)
    elif kind <= 3:
        filter_, inputs = (3, 3), pick(rng, (8, 16, 16, 32, 64))
    elif kind == 4:
        filter_, inputs = ((3, 3), (10, 4), (5, 5), (7, 7))[pick(rng, range(4))], pick(rng, (1, 3))
    else:
        length = pick(rng, (3, 5, 9))
        filter_, inputs = ((1, length), (length, 1))[pick(rng, range(2))], pick(rng, (8, 16, 32, 40))
        stride = (1, 1)
    per_pixel = filter_[0] * filter_[1] * inputs * outputs
    most = MOST_MACS * (4 if rng.random() < 0.2 else 1)
    height, width = _image(rng, filter_, stride, max(1, most // per_pixel), flat=kind == 5)
    return Shape(height, width, *filter_, *stride, padding, inputs, outputs)


def depthwise_shape(rng: Rng) -> Shape:
    """Return a depthwise convolution with depth multiplier 1 and mostly a 3x3 filter."""
    filter_ = ((3, 3), (3, 3), (3, 3), (5, 5), (1, 9), (9, 1))[pick(rng, range(6))]
    stride = (pick(rng, (1, 1, 2)),) * 2
    channels = pick(rng, CHANNELS)
    pixels = max(1, MOST_MACS // 2 // (filter_[0] * filter_[1] * channels))
    height, width = _image(rng, filter_, stride, pixels, flat=min(filter_) == 1)
    return Shape(height, width, *filter_, *stride, pick(rng, (0, 0, 0, 1)), channels, channels)


def _image(rng: Rng, filter_: tuple[int, int], stride: tuple[int, int], pixels: int, flat: bool) -> tuple[int, int]:
    """Return height and width of an input that is no smaller than the filter and makes about `pixels` outputs."""
    if flat:
        extents = [1 if reach == 1 else reach + pick(rng, range(40)) for reach in filter_]
        return extents[0], extents[1]
    width = int(rng.integers(1, 2 + min(30, math.isqrt(pixels) * 2)))
    height = int(rng.integers(1, 2 + min(30, pixels // width)))
    return max(filter_[0], height * stride[0]), max(filter_[1], width * stride[1])


def image(rng: Rng, elements: int = 12_000) -> tuple[int, int, int, int]:
    """Return the shape of an activation inside a network: one image of 4 to 128 channels."""
    channels = pick(rng, (4, *CHANNELS))
    pixels = elements // channels
    width = int(rng.integers(1, 2 + min(30, 2 * math.isqrt(pixels))))
    return 1, int(rng.integers(1, 2 + min(30, pixels // width))), width, channels


def weights(rng: Rng, shape: tuple[int, ...], channel_axis: int) -> Array:
    """Return weights in [-127, 127] as converters make them: bell-shaped, or all extreme; some channels are zero."""
    if rng.random() < 0.15:
        values = rng.choice(np.array([-127, 127]), shape)
    elif rng.random() < 0.3:
        values = rng.integers(-127, 128, shape)
    else:
        values = np.clip(np.rint(rng.normal(0, 40, shape)), -127, 127)
    if rng.random() < 0.2:
        dead = rng.random(shape[channel_axis]) < 0.3
        values = values * ~dead.reshape([-1 if axis == channel_axis else 1 for axis in range(len(shape))])
    return values.astype(np.int8)


def scales(rng: Rng, count: int, source: float, depth: int) -> tuple[Array, float]:
    """Return weight scales within a factor of 4 of each other and an output scale, for sums of the size of int8."""
    found = 10 ** rng.uniform(-3, -1) * 2 ** rng.uniform(-1, 1, count)
    output = source * float(np.median(found)) * 40 * 74 * math.sqrt(depth) / 60 * 2 ** rng.uniform(-1, 2)
    return found.astype(np.float32), float(np.float32(output))


# ---- Factors at the limits of their fixed-point form -----------------------------------------------------------------

_UNIT = 2.0**-23
"""Of the last place of a float32 in [1, 2)."""

# (1 + 181 u) * (1 - 181 u) = 1 - 32761 * 2^-46, which is 2^31 - 0.9998 in units of 2^-31.
GREATEST = (1 + 181 * _UNIT, 1 - 181 * _UNIT)
"""Mantissas of two float32 numbers whose product has the multiplier 2^31 - 1."""


def critical_scales(rng: Rng, count: int) -> tuple[float, Array, float]:
    """Return input scale, weight scales and output scale with multipliers at 2^30 and 2^31 and shifts of both signs."""
    exponents = rng.integers(-15, -3, count) if rng.random() < 0.8 else rng.integers(-31, 13, count)
    if rng.random() < 0.5:
        source, mantissas = GREATEST[0], np.array([GREATEST[1], GREATEST[1], 1.0])
    else:
        source, mantissas = 1.0, np.array([1.0, 1.0 - _UNIT / 2, 1.0 + _UNIT])
    input_exponent, output_exponent = int(rng.integers(-9, 3)), int(rng.integers(-7, 5))
    found = rng.choice(mantissas, count) * 2.0 ** (exponents - input_exponent + output_exponent)
    return source * 2.0**input_exponent, found.astype(np.float32), 2.0**output_exponent
