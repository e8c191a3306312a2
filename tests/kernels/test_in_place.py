"""Where a kernel may write over its input, the result is the same as in two buffers, for every variant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from cases import GENERATORS
from compare import make_case
from oracle import build

from midge.runtime.arches import ARCHES
from midge.runtime.graph import Graph
from midge.runtime.interpret import aligned_bytes, bind
from midge.runtime.lower import candidates, lower, lower_node
from midge.runtime.operators import OPERATORS
from midge.runtime.operators.row import OperatorRow
from midge.runtime.operators.variant import MODES
from midge.runtime.program import Choice, Program, Step, Target
from midge.runtime.tflite.reader import read_model

LAYERS = 12
"""Random layers per operator and type."""
MORE_LAYERS = {"CONV_2D": 60, "DEPTHWISE_CONV_2D": 60, "FULLY_CONNECTED": 30, "AVERAGE_POOL_2D": 30, "MAX_POOL_2D": 30}
"""Of operators whose variants take only some shapes."""

ALIGNMENT = 4
"""Bytes: the planner places tensors at whole words."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Shared:
    """Two tensors in one buffer."""

    source: int
    output: int
    distance: int
    """Bytes from the output's start to the input's."""


def run(step: Step, graph: Graph, feeds: dict[int, Bytes], shared: Shared | None) -> list[bytes]:
    """Run a step, the two tensors of `shared` in one buffer, and return its outputs."""
    tensors = graph.tensors
    buffers: dict[int, Bytes] = {}
    for index in (*feeds, *step.outputs):
        buffers[index] = aligned_bytes(tensors[index].nbytes)
    if shared is not None:
        end = shared.distance + tensors[shared.source].nbytes
        block = aligned_bytes(max(end, tensors[shared.output].nbytes))
        buffers[shared.source] = block[shared.distance : end]
        buffers[shared.output] = block[: tensors[shared.output].nbytes]
    for index, feed in feeds.items():
        buffers[index][:] = feed

    def buffer(index: int) -> Bytes:
        data = tensors[index].data
        return buffers[index] if data is None else np.frombuffer(data.tobytes(), np.uint8)

    for call in step.calls:
        bind(call, buffer, aligned_bytes(call.scratch) if call.scratch else None).run()
    return [buffers[index].tobytes() for index in step.outputs]


def ways_to_compute(program: Program) -> Iterator[tuple[str, Step]]:
    """Yield the program's one step as every variant of every instruction set and mode computes it."""
    (node,) = program.graph.nodes()
    seen = set()
    for arch in ARCHES:
        for mode in MODES:
            target = Target(arch, mode)
            for name, calls in candidates(node, target):
                key = (name, *((call.kernel, call.lead, call.in_place, call.scratch) for call in calls))
                # The plain variant is the same for all; others may be packed otherwise for another instruction set.
                if (key if name == "plain" else (arch, *key)) not in seen:
                    seen.add(key if name == "plain" else (arch, *key))
                    yield f"{name} for {arch}, {mode}", lower_node(node, target, Choice(name))


def overlaps(step: Step, graph: Graph) -> Iterator[Shared]:
    """Yield the ways in which the planner may let the step's tensors overlap: the closest ones and some others."""
    for source, output in step.in_place:
        yield Shared(source, output, 0)
    if step.lead is None:
        return
    call = step.calls[0]
    source, output = call.inputs[0], call.outputs[0]
    if graph.tensors[source].data is None and source not in call.inputs[1:]:
        closest = -(-step.lead // ALIGNMENT) * ALIGNMENT
        for more in (0, 4, 16, 52):
            yield Shared(source, output, closest + more)


@pytest.mark.parametrize(
    ("operator", "dtype"), [(operator, dtype) for operator, made in GENERATORS.items() for dtype in made.dtypes]
)
def test_results_over_the_input_are_the_same(operator: str, dtype: str) -> None:
    """Neither an in-place pair nor a lead changes anything but the memory that is used."""
    for number in range(MORE_LAYERS.get(operator, LAYERS)):
        case = make_case(operator, dtype, seed=11, number=number)
        program = lower(read_model(build(case), "case"), Target())
        graph = program.graph
        feeds = {
            index: np.frombuffer(np.ascontiguousarray(feed).tobytes(), np.uint8)
            for index, feed in zip(graph.inputs, case.feeds, strict=True)
        }
        for way, step in ways_to_compute(program):
            expected = None
            for shared in overlaps(step, graph):
                expected = run(step, graph, feeds, None) if expected is None else expected

                assert run(step, graph, feeds, shared) == expected, f"layer {number}, {way}, {shared}"


@pytest.mark.parametrize("row", [row for row in OPERATORS.values() if row.name in ("ADD", "RELU", "SOFTMAX", "TANH")])
def test_common_layers_work_in_place(row: OperatorRow) -> None:
    """The operators that save most memory do say that they work in place."""
    pairs = []
    for number in range(LAYERS):
        program = lower(read_model(build(make_case(row.name, "int8", seed=11, number=number)), "case"), Target())
        pairs += program.steps[0].in_place

    assert pairs
