"""ADD, SUB and MUL. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.qat.arithmetic import clamp, requantize, shared, whole
from midge.converter.qat.operators.call import Call, result, to_real

_BITS = 20
"""Fractional bits that operands are given before they are scaled and summed; see `add_s8.h`."""
_OUTPUT = ("output_multiplier", "output_shift", "output_zero_point", "activation_min", "activation_max")


def add(call: Call) -> Sequence[Any]:
    """Evaluate ADD."""
    return _sum(call, 1)


def sub(call: Call) -> Sequence[Any]:
    """Evaluate SUB."""
    return _sum(call, -1)


def mul(call: Call) -> Sequence[Any]:
    """Evaluate MUL."""
    first, second = aligned(call)
    exact = _exact_product(first, second, call.params)
    return _finish(call, exact, to_real(first, call.node.input(0)) * to_real(second, call.node.input(1)))


def _sum(call: Call, sign: int) -> Sequence[Any]:
    inputs = aligned(call)
    first, second = (to_real(values, call.node.input(number)) for number, values in enumerate(inputs))
    return _finish(call, _exact_sum(inputs[0], inputs[1], call.params, sign), first + sign * second)


def _finish(call: Call, exact: Any, real: Any) -> list[Any]:
    low, high = (int(np.asarray(call.params[name])) for name in ("activation_min", "activation_max"))
    shape = (-1, *call.node.output().shape)
    return result(tf.reshape(exact, shape), real, call.node.output(), low, high)


def aligned(call: Call) -> list[Any]:
    """Return both inputs with as many axes as the output, so that their samples' axes meet."""
    rank = len(call.node.output().shape)
    found = []
    for position in (0, 1):
        shape = call.node.input(position).shape
        found.append(tf.reshape(call.inputs[position], (-1, *(1,) * (rank - len(shape)), *shape)))
    return found


def _exact_sum(first: Any, second: Any, params: Mapping[str, Any], sign: int) -> Any:
    operands = [params[f"input{n}_{name}"] for n in (1, 2) for name in ("zero_point", "multiplier", "shift")]
    return _integer_sum(whole(first), whole(second), _vector([*operands, sign, *(params[name] for name in _OUTPUT)]))


def _exact_product(first: Any, second: Any, params: Mapping[str, Any]) -> Any:
    names = ("input1_zero_point", "input2_zero_point", *_OUTPUT)
    return _integer_product(whole(first), whole(second), _vector([params[name] for name in names]))


def _vector(numbers: Sequence[Any]) -> Any:
    return tf.constant([int(np.asarray(number)) for number in numbers], tf.int64)


@shared
def _integer_sum(first: Any, second: Any, numbers: Any) -> Any:
    zero_1, multiplier_1, shift_1, zero_2, multiplier_2, shift_2, sign, *output = tf.unstack(numbers, 12)
    one = requantize((first - zero_1) * 2**_BITS, multiplier_1, shift_1)
    two = requantize((second - zero_2) * 2**_BITS, multiplier_2, shift_2)
    return _scale_output(one + sign * two, *output)


@shared
def _integer_product(first: Any, second: Any, numbers: Any) -> Any:
    zero_1, zero_2, *output = tf.unstack(numbers, 7)
    return _scale_output((first - zero_1) * (second - zero_2), *output)


def _scale_output(values: Any, multiplier: Any, shift: Any, zero_point: Any, low: Any, high: Any) -> Any:
    return clamp(requantize(values, multiplier, shift) + zero_point, low, high)
