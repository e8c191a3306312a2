"""The fixed-point form of an int8 sum or difference."""

from __future__ import annotations

from midge.runtime.fixed_point import Activation, activation_range, quantize_multiplier
from midge.runtime.graph import DType, Node
from midge.runtime.operators.quantized import byte_quantization
from midge.runtime.operators.row import require


def _fraction(factor: float) -> tuple[int, int]:
    """Split a factor that must be below 1."""
    require(factor < 1, "the input scales are more than 2**19 times the output scale")
    return quantize_multiplier(factor)


def sum_params(node: Node, fused: Activation) -> dict[str, int]:
    """Return the parameters of `midge_add_s8` but for the walk over its inputs.

    Raises:
        UnsupportedError, ModelError: the scales do not fit each other.
    """
    first, second = (byte_quantization(node.input(position), "input") for position in (0, 1))
    output = byte_quantization(node.output(), "output")
    twice_greatest = 2 * max(first.scale, second.scale)
    multiplier1, shift1 = _fraction(first.scale / twice_greatest)
    multiplier2, shift2 = _fraction(second.scale / twice_greatest)
    multiplier, shift = _fraction(twice_greatest / (2**20 * output.scale))
    low, high = activation_range(fused, output.scale, output.zero_point, DType.INT8)
    return {
        "input1_zero_point": first.zero_point,
        "input1_multiplier": multiplier1,
        "input1_shift": shift1,
        "input2_zero_point": second.zero_point,
        "input2_multiplier": multiplier2,
        "input2_shift": shift2,
        "output_zero_point": output.zero_point,
        "output_multiplier": multiplier,
        "output_shift": shift,
        "activation_min": low,
        "activation_max": high,
    }
