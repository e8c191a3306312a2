"""ADD and SUB of int8 as one weighted sum with a single rounding, where that gives the very same bytes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from midge.runtime.fixed_point import activation, multiply_by_quantized_multiplier
from midge.runtime.graph import DType, Node
from midge.runtime.operators.quantized import byte_quantization
from midge.runtime.operators.sums import sum_params
from midge.runtime.operators.variant import Variant
from midge.runtime.program import KernelCall, Target

_ARCHES = ("armv7em", "armv7m", "armv6m", "riscv")
_STEP = 2**21
"""What one step of the output counts in the weighted sum."""
_FACTOR_LIMIT = 2**31
_TRIES = 3
"""How far from their ideal values factors are looked for, either way."""

_Int64 = npt.NDArray[np.int64]


def _lower(node: Node, sign: int) -> tuple[KernelCall, ...] | None:
    first, second = node.input(0), node.input(1)
    elements = node.output().elements
    if first.dtype != DType.INT8 or first.elements != elements or second.elements != elements:
        return None
    params = sum_params(node, activation(node.attributes.fused_activation_function))
    scales = tuple(byte_quantization(tensor, "tensor").scale for tensor in (first, second, node.output()))
    clamp = {name: params[name] for name in ("activation_min", "activation_max")}
    found = _weights(
        tuple(sorted(params.items() - clamp.items())), (scales[0] / scales[2], sign * scales[1] / scales[2]), sign
    )
    if found is None:
        return None
    return (
        KernelCall(
            "midge_weighted_sum_s8",
            {"elements": elements, "factor1": found[0], "factor2": found[1], "offset": found[2], **clamp},
            (node.input_index(0), node.input_index(1)),
            (node.operator.outputs[0],),
        ),
    )


@lru_cache(maxsize=64)
def _weights(
    params: tuple[tuple[str, int], ...], ratios: tuple[float, float], sign: int
) -> tuple[int, int, int] | None:
    """Return factors and offset that give TFLite Micro's output for each of the 65,536 pairs of inputs, or None.

    Args:
        params: the parameters of the exact sum, by name.
        ratios: the input scales divided by the output's, the second one negative in a difference.
        sign: what the second operand is multiplied by.
    """
    if not max(abs(ratio) for ratio in ratios) * 2**29 < _FACTOR_LIMIT - _TRIES:
        return None
    outputs = _exact_outputs(dict(params), sign)
    ideal = [round(ratio * 2**29) for ratio in ratios]
    x = np.arange(-128, 128, dtype=np.int64)
    for distance in range(_TRIES + 1):
        for more in range(-distance, distance + 1):
            for factor1, factor2 in {
                (ideal[0] + more, ideal[1] + distance),
                (ideal[0] + distance, ideal[1] + more),
                (ideal[0] + more, ideal[1] - distance),
                (ideal[0] - distance, ideal[1] + more),
            }:
                offset = _offset((factor1 * x >> 8)[:, None] + (factor2 * x >> 8)[None, :], outputs)
                if offset is not None and _fits(factor1, factor2, offset):
                    return factor1, factor2, offset
    return None


def _exact_outputs(params: dict[str, int], sign: int) -> _Int64:
    """Return the output of all pairs of inputs, shape (256, 256), both counted from -128."""
    x = np.arange(-128, 128, dtype=np.int64)
    scaled = [
        multiply_by_quantized_multiplier(
            (x - params[f"input{i}_zero_point"]) << 20, params[f"input{i}_multiplier"], params[f"input{i}_shift"]
        ).astype(np.int64)
        for i in (1, 2)
    ]
    sums = scaled[0][:, None] + sign * scaled[1][None, :]
    result = multiply_by_quantized_multiplier(sums, params["output_multiplier"], params["output_shift"])
    return np.clip(result.astype(np.int64) + params["output_zero_point"], -128, 127)


def _offset(sums: _Int64, outputs: _Int64) -> int | None:
    """Return what has to be added for every sum to end within its output's step, or None if nothing will do."""
    open_below, open_above = outputs == -128, outputs == 127
    low = np.where(open_below, -(2**40), outputs * _STEP - sums).max()
    high = np.where(open_above, 2**40, (outputs + 1) * _STEP - 1 - sums).min()
    return int((low + high) // 2) if low <= high else None


def _fits(factor1: int, factor2: int, offset: int) -> bool:
    """Whether no sum overflows, whichever operand comes first."""
    reach = abs(offset) + (abs(factor1) >> 1) + (abs(factor2) >> 1) + 2
    return reach < 2**31 and max(abs(factor1), abs(factor2)) < _FACTOR_LIMIT


def _lower_add(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    return _lower(node, 1)


def _lower_sub(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    return _lower(node, -1)


ADD = Variant("weighted_sum", _ARCHES, _lower_add)
SUB = Variant("weighted_sum", _ARCHES, _lower_sub)
