"""LOOKUP: any function of one byte, as a table. Not in any file: the passes make it of chains of such functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from midge.runtime.graph import DType, Node
from midge.runtime.operators.builder import built_row, first_in_place
from midge.runtime.operators.quantized import lookup_call, require_elements
from midge.runtime.operators.row import INTERNAL, expect, expect_counts, expect_shape, require_dtype
from midge.runtime.program import KernelCall


@dataclass(frozen=True)
class LookupTable:
    """Attributes of LOOKUP."""

    values: tuple[int, ...]
    """The output for each of the 256 values of the input, from the least up."""


def _lookup(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (1, 1))
    source, output = node.input(0), node.output()
    require_dtype(source, DType.INT8, DType.UINT8)
    require_dtype(output, DType.INT8, DType.UINT8, what="output")
    expect_shape(output, source.shape)
    require_elements(source)
    values = node.attributes.values
    expect(len(values) == 256, f"expected a table of 256 values, found {len(values)}")
    return (lookup_call(node, np.array(values, np.int64)),)


LOOKUP = built_row("LOOKUP", INTERNAL, _lookup, LookupTable, in_place=first_in_place)
