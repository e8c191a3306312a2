"""How the quantization of each operator's tensors is chosen: one row per operator, a literal table.

The constraints are those of TensorFlow Lite's 8-bit quantization specification, and of TensorFlow Lite Micro's kernels
where these ask for more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

ALL = None
"""Every input."""

_NO_LIMITS = (-math.inf, math.inf)


@dataclass(frozen=True)
class Rule:
    """How one operator is quantized.

    ``outputs`` says what its outputs' scale and zero point follow: ``own`` from what they were seen to be, ``same``
    from the inputs ``tied`` (all of them and all outputs share one quantization), ``fixed`` from the operator.
    """

    version: int
    """The least version of the operator that takes int8."""
    outputs: Literal["own", "same", "fixed"] = "own"
    tied: tuple[int, ...] | None = (0,)
    """Positions of the inputs that share the outputs' quantization, if that is ``same``."""
    fixed: tuple[float, int] = (0.0, 0)
    """Scale and zero point of the output, if that is ``fixed``."""
    channel_axis: int | None = None
    """The axis of the output channels in the weights (input 1); None for operators without weights."""
    int4_version: int | None = None
    """The least version that takes int4 weights."""
    limits: tuple[float, float] = _NO_LIMITS
    """Input 0 below the first gives the same stored output as the first, and above the second as the second."""
    passes_limits: bool = False
    """Whether clipping all inputs gives the same as clipping the outputs."""


def _own(version: int, limits: tuple[float, float] = _NO_LIMITS) -> Rule:
    return Rule(version, limits=limits)


def _moves(version: int, tied: tuple[int, ...] | None = (0,)) -> Rule:
    return Rule(version, "same", tied, passes_limits=True)


def _weighted(version: int, channel_axis: int, int4_version: int) -> Rule:
    return Rule(version, channel_axis=channel_axis, int4_version=int4_version)


# The outermost stored values are half a step wide: -128 stands for less than -127.5, 127 for 126.5 and more.
_LOGISTIC_LIMITS = (-math.log(256 / 0.5 - 1), math.log(254.5 / 1.5))
_TANH_LIMITS = (-math.atanh(127.5 / 128), math.atanh(126.5 / 128))

RULES: dict[str, Rule] = {
    "ADD": _own(2),
    "AVERAGE_POOL_2D": Rule(2, "same"),
    "CONCATENATION": _moves(2, ALL),
    "CONV_2D": _weighted(3, channel_axis=0, int4_version=7),
    "DEPTHWISE_CONV_2D": _weighted(3, channel_axis=3, int4_version=6),
    "EXPAND_DIMS": _moves(1),
    "FULLY_CONNECTED": _weighted(4, channel_axis=0, int4_version=10),
    "HARD_SWISH": _own(1, limits=(-3.0, math.inf)),
    "LEAKY_RELU": _own(2),
    "LOGISTIC": Rule(2, "fixed", fixed=(1 / 256, -128), limits=_LOGISTIC_LIMITS),
    "MAX_POOL_2D": _moves(2),
    "MEAN": _own(2),
    "MUL": _own(2),
    "PACK": _moves(2, ALL),
    "PAD": _moves(2),
    "PADV2": _moves(2, (0, 2)),
    "RELU": _own(2, limits=(0.0, math.inf)),
    # TensorFlow Lite Micro's kernel clamps and does not rescale.
    "RELU6": Rule(2, "same", limits=(0.0, 6.0)),
    "RELU_0_TO_1": Rule(1, "same", limits=(0.0, 1.0)),
    "RELU_N1_TO_1": Rule(1, "same", limits=(-1.0, 1.0)),
    "RESHAPE": _moves(1),
    "SLICE": _moves(2),
    "SOFTMAX": Rule(2, "fixed", fixed=(1 / 256, -128)),
    "SPLIT": _moves(2, (1,)),
    "SPLIT_V": _moves(2),
    "SQUEEZE": _moves(1),
    "STRIDED_SLICE": _moves(2),
    "SUB": _own(2),
    "TANH": Rule(2, "fixed", fixed=(1 / 128, 0), limits=_TANH_LIMITS),
    "TRANSPOSE": _moves(2),
    "UNPACK": _moves(2),
}
"""By TFLite's names; what is not here goes to TensorFlow's quantizer, where a recipe allows that."""
