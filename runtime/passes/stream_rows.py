"""Trade instructions for RAM: run neighbouring convolutions band by band, so that what is between them is never whole.

A chain of convolutions is cut into bands of rows of its last output. For each band, every layer of the chain computes
just the rows that the band needs: a convolution of some rows of its input, with padding only where the image ends. Rows
that two bands need are computed twice. The chain's input is read where it lies and its output is written where it
belongs; between them there is one band of each layer at a time.

Every value is computed from the same values as before, so no bit changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from midge.runtime.graph import Graph, Node, Operator, Tensor, verify
from midge.runtime.lower import lower, lower_node
from midge.runtime.operators.conv_geometry import conv_geometry, depthwise_window
from midge.runtime.operators.dynamic import is_dynamic
from midge.runtime.operators.rows import TakeRows
from midge.runtime.operators.window import Padding, Window
from midge.runtime.passes.bound_memory import lower_bound
from midge.runtime.passes.memory_blocks import ALIGNMENT, find_blocks, scratch_blocks
from midge.runtime.passes.plan_memory import Plan, plan_memory
from midge.runtime.program import Program, Step, Target

LONGEST_CHAIN = 4
BANDS = (2, 3, 4, 6, 8, 12, 16)
"""Numbers of bands that are tried."""
ROUNDS = 4
"""Chains that are cut, at most, one after the other."""
LEAST_GAIN = 0.02
"""Part of the memory that a cut must save to be worth its instructions."""
MOST_MORE = 1.5
"""A chain may take this many times its multiplications."""
PLANNED = 3
"""Cuts that are planned in each round: those with the lowest bounds."""

Band = tuple[int, int]
"""First row, and the one after the last."""


@dataclass(frozen=True, eq=False)
class _Cut:
    """A graph with one chain cut into bands."""

    graph: Graph
    program: Program
    bound: int
    """No plan is smaller; far quicker to know than the plan."""

    @cached_property
    def plan(self) -> Plan:
        """The plan of the program's memory."""
        return plan_memory(self.program)


