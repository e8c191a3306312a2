"""The planner: no two living buffers overlap, and the total is what it says."""

import numpy as np
import pytest

from midge.runtime.graph import DType, Graph, Tensor
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.program import KernelCall, Program, Step, Target


def program(sizes: list[int], steps: list[tuple[list[int], list[int]]], **step_options: object) -> Program:
    """A program over int8 tensors; each step reads some and writes some. Tensor 0 is the input, the last the output."""
    tensors = tuple(Tensor(f"t{i}", (size,), DType.INT8) for i, size in enumerate(sizes))
    graph = Graph("test", tensors, (), (0,), (len(sizes) - 1,))
    return Program(
        graph,
        Target(),
        tuple(
            Step(i, "TEST", f"s{i}", tuple(reads), tuple(writes), (), **step_options)  # type: ignore[arg-type]
            for i, (reads, writes) in enumerate(steps)
        ),
    )


def test_a_chain_needs_its_two_largest_neighbours() -> None:
    plan = plan_memory(program([100, 60, 40, 20], [([0], [1]), ([1], [2]), ([2], [3])]))

    assert plan.arena == 100 + 60
    assert plan.lower_bound == 100 + 60


def test_an_in_place_step_takes_no_memory_of_its_own() -> None:
    chain = program([64, 64, 64], [([0], [1]), ([1], [2])])
    shared = Program(
        chain.graph,
        chain.target,
        tuple(
            Step(s.index, s.kind, s.name, s.inputs, s.outputs, (), in_place=((i, i + 1),))
            for i, s in enumerate(chain.steps)
        ),
    )

    assert plan_memory(shared).total == 64


def test_an_input_that_is_read_again_later_is_not_overwritten_in_place() -> None:
    steps = (
        Step(0, "TEST", "a", (0,), (1,), (), in_place=((0, 1),)),
        Step(1, "TEST", "b", (0, 1), (2,), ()),
    )
    base = program([32, 32, 32], [([0], [1]), ([0, 1], [2])])
    plan = plan_memory(Program(base.graph, base.target, steps))

    assert plan.offsets[0] != plan.offsets[1]
    assert plan.total == 96


def test_an_alias_lies_where_its_source_lies() -> None:
    steps = (Step(0, "RESHAPE", "a", (0,), (1,), (), alias_of=0), Step(1, "TEST", "b", (1,), (2,), ()))
    base = program([48, 48, 16], [([0], [1]), ([1], [2])])
    plan = plan_memory(Program(base.graph, base.target, steps))

    assert plan.offsets[0] == plan.offsets[1]
    assert plan.total == 64


def test_scratch_is_counted_as_what_it_adds_to_the_tensors() -> None:
    call = KernelCall("midge_copy", {}, (0,), (1,), scratch=100)
    steps = (Step(0, "TEST", "a", (0,), (1,), (call,)), Step(1, "TEST", "b", (1,), (2,), ()))
    base = program([16, 16, 200], [([0], [1]), ([1], [2])])
    plan = plan_memory(Program(base.graph, base.target, steps))

    assert plan.arena == 216
    assert plan.scratch == 0  # it lies where the output comes later
    assert plan.scratch_offsets[0] % 16 == 0


@pytest.mark.parametrize("seed", range(30))
def test_no_two_living_tensors_overlap_in_random_programs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 40))
    sizes = [int(rng.integers(1, 5000)) for _ in range(count)]
    steps = [(sorted({int(rng.integers(0, i)) for _ in range(int(rng.integers(1, 4)))}), [i]) for i in range(1, count)]
    plan = plan_memory(program(sizes, steps))

    first = dict.fromkeys(range(count), -1) | {writes[0]: i for i, (_, writes) in enumerate(steps)}
    last = {t: max([i for i, (reads, writes) in enumerate(steps) if t in reads or t in writes]) for t in range(count)}
    last[count - 1] = len(steps)
    for a in range(count):
        assert 0 <= plan.offsets[a] <= plan.total - sizes[a]
        assert plan.offsets[a] % 4 == 0
        for b in range(a):
            alive_together = first[a] <= last[b] and first[b] <= last[a]
            apart = plan.offsets[a] + sizes[a] <= plan.offsets[b] or plan.offsets[b] + sizes[b] <= plan.offsets[a]
            assert apart or not alive_together
    assert plan.lower_bound <= plan.total + 3
