"""The generators of random layers: every row of the operator table has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from oracle import Case

from cases import activation, convolution, elementwise, movement, pool

BOTH = ("int8", "float32")
WEIGHTED = ("int8", "float32", "dynamic", "int4", "clustered")
"""`dynamic`: float activations and int8 weights; see `convolution.QUANTIZED` for the last two."""
WITH_SPARSE = (*WEIGHTED, "sparse")


@dataclass(frozen=True)
class Generator:
    """Makes random layers of one operator; each has a seed of its own, so that any of them can be made again."""

    make: Callable[[np.random.Generator, str], Case]
    dtypes: tuple[str, ...] = BOTH


GENERATORS: dict[str, Generator] = {
    "ADD": Generator(elementwise.add, ("int8", "float32", "int32")),
    "AVERAGE_POOL_2D": Generator(pool.average_pool_2d),
    "CONCATENATION": Generator(movement.concatenation, ("int8", "float32", "int32", "int64", "bool")),
    "CONV_2D": Generator(convolution.conv_2d, WITH_SPARSE),
    "DEPTHWISE_CONV_2D": Generator(convolution.depthwise_conv_2d, WEIGHTED),
    "DEQUANTIZE": Generator(activation.dequantize, ("int8", "uint8")),
    "EXPAND_DIMS": Generator(movement.expand_dims, ("int8", "float32", "int32", "int64", "bool")),
    "FULLY_CONNECTED": Generator(convolution.fully_connected, WITH_SPARSE),
    "HARD_SWISH": Generator(activation.hard_swish),
    "LEAKY_RELU": Generator(activation.leaky_relu),
    "LOGISTIC": Generator(activation.logistic),
    "MAX_POOL_2D": Generator(pool.max_pool_2d),
    "MEAN": Generator(pool.mean),
    "MUL": Generator(elementwise.mul, ("int8", "float32", "int32")),
    "PACK": Generator(movement.pack, ("int8", "float32", "int32", "int64")),
    "PAD": Generator(activation.pad, ("int8", "float32", "int32", "int64")),
    "PADV2": Generator(activation.padv2, ("int8", "float32", "int32", "int64")),
    "QUANTIZE": Generator(activation.quantize, ("float32", "int8", "uint8")),
    "RELU": Generator(activation.relu),
    "RELU6": Generator(activation.relu6),
    "RELU_0_TO_1": Generator(activation.relu_0_to_1),
    "RELU_N1_TO_1": Generator(activation.relu_n1_to_1),
    "RESHAPE": Generator(movement.reshape, ("int8", "float32", "int32", "int64", "bool")),
    "SLICE": Generator(movement.slice_, ("int8", "float32", "int32", "int64", "bool")),
    "SOFTMAX": Generator(activation.softmax),
    "SPLIT": Generator(movement.split, ("int8", "float32", "int32", "int64")),
    "SPLIT_V": Generator(movement.split_v, ("int8", "float32", "int32", "int64")),
    "SQUEEZE": Generator(movement.squeeze, ("int8", "float32", "int32", "int64", "bool")),
    "STRIDED_SLICE": Generator(movement.strided_slice, ("int8", "float32", "int32", "int64", "bool")),
    "SUB": Generator(elementwise.sub, ("int8", "float32", "int32")),
    "TANH": Generator(activation.tanh),
    "TRANSPOSE": Generator(movement.transpose, ("int8", "float32", "int32", "int64", "bool")),
    "UNPACK": Generator(movement.unpack, ("int8", "float32", "int32", "bool")),
}
