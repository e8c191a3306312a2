"""The operator table. To support another operator, write its row in the file of its family and list it here."""

from __future__ import annotations

from midge.runtime.operators import shape
from midge.runtime.operators.row import OperatorRow

_ROWS = (
    shape.COPY,
    shape.EXPAND_DIMS,
    shape.RESHAPE,
    shape.SQUEEZE,
)

OPERATORS: dict[str, OperatorRow] = {row.name: row for row in _ROWS}
