"""ADD, SUB and MUL. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from midge.converter.qat.arithmetic import clamp, requantize, whole
from midge.converter.qat.operators.call import Call, result, to_real

_BITS = 20
"""Fractional bits that operands are given before they are scaled and summed; see `add_s8.h`."""


def add(call: Call) -> Sequence[Any]:
    """Evaluate ADD."""
    return _sum(call, 1)


def sub(call: Call) -> Sequence[Any]:
    """Evaluate SUB."""
    return _sum(call, -1)


def mul(call: Call) -> Sequence[Any]:
    """Evaluate MUL."""
    (first, second), params = aligned(call), call.params
    product = (whole(first) - _int(params, "input1_zero_point")) * (whole(second) - _int(params, "input2_zero_point"))
    scaled = requantize(product, params["output_multiplier"], params["output_shift"])
    return _finish(call, scaled, to_real(first, call.node.input(0)) * to_real(second, call.node.input(1)))


def _sum(call: Call, sign: int) -> Sequence[Any]:
    params = call.params
    inputs = aligned(call)
    parts = []
    for number, values in enumerate(inputs, start=1):
        fine = (whole(values) - _int(params, f"input{number}_zero_point")) * 2**_BITS
        parts.append(requantize(fine, params[f"input{number}_multiplier"], params[f"input{number}_shift"]))
    total = requantize(parts[0] + sign * parts[1], params["output_multiplier"], params["output_shift"])
    first, second = (to_real(values, call.node.input(number)) for number, values in enumerate(inputs))
    return _finish(call, total, first + sign * second)


def _finish(call: Call, scaled: Any, real: Any) -> list[Any]:
    params = call.params
    low, high = _int(params, "activation_min"), _int(params, "activation_max")
    exact = clamp(scaled + _int(params, "output_zero_point"), low, high)
    return result(exact, real, call.node.output(), low, high)


def aligned(call: Call) -> list[Any]:
    """Return both inputs with as many axes as the output, so that their samples' axes meet."""
    rank = len(call.node.output().shape)
    found = []
    for position in (0, 1):
        shape = call.node.input(position).shape
        found.append(tf.reshape(call.inputs[position], (-1, *(1,) * (rank - len(shape)), *shape)))
    return found


def _int(params: Mapping[str, Any], name: str) -> int:
    return int(params[name])
