"""The operator table. To support another operator, write its row in the file of its family and list it here."""

from __future__ import annotations

from midge.runtime.operators import (
    activation,
    convolution,
    elementwise,
    fully_connected,
    lookup,
    movement,
    pad,
    pool,
    quantize,
    reduce,
    rows,
    shape,
    slicing,
    softmax,
)
from midge.runtime.operators.row import OperatorRow

_ROWS = (
    elementwise.ADD,
    pool.AVERAGE_POOL_2D,
    movement.CONCATENATION,
    convolution.CONV_2D,
    shape.COPY,
    convolution.DEPTHWISE_CONV_2D,
    quantize.DEQUANTIZE,
    shape.EXPAND_DIMS,
    fully_connected.FULLY_CONNECTED,
    activation.HARD_SWISH,
    rows.JOIN_ROWS,
    activation.LEAKY_RELU,
    activation.LOGISTIC,
    lookup.LOOKUP,
    pool.MAX_POOL_2D,
    reduce.MEAN,
    elementwise.MUL,
    movement.PACK,
    pad.PAD,
    pad.PADV2,
    quantize.QUANTIZE,
    activation.RELU,
    activation.RELU6,
    activation.RELU_0_TO_1,
    activation.RELU_N1_TO_1,
    shape.RESHAPE,
    slicing.SLICE,
    softmax.SOFTMAX,
    movement.SPLIT,
    movement.SPLIT_V,
    shape.SQUEEZE,
    slicing.STRIDED_SLICE,
    elementwise.SUB,
    rows.TAKE_ROWS,
    activation.TANH,
    movement.TRANSPOSE,
    movement.UNPACK,
)

OPERATORS: dict[str, OperatorRow] = {row.name: row for row in _ROWS}
