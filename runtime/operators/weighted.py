"""What operators with weights and a bias share: their checks, folded biases and output factors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import (
    Activation,
    activation,
    activation_range,
    float_activation_range,
    multiply_by_quantized_multiplier,
    quantize_multipliers,
)
from midge.runtime.graph import Array, DType, Node, Tensor
from midge.runtime.operators.row import constant, expect, per_tensor, require, require_dtype
from midge.runtime.program import ParamValue

MAX_DEPTH = 2**31 // 2**14 - 1
"""Most products in one sum: that many of -128 * -128 fit 32 bits."""


def activation_quantization(tensor: Tensor, what: str) -> tuple[float, int]:
    """Return scale and zero point of an int8 activation.

    Raises:
        ModelError: it is not quantized with one scale and a zero point that int8 can hold.
    """
    quantization = per_tensor(tensor, what)
    zero_point = quantization.zero_point
    expect(-128 <= zero_point <= 127, f"{what} {tensor.name!r} has zero point {zero_point}, which int8 cannot hold")
    return quantization.scale, zero_point


def check_weighted(node: Node, output_channels: int, channel_axis: int, depth: int) -> None:
    """Check types, constants and quantization of input 0, weights 1, bias 2 and output 0.

    Args:
        node: the operator.
        output_channels: how many biases and weight scales there must be.
        channel_axis: the weights' axis of output channels.
        depth: products in one sum.

    Raises:
        UnsupportedError, ModelError: see `OperatorRow.check`.
    """
    source, weights, bias, output = node.input(0), node.input(1), node.optional_input(2), node.output()
    require_dtype(source, DType.INT8, DType.FLOAT32)
    expect(output.dtype == source.dtype, f"input is {source.dtype.value} but output is {output.dtype.value}")
    if source.dtype == DType.FLOAT32:
        require(
            weights.dtype in (DType.FLOAT32, DType.INT8),
            f"{weights.dtype.value} weights {weights.name!r} with float32 activations are not supported;"
            " convert the model to int8 or to float32",
        )
    else:
        require_dtype(weights, DType.INT8, DType.INT4, what="weights")
    constant(weights, "weights")
    require(depth <= MAX_DEPTH, f"sums of {depth} products are not supported; at most {MAX_DEPTH}")
    activation(node.attributes.fused_activation)
    if bias is not None:
        constant(bias, "bias")
        wanted = DType.FLOAT32 if source.dtype == DType.FLOAT32 else DType.INT32
        require_dtype(bias, wanted, what="bias")
        expect(bias.elements == output_channels, f"expected {output_channels} biases, found shape {list(bias.shape)}")
    if source.dtype == DType.INT8:
        _check_quantization(node, output_channels, channel_axis)
    elif weights.dtype == DType.INT8:
        _check_weight_scales(node, output_channels, channel_axis)


def _check_quantization(node: Node, output_channels: int, channel_axis: int) -> None:
    activation_quantization(node.input(0), "input")
    scale, zero_point = activation_quantization(node.output(), "output")
    _check_weight_scales(node, output_channels, channel_axis)
    activation_range(activation(node.attributes.fused_activation), scale, zero_point, DType.INT8)
    factors(node)


def _check_weight_scales(node: Node, output_channels: int, channel_axis: int) -> None:
    """Check that int8 or int4 weights are symmetric, with one scale or one per output channel.

    Raises:
        UnsupportedError, ModelError: they are not.
    """
    weights = node.input(1)
    quantization = weights.quantization
    expect(quantization is not None, f"{weights.dtype.value} weights {weights.name!r} have no scale")
    assert quantization is not None
    if not quantization.per_tensor:
        expect(
            len(quantization.scales) == output_channels and quantization.axis == channel_axis,
            f"weights {weights.name!r}: expected one scale or {output_channels} along axis {channel_axis},"
            f" found {len(quantization.scales)} along axis {quantization.axis}",
        )
    require(
        not np.any(quantization.zero_points),
        f"weights {weights.name!r} have a zero point other than 0; {weights.dtype.value} weights must be symmetric",
    )


def factors(node: Node) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return multipliers and shifts of input scale * weight scale / output scale, one or one per output channel.

    All in double precision, as in TFLite Micro.
    """
    quantization = node.input(1).quantization
    assert quantization is not None
    input_scale = np.float64(per_tensor(node.input(0)).scale)
    output_scale = np.float64(per_tensor(node.output()).scale)
    products = input_scale * quantization.scales.astype(np.float64)
    return quantize_multipliers(products / output_scale)


