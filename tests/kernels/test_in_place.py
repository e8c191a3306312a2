"""Where a row says that an output may start at an input's first byte, the result is the same as in two buffers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from cases import GENERATORS
from compare import make_case
from oracle import build

from midge.runtime.interpret import aligned_bytes, bind
from midge.runtime.lower import lower
from midge.runtime.operators import OPERATORS
from midge.runtime.operators.row import OperatorRow
from midge.runtime.program import Program, Target
from midge.runtime.tflite.reader import read_model

LAYERS = 12
"""Random layers per operator and type."""

Bytes = npt.NDArray[np.uint8]


def run(program: Program, feeds: dict[int, Bytes], shared: tuple[int, int] | None) -> list[bytes]:
    """Run the one step of a program, the two tensors of `shared` in one buffer, and return its outputs."""
    (step,) = program.steps
    tensors = program.graph.tensors
    buffers = {index: feed.copy() for index, feed in feeds.items()}
    for index in step.outputs:
        buffers[index] = np.zeros(tensors[index].nbytes, np.uint8)
    if shared is not None:
        source, output = shared
        buffers[output] = buffers[source] = np.resize(buffers[source], max(tensors[i].nbytes for i in shared))

    def buffer(index: int) -> Bytes:
        data = tensors[index].data
        return buffers[index] if data is None else np.frombuffer(data.tobytes(), np.uint8)

    for call in step.calls:
        bind(call, buffer, aligned_bytes(call.scratch) if call.scratch else None).run()
    return [buffers[index][: tensors[index].nbytes].tobytes() for index in step.outputs]


@pytest.mark.parametrize(
    ("operator", "dtype"), [(operator, dtype) for operator, made in GENERATORS.items() for dtype in made.dtypes]
)
def test_in_place_results_are_the_same(operator: str, dtype: str) -> None:
    """An in-place pair changes nothing but the memory that is used."""
    for number in range(LAYERS):
        case = make_case(operator, dtype, seed=11, number=number)
        program = lower(read_model(build(case), "case"), Target())
        feeds = {
            index: np.frombuffer(np.ascontiguousarray(feed).tobytes(), np.uint8)
            for index, feed in zip(program.graph.inputs, case.feeds, strict=True)
        }
        for pair in program.steps[0].in_place:
            expected = run(program, feeds, None)

            assert run(program, feeds, pair) == expected, f"layer {number}, tensors {pair}"


@pytest.mark.parametrize("row", [row for row in OPERATORS.values() if row.name in ("ADD", "RELU", "SOFTMAX", "TANH")])
def test_common_layers_work_in_place(row: OperatorRow) -> None:
    """The operators that save most memory do say that they work in place."""
    pairs = []
    for number in range(LAYERS):
        program = lower(read_model(build(make_case(row.name, "int8", seed=11, number=number)), "case"), Target())
        pairs += program.steps[0].in_place

    assert pairs
