"""The generators of random layers: every row of the operator table has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from cases import convolution, movement, pool
from oracle import Case

BOTH = ("int8", "float32")


@dataclass(frozen=True)
class Generator:
    """Makes random layers of one operator; each has a seed of its own, so that any of them can be made again."""

    make: Callable[[np.random.Generator, str], Case]
    dtypes: tuple[str, ...] = BOTH


GENERATORS: dict[str, Generator] = {
    "AVERAGE_POOL_2D": Generator(pool.average_pool_2d),
    "CONCATENATION": Generator(movement.concatenation),
    "CONV_2D": Generator(convolution.conv_2d),
    "DEPTHWISE_CONV_2D": Generator(convolution.depthwise_conv_2d),
    "FULLY_CONNECTED": Generator(convolution.fully_connected),
    "MAX_POOL_2D": Generator(pool.max_pool_2d),
    "MEAN": Generator(pool.mean),
    "PACK": Generator(movement.pack),
    "RESHAPE": Generator(movement.reshape),
    "SLICE": Generator(movement.slice_),
    "SPLIT": Generator(movement.split),
    "SPLIT_V": Generator(movement.split_v),
    "STRIDED_SLICE": Generator(movement.strided_slice),
    "TRANSPOSE": Generator(movement.transpose),
    "UNPACK": Generator(movement.unpack),
}