def folded_bias(node: Node, rows: Array, output_channels: int) -> npt.NDArray[np.int32]:
    """Return bias - input zero point * sum of weights per output channel, modulo 2**32.

    Args:
        node: the operator, int8.
        rows: the weights, shape (output_channels, depth).
        output_channels: number of biases, zeros if the operator has none.
    """
    bias = node.optional_input(2)
    values = np.zeros(output_channels, np.int64) if bias is None else constant(bias, "bias").ravel().astype(np.int64)
    zero_point = per_tensor(node.input(0)).zero_point
    folded: npt.NDArray[np.int64] = values - zero_point * rows.astype(np.int64).sum(axis=1)
    return folded.astype(np.int32)


def channel_records(node: Node, rows: Array) -> npt.NDArray[np.int32] | None:
    """Return what `midge_requantize_record_s8` needs of every output channel, or None if one does not fit it.

    A channel without weights always gives the same; whatever its factor, a record that gives just that is found for
    it. So it is where a factor is so small that every sum is scaled to 0.

    Args:
        node: the operator, int8.
        rows: the weights, shape (output channels, depth).

    Returns:
        int32 of shape (output channels, 3): the folded bias, 2 * multiplier - 2**32, and the right shift.
    """
    channels = len(rows)
    bias = folded_bias(node, rows, channels)
    multiplier, shift = (np.broadcast_to(values, channels).astype(np.int64) for values in factors(node))
    greatest = np.abs(bias.astype(np.int64)) + 128 * np.abs(rows.astype(np.int64)).sum(axis=1)
    # The scaled sum is at most greatest * multiplier / 2**31, rounded, before the shift; less than half of 2**-shift
    # rounds to 0. With the replacement it is at most greatest / 2, and half of 2**22 would not round to 0.
    nothing = (multiplier == 0) | (greatest * multiplier // 2**31 + 1 < 2.0 ** (-shift - 1))
    replaced = nothing & (greatest < 2**22 - 2)
    multiplier, shift = np.where(replaced, 2**30, multiplier), np.where(replaced, -22, shift)
    # An eighth of 8 * value is value, with either rounding.
    value = multiply_by_quantized_multiplier(bias, *factors(node)).astype(np.int64)
    fixed = ~rows.any(axis=1) & (np.abs(value) < 2**30)
    bias = np.where(fixed, 8 * np.clip(value, -512, 512), bias).astype(np.int32)
    multiplier, shift = np.where(fixed, 2**30, multiplier), np.where(fixed, -2, shift)
    greatest = np.where(fixed, 0, greatest)
    if not ((shift <= -1) & (shift >= -22) & (multiplier >= 2**30) & (greatest < 2**30)).all():
        return None
    return np.stack([bias, 2 * multiplier - 2**32, -shift], axis=1).astype(np.int32)


def float_bias(node: Node, output_channels: int) -> npt.NDArray[np.float32]:
    """Return the bias, zeros if the operator has none."""
    bias = node.optional_input(2)
    if bias is None:
        return np.zeros(output_channels, np.float32)
    return np.ascontiguousarray(constant(bias, "bias").ravel())


def clamp_params(node: Node, fused: Activation) -> dict[str, ParamValue]:
    """Return activation_min and activation_max of an operator's output."""
    output = node.output()
    if output.dtype == DType.FLOAT32:
        low, high = float_activation_range(fused)
        return {"activation_min": low, "activation_max": high}
    quantization = per_tensor(output)
    least, greatest = activation_range(fused, quantization.scale, quantization.zero_point, output.dtype)
    return {"activation_min": least, "activation_max": greatest}


def output_params(node: Node) -> dict[str, ParamValue]:
    """Return the parameters that turn int32 sums into int8, as the kernels name them."""
    multiplier, shift = factors(node)
    return {
        "multiplier": multiplier,
        "shift": shift,
        "factor_step": int(len(multiplier) > 1),
        "output_zero_point": per_tensor(node.output()).zero_point,
        **clamp_params(node, activation(node.attributes.fused_activation)),
    }
