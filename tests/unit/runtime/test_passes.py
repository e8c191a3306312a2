"""The graph passes keep every bit, and the graph stays valid."""

from __future__ import annotations

import numpy as np
import pytest

from midge.runtime.backends.host import HostBackend
from midge.runtime.errors import ModelError
from midge.runtime.graph import DType, Graph, Operator, Tensor, verify
from midge.runtime.lower import lower
from midge.runtime.passes import run_passes
from midge.runtime.program import Target


def tensor(name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> Tensor:
    return Tensor(name, shape, DType.INT32, data=data)


def outputs(graph: Graph, *inputs: np.ndarray) -> list[np.ndarray]:
    return HostBackend(lower(run_passes(graph), Target())).invoke(inputs)


def test_an_operator_on_constants_is_computed_once_and_for_all() -> None:
    constant = np.arange(6, dtype=np.int32).reshape(2, 3)
    order = np.array([1, 0], np.int32)
    graph = Graph(
        "test",
        (tensor("c", (2, 3), constant), tensor("order", (2,), order), tensor("t", (3, 2)), tensor("r", (6,))),
        (Operator("TRANSPOSE", (0, 1), (2,)), Operator("RESHAPE", (2,), (3,), index=1)),
        (),
        (3,),
    )

    folded = run_passes(graph)

    assert [operator.kind for operator in folded.operators] == ["COPY"]
    np.testing.assert_array_equal(outputs(graph)[0], constant.T.reshape(-1))


def test_operators_that_no_output_needs_are_dropped() -> None:
    graph = Graph(
        "test",
        (tensor("x", (4,)), tensor("a", (2, 2)), tensor("b", (4, 1))),
        (Operator("RESHAPE", (0,), (1,)), Operator("RESHAPE", (0,), (2,), index=1)),
        (0,),
        (1,),
    )

    assert [operator.index for operator in run_passes(graph).operators] == [0]


def test_an_output_that_is_an_input_or_listed_twice_gets_memory_of_its_own() -> None:
    graph = Graph(
        "test",
        (tensor("x", (4,)), tensor("a", (2, 2))),
        (Operator("RESHAPE", (0,), (1,)),),
        (0,),
        (0, 1, 1),
    )
    given = np.array([3, 1, 4, 1], np.int32)

    found = outputs(graph, given)

    assert [output.tolist() for output in found] == [[3, 1, 4, 1], [[3, 1], [4, 1]], [[3, 1], [4, 1]]]
    assert len(set(run_passes(graph).outputs)) == 3


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        ((Operator("RESHAPE", (1,), (2,)), Operator("RESHAPE", (2,), (1,), index=1)), "before anything has written it"),
        ((Operator("RESHAPE", (0,), (2,)), Operator("RESHAPE", (0,), (2,), index=1)), "already written"),
        ((Operator("RESHAPE", (0,), (0,)),), "already written"),
        ((), "never written"),
    ],
)
def test_cycles_and_double_writes_are_refused(operators: tuple[Operator, ...], message: str) -> None:
    graph = Graph("test", (tensor("x", (4,)), tensor("a", (4,)), tensor("b", (4,))), operators, (0,), (2,))

    with pytest.raises(ModelError, match=message):
        verify(graph)
