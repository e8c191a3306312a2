"""A quantized network together with the float network that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from midge.runtime.graph import Array, Graph
from midge.runtime.tflite.writer import write_model


@dataclass(frozen=True, eq=False)
class Grid:
    """Which integers a tensor of weights may hold.

    ``levels`` are the values in ascending order, int8; int8 weights in general have -127 to 127, int4 ones -7 to 7, a
    codebook any of its own. ``keep_zeros`` forbids training to change weights that are zero.
    """

    levels: Array
    keep_zeros: bool = False


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A quantized graph and its float original.

    Both have the same operators on the same tensors: a tensor's index in ``exact`` is its index in ``graph``, and
    where ``exact`` holds a constant in float32, ``graph`` holds it as integers with a scale (per tensor, or per output
    channel). ``graph`` may have further tensors and operators (QUANTIZE between differing scales) behind those.
    """

    exact: Graph
    graph: Graph
    grids: Mapping[int, Grid] = field(default_factory=dict)
    """By tensor index, for weights that are not plain int8."""

    def replace(self, **changes: object) -> IntegerNetwork:
        """Return a copy with some fields exchanged."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def content(self) -> bytes:
        """Return the quantized graph as a `.tflite` file."""
        return write_model(self.graph)