def stream_rows(graph: Graph, target: Target) -> Graph:
    """Return the graph with chains of convolutions cut into bands where that lowers the peak of its memory.

    Args:
        graph: a graph after its passes; every operator has passed its row's check.
        target: what it will be lowered for.

    Raises:
        UnsupportedError: an operator that no kernel covers.
    """
    program = lower(graph, target)
    best = _Cut(graph, program, _bound(program))
    for _ in range(ROUNDS):
        enough = best.plan.total * (1 - LEAST_GAIN)
        cuts = [cut for chain in _chains_at_peak(best) for cut in _cut_chain(best, chain, target, enough)]
        cuts = sorted((cut for cut in cuts if cut.bound <= enough), key=_cheapest)
        cuts = sorted(cuts, key=lambda cut: cut.bound // _STEP)[:PLANNED]
        if not cuts:
            break
        smallest = min(cut.plan.total for cut in cuts)
        if smallest > enough:
            break
        near = [cut for cut in cuts if cut.plan.total <= smallest * (1 + LEAST_GAIN / 2)]
        best = min(near, key=_cheapest)
    return best.graph


_STEP = 256
"""Bytes; bounds that differ by less are alike."""


def _cheapest(cut: _Cut) -> tuple[int, int]:
    return cut.program.executed_macs, cut.bound


def _bound(program: Program) -> int:
    found = find_blocks(program)
    return lower_bound([*found.blocks, *scratch_blocks(program).values()], found.overlaps)


def _chains_at_peak(cut: _Cut) -> Iterator[tuple[int, ...]]:
    """Yield chains of operators between which a tensor lies that is alive where the memory is full."""
    graph, plan = cut.graph, cut.plan
    full = [block for block, offset in plan.blocks if offset + block.words == plan.total]
    at_peak = {
        tensor
        for block, _ in plan.blocks
        if any(block.first <= other.last and other.first <= block.last for other in full)
        for tensor in block.tensors
    }
    readers: dict[int, list[int]] = {index: [] for index in graph.outputs}
    for position, operator in enumerate(graph.operators):
        for index in operator.inputs:
            if index is not None:
                readers.setdefault(index, []).append(position)
    for start in range(len(graph.operators)):
        chain = [start] if _window(Node(graph, graph.operators[start])) is not None else []
        while chain and len(chain) < LONGEST_CHAIN:
            output = graph.operators[chain[-1]].outputs[0]
            found = readers.get(output, [])
            if output in graph.outputs or len(found) != 1 or _window(Node(graph, graph.operators[found[0]])) is None:
                break
            chain.append(found[0])
            between = {graph.operators[position].outputs[0] for position in chain[:-1]}
            if between & at_peak:
                yield tuple(chain)


def _window(node: Node) -> Window | None:
    """Return the window of a convolution that can be cut, None for any other operator."""
    if node.operator.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return None
    if is_dynamic(node) or node.input(0).data is not None or node.input(0).shape[0] != 1:
        return None
    return conv_geometry(node) if node.operator.kind == "CONV_2D" else depthwise_window(node)


def _cut_chain(before: _Cut, chain: Sequence[int], target: Target, enough: float) -> Iterator[_Cut]:
    """Yield the graph with the chain cut into several numbers of bands, where it may take no more than `enough`."""
    graph = before.graph
    operators = [graph.operators[position] for position in chain]
    windows = [window for operator in operators if (window := _window(Node(graph, operator))) is not None]
    steps = {id(operator): step for operator, step in zip(graph.operators, before.program.steps, strict=True)}
    rows = windows[-1].output_height
    for count in BANDS:
        height = -(-rows // count)
        bands = [_rows_needed(windows, (top, min(top + height, rows))) for top in range(0, rows, height)]
        if (
            len(bands) < 2
            or _least(graph, operators, bands) > enough
            or not _is_worth_it(windows, bands)
            or not _is_aligned(graph, operators, bands)
        ):
            continue
        cut = _rewrite(graph, chain, windows, bands)
        made: list[Step] = []
        for operator in cut.operators:
            known = steps.get(id(operator))
            made.append(known if known is not None else lower_node(Node(cut, operator), target))
        program = Program(cut, target, tuple(made))
        yield _Cut(cut, program, _bound(program))


def _rows_needed(windows: Sequence[Window], band: Band) -> list[Band]:
    """Return the rows of the chain's input, of each output but the last, and of the last that a band is about."""
    needed = [band]
    for window in reversed(windows):
        top, bottom = _reach(window, needed[0])
        needed.insert(0, (max(top, 0), min(bottom, window.input_height)))
    return needed


def _reach(window: Window, band: Band) -> Band:
    """Return the rows that the windows of a band span, rows of padding included."""
    span = (window.filter_height - 1) * window.dilation_height + 1
    return (
        band[0] * window.stride_height - window.padding_top,
        (band[1] - 1) * window.stride_height - window.padding_top + span,
    )


def _is_worth_it(windows: Sequence[Window], bands: Sequence[Sequence[Band]]) -> bool:
    """Whether bands do not overlap so far that most is computed twice."""
    whole = again = 0
    for position, window in enumerate(windows):
        row = window.output_width * window.output_channels * window.filter_height * window.filter_width
        whole += row * window.output_height
        again += row * sum(band[position + 1][1] - band[position + 1][0] for band in bands)
    return again <= MOST_MORE * whole


def _least(graph: Graph, operators: Sequence[Operator], bands: Sequence[Sequence[Band]]) -> int:
    """Return bytes that a cut takes at least: the chain's whole input, and the first band of what comes next.

    The output may grow into the rows of the input that are done with.
    """
    source, *outputs = (graph.tensors[i] for i in (operators[0].inputs[0] or 0, *(o.outputs[0] for o in operators)))
    between = zip(outputs[:-1], bands[0][1:-1], strict=True)
    largest = max(tensor.nbytes // tensor.shape[1] * (band[1] - band[0]) for tensor, band in between)
    return max(source.nbytes + largest, outputs[-1].nbytes)


def _is_aligned(graph: Graph, operators: Sequence[Operator], bands: Sequence[Sequence[Band]]) -> bool:
    """Whether every band of the chain's input and output begins at a whole word."""
    source, output = graph.tensors[operators[0].inputs[0] or 0], graph.tensors[operators[-1].outputs[0]]
    input_row, output_row = (tensor.nbytes // tensor.shape[1] for tensor in (source, output))
    return not any(band[0][0] * input_row % ALIGNMENT or band[-1][0] * output_row % ALIGNMENT for band in bands)


def _rewrite(graph: Graph, chain: Sequence[int], windows: Sequence[Window], bands: Sequence[Sequence[Band]]) -> Graph:
    """Put the bands' operators where the last operator of the chain was."""
    tensors = list(graph.tensors)

    def add_rows(source: int, rows: Band) -> int:
        tensor = tensors[source]
        shape = (1, rows[1] - rows[0], *tensor.shape[2:])
        tensors.append(Tensor(f"{tensor.name}/rows {rows[0]}-{rows[1] - 1}", shape, tensor.dtype, tensor.quantization))
        return len(tensors) - 1

    operators = [graph.operators[position] for position in chain]
    source, output = operators[0].inputs[0], operators[-1].outputs[0]
    assert source is not None
    made: list[Operator] = []
    parts: list[int] = []
    reached = [0] * len(chain)
    macs_left = [operator.macs for operator in operators]
    for number, band in enumerate(bands):
        current = add_rows(source, band[0])
        made.append(
            Operator("TAKE_ROWS", (source,), (current,), TakeRows(band[0][0]), index=operators[0].index, macs=0)
        )
        for position, (operator, window) in enumerate(zip(operators, windows, strict=True)):
            rows = band[position + 1]
            top, bottom = _reach(window, rows)
            right = (window.output_width - 1) * window.stride_width + (window.filter_width - 1) * window.dilation_width
            padding = Padding(
                band[position][0] - top,
                bottom - band[position][1],
                window.padding_left,
                max(0, right + 1 - window.input_width - window.padding_left),
            )
            target = add_rows(operator.outputs[0], rows)
            macs = macs_left[position]
            if macs is not None and number + 1 < len(bands):
                # The file's arithmetic is that of the rows which no band before has computed.
                share = (operators[position].macs or 0) * (rows[1] - max(rows[0], reached[position]))
                macs = max(0, share // window.output_height)
                macs_left[position] = (macs_left[position] or 0) - macs
            reached[position] = rows[1]
            made.append(
                dataclasses.replace(
                    operator,
                    inputs=(current, *operator.inputs[1:]),
                    outputs=(target,),
                    attributes=dataclasses.replace(operator.attributes, explicit_padding=padding),
                    macs=macs,
                )
            )
            current = target
        parts.append(current)
    made.append(Operator("JOIN_ROWS", tuple(parts), (output,), index=operators[-1].index, macs=0))
    kept: list[Operator] = []
    for position, operator in enumerate(graph.operators):
        if position == chain[-1]:
            kept += made
        elif position not in chain:
            kept.append(operator)
    result = graph.replace(tensors=tuple(tensors), operators=tuple(kept))
    verify(result)
    return result
