"""What is trained of a layer: weights, their scales and the bias, and how they become integers. Imports TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from midge.converter.qat.arithmetic import attach, opaque
from midge.converter.qat.operators.call import Weights
from midge.converter.quantizer.integer import Grid
from midge.runtime.graph import Array, DType, Quantization, Tensor

SCALE_LIMIT = 4.0
"""How much larger or smaller than at first a scale may become."""
BIAS_LIMIT = 2.0**30
"""Integers of biases stay within this, so that no sum leaves 32 bits."""

_LEVELS = {DType.INT8: 127, DType.INT4: 7}


class WeightTensor:
    """Weights of one layer, or of several that share them, as a variable that is rounded to integers.

    The variable is one where the channel's greatest weight was at first, so that one learning rate suits all channels.

    Args:
        tensor: the quantized weights.
        grid: which integers they may take; None for all of their type.
        exact: the float weights that they stand for; None takes what the integers mean.
        axis: of the output channels.
        learn_scales: whether the scales are trained too (Esser et al., Learned Step Size Quantization, 2020).
    """

    def __init__(
        self, tensor: Tensor, grid: Grid | None, exact: Array | None, axis: int, *, learn_scales: bool
    ) -> None:
        assert tensor.data is not None and tensor.quantization is not None
        self.tensor = tensor
        self._axis = axis
        self._levels = levels_of(tensor, grid)
        self._first_scales = tensor.quantization.scales.astype(np.float32)
        scales = self._across(self._first_scales)
        integers = tensor.data.astype(np.float32)
        masters = integers * scales if exact is None else exact.astype(np.float32)
        others = tuple(n for n in range(masters.ndim) if n != axis)
        greatest = np.abs(masters).max(axis=others, keepdims=True)
        self._unit = np.where(greatest > 0, greatest, scales * 127).astype(np.float32)
        # An exact zero is one on purpose: pruned, or never connected.
        zeros = integers == 0 if grid is not None and grid.keep_zeros else _on_purpose(exact, integers)
        self._mask = (~zeros).astype(np.float32) if zeros.any() and not zeros.all() else None
        self.master = tf.Variable(masters / self._unit, name="weights")
        self.growth = tf.Variable(np.ones_like(self._first_scales), name="scales") if learn_scales else None
        # Where the integers were not chosen by rounding, or by rounding what lies halfway, that choice is the start.
        chosen = np.asarray(self.integers()) != integers
        self.master.assign(np.where(chosen, integers * scales, masters) / self._unit)

    @property
    def variables(self) -> list[Any]:
        """What is trained."""
        return [self.master] if self.growth is None else [self.master, self.growth]

    @property
    def greatest(self) -> int:
        """The greatest magnitude that an integer can have."""
        return int(np.abs(self._levels.astype(np.int64)).max())

    def scales(self) -> Any:
        """Return the scales as they are now: float32, (1,) or (channels,)."""
        first = opaque(tf.constant(self._first_scales))
        return first if self.growth is None else first * self.growth

    def integers(self) -> Any:
        """Return the weights as they are now: whole numbers in float32, with the gradient of the unrounded ones."""
        values = self.master * self._unit / self._across(self.scales())
        if self._mask is not None:
            values *= self._mask
        low, high = float(self._levels[0]), float(self._levels[-1])
        return attach(self._nearest(tf.stop_gradient(values)), tf.clip_by_value(values, low, high))

    def limit(self) -> None:
        """Keep the scales within `SCALE_LIMIT`."""
        if self.growth is not None:
            self.growth.assign(tf.clip_by_value(self.growth, 1 / SCALE_LIMIT, SCALE_LIMIT))

    def store(self) -> Tensor:
        """Return the tensor with the trained integers and scales."""
        data = np.asarray(self.integers()).astype(np.int8)
        data.flags.writeable = False
        assert self.tensor.quantization is not None
        quantization = dataclasses.replace(
            self.tensor.quantization, scales=np.asarray(self.scales()).astype(np.float32)
        )
        return dataclasses.replace(self.tensor, data=data, quantization=quantization)

    def _across(self, per_channel: Any) -> Any:
        """Give scales the axes of the weights."""
        shape = [1] * len(self.tensor.shape)
        if int(per_channel.shape[0]) > 1:
            shape[self._axis] = int(per_channel.shape[0])
        if isinstance(per_channel, np.ndarray):
            return per_channel.reshape(shape)
        return tf.reshape(per_channel, shape)

    def _nearest(self, values: Any) -> Any:
        levels = self._levels.astype(np.float32)
        if len(levels) == levels[-1] - levels[0] + 1:
            return tf.clip_by_value(tf.round(values), levels[0], levels[-1])
        between = tf.constant((levels[1:] + levels[:-1]) / 2)
        places = tf.searchsorted(between, tf.reshape(values, (-1,)))
        return tf.reshape(tf.gather(tf.constant(levels), places), tf.shape(values))


class BiasTensor:
    """What training adds to the bias of one layer, or of several that share it.

    Args:
        channels: how many there are.
        unit: what a change of the variable by one means, in real units.
    """

    def __init__(self, channels: int, unit: float) -> None:
        self._unit = unit
        self.change = tf.Variable(np.zeros(channels, np.float32), name="bias")

    def real(self) -> Any:
        """Return the change in real units, float32 (channels,), with gradients."""
        return self.change * self._unit

    def exact(self) -> Any:
        """Return the change in real units, float64 (channels,), without."""
        return tf.cast(tf.stop_gradient(self.change), tf.float64) * self._unit


class Layer:
    """The trained constants of one operator.

    Args:
        weights: of the layer.
        bias: of the layer; None where it has none.
        first_bias: float64 (channels,): the real bias before training, zeros where there is none. Layers that share a
            bias may begin with different ones: their quantization was corrected in different ways.
        input_scale: of its input.
    """

    def __init__(
        self,
        weights: WeightTensor,
        bias: BiasTensor | None,
        first_bias: npt.NDArray[np.float64],
        input_scale: float,
    ) -> None:
        self.weights = weights
        self.bias = bias
        self._first_bias = first_bias
        self._input_scale = input_scale

    def products(self) -> Any:
        """Return the scale of sums, float64 (1,) or (channels,): the input's times the weights'."""
        return np.float64(self._input_scale) * tf.cast(tf.stop_gradient(self.weights.scales()), tf.float64)

    def values(self) -> Weights:
        """Return what the operator computes with now."""
        bias = None if self.bias is None else tf.constant(self._first_bias, tf.float32) + self.bias.real()
        return Weights(
            integers=self.weights.integers(),
            scales=self.weights.scales(),
            bias=bias,
            bias_integers=self._bias_integers(),
            greatest=self.weights.greatest,
        )

    def store_bias(self, tensor: Tensor) -> Tensor:
        """Return the tensor of the bias with the trained integers and their scale."""
        products = np.asarray(self.products())
        data = np.asarray(self._bias_integers()).astype(np.int32)
        data.flags.writeable = False
        quantization = Quantization(products.astype(np.float32), np.zeros(len(products), np.int64), 0)
        return dataclasses.replace(tensor, data=data.reshape(tensor.shape), quantization=quantization)

    def _bias_integers(self) -> Any:
        """Return the bias on the scale of sums, int64 (channels,)."""
        if self.bias is None:
            return tf.zeros(len(self._first_bias), tf.int64)
        rounded = tf.round((tf.constant(self._first_bias) + self.bias.exact()) / self.products())
        return tf.cast(tf.clip_by_value(rounded, -BIAS_LIMIT, BIAS_LIMIT), tf.int64)


def levels_of(tensor: Tensor, grid: Grid | None) -> Array:
    """Return the integers that weights may take, ascending."""
    if grid is not None:
        return grid.levels
    assert tensor.data is not None
    greatest = _LEVELS[tensor.dtype]
    return np.arange(min(-greatest, int(tensor.data.min())), greatest + 1, dtype=np.int8)


def _on_purpose(exact: Array | None, integers: Array) -> Array:
    zeros: Array = np.zeros(integers.shape, bool) if exact is None else exact == 0
    return zeros


def unique(variables: Sequence[Any]) -> list[Any]:
    """Return variables without repetitions, in order."""
    return list({id(variable): variable for variable in variables}.values())
