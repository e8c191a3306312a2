"""The operator table. To support another operator, write its row in the file of its family and list it here."""

from __future__ import annotations

from midge.runtime.operators import movement, shape, slicing
from midge.runtime.operators.row import OperatorRow

_ROWS = (
    movement.CONCATENATION,
    shape.COPY,
    shape.EXPAND_DIMS,
    movement.PACK,
    shape.RESHAPE,
    slicing.SLICE,
    movement.SPLIT,
    movement.SPLIT_V,
    shape.SQUEEZE,
    slicing.STRIDED_SLICE,
    movement.TRANSPOSE,
    movement.UNPACK,
)

OPERATORS: dict[str, OperatorRow] = {row.name: row for row in _ROWS}
