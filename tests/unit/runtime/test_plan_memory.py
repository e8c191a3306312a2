"""The planner: no two living buffers overlap, and the total is what it says."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from midge.runtime.graph import DType, Graph, Tensor
from midge.runtime.passes.plan_memory import Plan, plan_memory
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


def in_place(base: Program, **calls: KernelCall) -> Program:
    """Give some steps of a program a kernel call each; `s1` names the step at position 1."""
    steps = tuple(replace(step, calls=(calls[step.name],)) if step.name in calls else step for step in base.steps)
    return replace(base, steps=steps)


def test_an_output_may_start_its_lead_before_its_input() -> None:
    """Both tensors are alive in the step, but the output lies 16 bytes before the input, over the rest of it."""
    base = program([10, 64, 64, 10], [([0], [1]), ([1], [2]), ([2], [3])])
    plan = plan_memory(in_place(base, s1=KernelCall("midge_copy", {}, (1,), (2,), lead=16)))

    assert plan.offsets[1] - plan.offsets[2] == 16
    assert plan.total == plan.lower_bound == 64 + 16


def test_leads_add_up_along_a_chain_and_so_does_the_bound() -> None:
    """Three tensors of 64 bytes: each starts 8 before the one it is made from, and none has room beside another."""
    base = program([64, 64, 64], [([0], [1]), ([1], [2])])
    calls = {f"s{i}": KernelCall("midge_copy", {}, (i,), (i + 1,), lead=8) for i in range(2)}
    plan = plan_memory(in_place(base, **calls))

    assert plan.total == plan.lower_bound == 64 + 8 + 8


def test_a_chain_holds_no_memory_that_its_members_do_not_use_at_that_time() -> None:
    """x (64) -> a (64, over x) -> b (8, over a) beside c (48) -> d: c lies where x and a were."""
    base = program([64, 64, 8, 48, 48], [([0], [1]), ([1], [2]), ([2], [3]), ([2, 3], [4])])
    calls = {f"s{i}": KernelCall("midge_copy", {}, (i,), (i + 1,), lead=0) for i in range(2)}
    plan = plan_memory(in_place(base, **calls))

    assert plan.total == plan.lower_bound == 8 + 48 + 48


def test_two_tensors_that_may_start_together_lie_apart_where_that_needs_less() -> None:
    """x (112) -> a (64) -> b (64) -> c (128): a starts no later than x, c 64 before b. Where b takes a's memory, both
    begin at 64 and x ends at 64 + 112. Where a lies below b, x may begin at 0 too, and c comes to lie over both.
    """
    base = program([112, 64, 64, 128], [([0], [1]), ([1], [2]), ([2], [3])])
    calls = {
        "s0": KernelCall("midge_copy", {}, (0,), (1,), lead=0),
        "s2": KernelCall("midge_copy", {}, (2,), (3,), lead=64),
    }
    made = in_place(base, **calls)
    steps = (made.steps[0], replace(made.steps[1], in_place=((1, 2),)), made.steps[2])
    plan = plan_memory(replace(made, steps=steps))

    assert plan.total == plan.lower_bound == 128


def test_a_lead_that_is_no_use_is_not_taken() -> None:
    base = program([64, 64], [([0], [1])])
    plan = plan_memory(in_place(base, s0=KernelCall("midge_copy", {}, (0,), (1,), lead=1000)))

    assert plan.total == plan.lower_bound == 128


def test_an_input_that_is_read_under_two_names_is_not_overlapped() -> None:
    """The lead speaks of the walk over input 0; input 1 is the same tensor and may be read in another order."""
    base = program([64, 64], [([0], [1])])
    plan = plan_memory(in_place(base, s0=KernelCall("midge_add_s8", {}, (0, 0), (1,), lead=0)))

    assert plan.total == 128


def random_program(rng: np.random.Generator, count: int, largest: int) -> Program:
    """Steps that read up to three earlier tensors; some in place, some with a lead, some renamings, some scratch."""
    sizes = [int(rng.integers(1, largest)) for _ in range(count)]
    steps = []
    for position in range(count - 1):
        output = position + 1
        latest = [position] if rng.random() < 0.7 else [int(rng.integers(0, output))]
        others = [int(rng.integers(0, output)) for _ in range(int(rng.integers(0, 3)))] if rng.random() < 0.4 else []
        reads = tuple(dict.fromkeys(latest + others))
        way = rng.random()
        if way < 0.1 and len(reads) == 1:
            sizes[output] = sizes[reads[0]]
            steps.append(Step(position, "RESHAPE", f"s{position}", reads, (output,), (), alias_of=reads[0]))
            continue
        call = KernelCall(
            "midge_copy",
            {},
            reads,
            (output,),
            scratch=int(rng.integers(1, largest)) if rng.random() < 0.3 else 0,
            lead=int(rng.integers(0, largest)) if way < 0.7 else None,
        )
        pairs = tuple((read, output) for read in reads) if way > 0.5 else ()
        steps.append(Step(position, "TEST", f"s{position}", reads, (output,), (call,), in_place=pairs))
    tensors = tuple(Tensor(f"t{i}", (size,), DType.INT8) for i, size in enumerate(sizes))
    return Program(Graph("test", tensors, (), (0,), (count - 1,)), Target(), tuple(steps))


def overwritten(made: Program, plan: Plan) -> str | None:
    """Play a program byte by byte, kernels as unhelpful as their contract lets them be; say what was destroyed.

    A kernel in place reads byte i of its input just before it writes byte i of its output. One with a lead L has, when
    it has written w bytes, read no more than w - L bytes of input 0. Any other reads its inputs last of all.
    """
    sizes = [tensor.nbytes for tensor in made.graph.tensors]
    memory: list[tuple[int, int] | None] = [None] * plan.total
    name = list(range(len(sizes)))

    def store(tensor: int, begin: int, end: int) -> None:
        for i in range(begin, end):
            memory[plan.offsets[tensor] + i] = (name[tensor], i)

    def intact(tensor: int, begin: int = 0) -> bool:
        return all(memory[plan.offsets[tensor] + i] == (name[tensor], i) for i in range(begin, sizes[tensor]))

    for index in made.graph.inputs:
        store(index, 0, sizes[index])
    for position, step in enumerate(made.steps):
        output = step.outputs[0]
        if step.alias_of is not None:
            name[output] = name[step.alias_of]
            continue
        if not all(intact(index) for index in step.inputs):
            return f"step {position} found an input destroyed"
        same = {a for a, b in step.in_place if plan.offsets[a] == plan.offsets[b]}
        scratch = plan.scratch_offsets.get(position, 0)
        memory[scratch : scratch + step.scratch] = [None] * step.scratch
        for written in range(sizes[output] + 1):
            store(output, max(written - 1, 0), written)
            for index in step.inputs:
                read = 0
                if index in same:
                    read = written
                elif step.lead is not None and index == step.inputs[0]:
                    read = max(0, written - step.lead)
                if not intact(index, min(read, sizes[index])) and written <= sizes[output]:
                    return f"step {position} destroyed tensor {index} before it was read"
        memory[scratch : scratch + step.scratch] = [None] * step.scratch
        if not intact(output):
            return f"step {position} lost its output to its scratch"
    return None if all(intact(index) for index in made.graph.outputs) else "an output was destroyed"


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_overwritten_before_it_was_read_in_random_programs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = random_program(rng, count=int(rng.integers(2, 14)), largest=40)
    plan = plan_memory(made)

    assert overwritten(made, plan) is None
    assert all(offset % 4 == 0 for offset in plan.offsets.values())
    assert all(offset % 16 == 0 for offset in plan.scratch_offsets.values())
    assert plan.lower_bound <= plan.total <= plan_memory(made, thorough=False).total
    quick = plan_memory(made, thorough=False)
    assert overwritten(made, quick) is None


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_first_fits_beats_the_plan_of_a_small_program(seed: int) -> None:
    """Of all 720 orders of six tensors, each put at the lowest place that is free, the best is what the plan needs."""
    rng = np.random.default_rng(100 + seed)
    sizes = [4 * int(rng.integers(1, 30)) for _ in range(6)]
    steps = [(sorted({i - 1, int(rng.integers(0, i))}), [i]) for i in range(1, 6)]
    lives = {
        i: (max(i - 1, -1) if i else -1, max([p for p, (r, _) in enumerate(steps) if i in r] + [i - 1]))
        for i in range(6)
    }
    lives[5] = (4, 5)

    def total(order: tuple[int, ...]) -> int:
        at: dict[int, int] = {}
        for a in order:
            taken = [(at[b], at[b] + sizes[b]) for b in at if lives[a][0] <= lives[b][1] and lives[b][0] <= lives[a][1]]
            starts = [0, *(end for _, end in taken)]
            at[a] = min(s for s in starts if all(s + sizes[a] <= low or s >= high for low, high in taken))
        return max(at[i] + sizes[i] for i in at)

    smallest = min(total(order) for order in itertools.permutations(range(6)))

    assert plan_memory(program(sizes, steps)).total == smallest


def test_without_sharing_every_tensor_keeps_its_memory() -> None:
    made = random_program(np.random.default_rng(5), count=12, largest=40)
    plan = plan_memory(made, share=False)
    sizes = [tensor.nbytes for tensor in made.graph.tensors]
    aliases = {step.outputs[0]: step.alias_of for step in made.steps}
    spans = sorted((plan.offsets[i], plan.offsets[i] + sizes[i]) for i in range(12) if aliases.get(i) is None)

    assert all(low[1] <= high[0] for low, high in itertools.pairwise(spans))


def test_hundreds_of_steps_are_planned_within_the_limit_of_work() -> None:
    """The search counts its work: the plan is the same each time, and large programs end."""
    made = random_program(np.random.default_rng(3), count=500, largest=4000)

    assert plan_memory(made).offsets == plan_memory(made).offsets


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
