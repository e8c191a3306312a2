"""The operators that can be trained, or trained through: one row each. Imports TensorFlow."""

from __future__ import annotations

from midge.converter.qat.operators import elementwise, movement, pool, softmax, unary, weighted
from midge.converter.qat.operators.call import Row

WEIGHTED: dict[str, Row] = {
    "CONV_2D": weighted.conv_2d,
    "DEPTHWISE_CONV_2D": weighted.depthwise_conv_2d,
    "FULLY_CONNECTED": weighted.fully_connected,
}
"""Those with trained constants: inputs 1 and 2."""

ROWS: dict[str, Row] = {
    **WEIGHTED,
    "ADD": elementwise.add,
    "AVERAGE_POOL_2D": pool.average_pool_2d,
    "CONCATENATION": movement.concatenation,
    "DEQUANTIZE": unary.dequantize,
    "EXPAND_DIMS": movement.reshape,
    "HARD_SWISH": unary.hard_swish,
    "LEAKY_RELU": unary.leaky_relu,
    "LOGISTIC": unary.logistic,
    "MAX_POOL_2D": pool.max_pool_2d,
    "MEAN": pool.mean,
    "MUL": elementwise.mul,
    "PACK": movement.pack,
    "PAD": movement.pad,
    "PADV2": movement.pad,
    "QUANTIZE": unary.quantize,
    "RELU": unary.relu,
    "RELU6": unary.relu6,
    "RELU_0_TO_1": unary.relu_0_to_1,
    "RELU_N1_TO_1": unary.relu_n1_to_1,
    "RESHAPE": movement.reshape,
    "SLICE": movement.slice_,
    "SOFTMAX": softmax.softmax,
    "SPLIT": movement.split,
    "SPLIT_V": movement.split_v,
    "SQUEEZE": movement.reshape,
    "STRIDED_SLICE": movement.strided_slice,
    "SUB": elementwise.sub,
    "TANH": unary.tanh,
    "TRANSPOSE": movement.transpose,
    "UNPACK": movement.unpack,
}
