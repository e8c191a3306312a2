"""Recurrent layers: a unit is a channel, with its columns in every gate and its row in the recurrent kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from midge.converter.prune.channels import Ids
from midge.converter.prune.keras_graph import is_kind
from midge.converter.prune.rules.activation import is_elementwise, name_of
from midge.converter.prune.rules.rule import Rule, Width
from midge.converter.prune.trace import Call, Trace


def _spread_recurrent(trace: Trace, call: Call, inputs: list[Ids]) -> list[Ids | None]:
    """Kernel [inputs, gates * units], recurrent kernel [units, gates * units], bias [(2,) gates * units].

    The gates are blocks of ``units`` columns: 1 of SimpleRNN, 3 of GRU, 4 of LSTM.
    """
    cell = call.layer.cell
    if type(cell).__module__.partition(".")[0] != "keras" or not is_kind(cell, "SimpleRNNCell", "GRUCell", "LSTMCell"):
        return trace.give_up(call, inputs, f"the cell of {call.path!r} is not one of Keras's plain ones")
    if call.layer.stateful:
        return trace.give_up(call, inputs, f"{call.path!r} keeps its state from call to call (stateful)")
    for function in (cell.activation, getattr(cell, "recurrent_activation", None)):
        if not is_elementwise(function):
            return trace.give_up(call, inputs, f"the activation {name_of(function)} of {call.path!r} mixes its units")

    units = trace.widths.get((call.path, "units"))
    if units is None:
        units = trace.channels.new(cell.units)
    trace.tie(call.path, "units", units)
    columns = np.tile(units, call.variable("kernel").shape[1] // cell.units)
    trace.own(call, "kernel", 0, inputs[0], produces=False)
    trace.own(call, "kernel", 1, columns, produces=True)
    trace.own(call, "recurrent_kernel", 0, units, produces=False)
    trace.own(call, "recurrent_kernel", 1, columns, produces=True)
    if call.variable("bias") is not None:
        trace.own(call, "bias", len(call.variable("bias").shape) - 1, columns, produces=True)
    for state in inputs[1:]:
        trace.channels.unite(units, state)
    return [units for _ in call.outputs]


def _resize_recurrent(config: dict[str, Any], width: Width) -> None:
    inner = config["cell"]["config"] if "cell" in config else config
    inner["units"] = width("units")


RECURRENT = Rule(_spread_recurrent, _resize_recurrent)
