"""What convolutions share that are computed in bands of rows from a copy of the rows that a band depends on."""

from __future__ import annotations

from midge.runtime.graph import DType, Graph, Node
from midge.runtime.operators.window import Window

_LEAST_SCRATCH = 2048
"""Bytes of scratch that a layer may take in any case; six times as many in speed mode."""
_SHARE = {"default": (1, 6), "speed": (3, 8), "ram": (1, 16)}
"""The share of the model's busiest layer's input and output that scratch may take, by mode."""


def lead(window: Window, band_rows: int) -> int:
    """Return how far the output must start before the input; see `KernelCall.lead`."""
    kept = (window.filter_height - 1) * window.dilation_height
    input_row = window.input_width * window.input_channels
    output_row = window.output_width * window.output_channels
    least = 0
    for batch in range(window.batches):
        for row in range(0, window.output_height, band_rows):
            done = min(row + band_rows, window.output_height)
            used = min(max(done + kept - window.padding_top, 0), window.input_height)
            if done == window.output_height:
                used = window.input_height
            written = (batch * window.output_height + done) * output_row
            read = (batch * window.input_height + used) * input_row
            if read < window.batches * window.input_height * input_row:
                least = max(least, written - read)
    return least


def scratch_limit(node: Node, mode: str) -> int:
    """Return the most scratch, in bytes, that a layer may take without governing the model's memory."""
    graph = node.graph
    busiest = max(_largest_pair(graph, position) for position in range(len(graph.operators)))
    own = node.input(0).nbytes + node.output().nbytes
    share, of = _SHARE[mode]
    return max(busiest * share // of, (busiest - own) // 2, _LEAST_SCRATCH * (6 if mode == "speed" else 1))


def _largest_pair(graph: Graph, position: int) -> int:
    """Return the elements of an operator's largest int8 input, constants left out, and of its largest int8 output."""
    operator = graph.operators[position]
    inputs = [graph.tensors[i] for i in operator.inputs if i is not None and graph.tensors[i].data is None]
    outputs = [graph.tensors[i] for i in operator.outputs]
    return sum(max((t.elements for t in side if t.dtype == DType.INT8), default=0) for side in (inputs, outputs))
