"""Put operators that apply functions to every element, one after the other, into one table of 256 bytes.

Activations, QUANTIZE, DEQUANTIZE, and arithmetic with a constant of one element map an int8 or uint8 value to a value,
whatever the neighbours are. Where such operators follow each other, bytes come in, bytes go out, and nothing else reads
what is between, the whole is again a function of one byte. DEQUANTIZE and QUANTIZE with floats between them are a chain
like any other. Arithmetic with a constant becomes a table even alone where there are more elements than entries: a
look-up costs less.

Exact because the table is made by running the operators' own kernels on all 256 values. It is not true that QUANTIZE
behind DEQUANTIZE, or another scale behind a convolution, changes nothing: every operator rounds, so nothing is
multiplied out.

Demands: every operator has passed its row's check.
"""

from __future__ import annotations

import dataclasses

from midge.runtime.graph import Graph, Node, Operator
from midge.runtime.operators.lookup import LookupTable
from midge.runtime.passes.byte_functions import BYTES, argument, tabulate
from midge.runtime.passes.rewrite import count_readers, writers

_ENTRIES = 256
"""Of a table."""


def merge_byte_functions(graph: Graph) -> Graph:
    """Return the graph with a LOOKUP for each chain; it stands where the last operator of the chain stood."""
    readers, writer = count_readers(graph), writers(graph)
    operators: dict[int, Operator] = dict(enumerate(graph.operators))
    for position in reversed(range(len(graph.operators))):
        if position not in operators:
            continue
        chain = _chain(graph, position, readers, writer)
        if not _pays(graph, chain):
            continue
        members = [graph.operators[each] for each in chain]
        source = argument(Node(graph, members[0]))
        assert source is not None
        table = tabulate(graph, members, source)
        for each in chain:
            del operators[each]
        operators[position] = dataclasses.replace(
            members[-1], kind="LOOKUP", inputs=(source,), attributes=LookupTable(tuple(table.tolist())), version=1
        )
    return graph.replace(operators=tuple(operators[position] for position in sorted(operators)))


def _pays(graph: Graph, chain: list[int]) -> bool:
    """Whether a table is better than the operators of a chain: a single one may be a table already, or be short."""
    if len(chain) != 1:
        return len(chain) > 1
    operator = graph.operators[chain[0]]
    return len(operator.inputs) > 1 and graph.tensors[operator.outputs[0]].elements >= _ENTRIES


def _chain(graph: Graph, last: int, readers: dict[int, int], writer: dict[int, int]) -> list[int]:
    """Return the positions of the longest chain from a byte tensor to the output of operator `last`, in order."""
    chain: list[int] = []
    longest = 0
    position: int | None = last
    if graph.tensors[graph.operators[last].outputs[0]].dtype not in BYTES:
        return []
    while position is not None:
        operator = graph.operators[position]
        source = argument(Node(graph, operator))
        if source is None:
            break
        chain.append(position)
        if graph.tensors[source].dtype in BYTES:
            longest = len(chain)
        # Arithmetic of a tensor with itself reads it twice.
        alone = readers[source] == sum(index == source for index in operator.inputs)
        position = writer.get(source) if alone else None
    return list(reversed(chain[:longest]))
