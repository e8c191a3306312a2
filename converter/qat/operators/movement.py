"""Operators that move elements without changing them. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from midge.converter.qat.operators.call import Call, zero_point_of
from midge.runtime.graph import Tensor
from midge.runtime.operators.row import constant


def reshape(call: Call) -> Sequence[Any]:
    """Evaluate RESHAPE, SQUEEZE and EXPAND_DIMS."""
    return [tf.reshape(call.inputs[0], (-1, *call.node.output().shape))]


def concatenation(call: Call) -> Sequence[Any]:
    """Evaluate CONCATENATION."""
    return [tf.concat(_same_count(call), _axis(call.node.attributes.axis, len(call.node.output().shape)))]


def pack(call: Call) -> Sequence[Any]:
    """Evaluate PACK."""
    return [tf.stack(_same_count(call), _axis(call.node.attributes.axis, len(call.node.output().shape)))]


def unpack(call: Call) -> Sequence[Any]:
    """Evaluate UNPACK."""
    axis = _axis(call.node.attributes.axis, len(call.node.input(0).shape))
    return list(tf.unstack(call.inputs[0], axis=axis))


def split(call: Call) -> Sequence[Any]:
    """Evaluate SPLIT."""
    axis = _axis(_integers(call.node.input(0))[0], len(call.node.input(1).shape))
    return list(tf.split(call.inputs[1], len(call.node.operator.outputs), axis))


def split_v(call: Call) -> Sequence[Any]:
    """Evaluate SPLIT_V."""
    axis = _axis(_integers(call.node.input(2))[0], len(call.node.input(0).shape))
    return list(tf.split(call.inputs[0], [output.shape[axis - 1] for output in call.node.outputs], axis))


def transpose(call: Call) -> Sequence[Any]:
    """Evaluate TRANSPOSE."""
    rank = len(call.node.input(0).shape)
    return [tf.transpose(call.inputs[0], (0, *(_axis(n, rank) for n in _integers(call.node.input(1)))))]


def pad(call: Call) -> Sequence[Any]:
    """Evaluate PAD and PADV2."""
    borders = [(int(before), int(after)) for before, after in constant(call.node.input(1), "paddings")]
    value = float(zero_point_of(call.node.output()))
    given = call.node.optional_input(2)
    if given is not None:
        value = float(constant(given, "padding value").ravel()[0])
    return [tf.pad(call.inputs[0], [(0, 0), *borders], constant_values=value)]


def slice_(call: Call) -> Sequence[Any]:
    """Evaluate SLICE."""
    return [tf.slice(call.inputs[0], (0, *_integers(call.node.input(1))), (-1, *call.node.output().shape))]


def strided_slice(call: Call) -> Sequence[Any]:
    """Evaluate STRIDED_SLICE."""
    options = call.node.attributes
    begin, end, strides = (_integers(call.node.input(position)) for position in (1, 2, 3))
    taken = tf.strided_slice(
        call.inputs[0],
        (0, *begin),
        (0, *end),
        (1, *strides),
        begin_mask=options.begin_mask << 1 | 1,
        end_mask=options.end_mask << 1 | 1,
        shrink_axis_mask=options.shrink_axis_mask << 1,
    )
    return [tf.reshape(taken, (-1, *call.node.output().shape))]


def _same_count(call: Call) -> list[Any]:
    """Return the inputs with constants repeated for every sample."""
    count = tf.reduce_max([tf.shape(values)[0] for values in call.inputs])
    return [
        tf.broadcast_to(values, tf.concat([[count], tf.shape(values)[1:]], 0)) if tensor.data is not None else values
        for values, tensor in zip(call.inputs, call.node.inputs, strict=True)
        if tensor is not None
    ]


def _axis(axis: int, rank: int) -> int:
    """Return an axis behind that of the samples."""
    return axis % rank + 1


def _integers(tensor: Tensor) -> list[int]:
    return [int(value) for value in constant(tensor, "input").ravel()]
