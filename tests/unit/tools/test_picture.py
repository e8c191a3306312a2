"""The picture of a memory plan, on a plan small enough to draw by hand."""

from __future__ import annotations

from midge.runtime.graph import DType, Graph, Tensor
from midge.runtime.passes.plan_memory import Block, Plan
from midge.runtime.program import KernelCall, Program, Step, Target
from midge.tools.picture import draw_plan


def chain() -> tuple[Program, Plan]:
    """Three steps: x (8 bytes) -> a (4) -> b (4) -> y (8), y where x was; step 1 has 4 bytes of scratch on top.

    Bytes 8 to 12 hold a in steps 0 and 1; b lies at 0 in steps 1 and 2, scratch at 12 in step 1, y at 4 in step 2.
    """
    names = {"x": 8, "a": 4, "b": 4, "y": 8}
    tensors = tuple(Tensor(name, (size,), DType.INT8) for name, size in names.items())
    graph = Graph("chain", tensors, (), (0,), (3,))
    steps = tuple(
        Step(
            position + 5,
            "RELU",
            tensors[position + 1].name,
            (position,),
            (position + 1,),
            (KernelCall("midge_relu_s8", {}, (position,), (position + 1,), scratch=4 * (position == 1)),),
        )
        for position in range(3)
    )
    blocks = (
        (Block((0,), 8, -1, 0), 0),
        (Block((1,), 4, 0, 1), 8),
        (Block((2,), 4, 1, 2), 0),
        (Block((3,), 8, 2, 3), 4),
        (Block((), 4, 1, 1, 16), 12),
    )
    plan = Plan({0: 0, 1: 8, 2: 0, 3: 4}, {1: 12}, 12, 4, 16, blocks)
    return Program(graph, Target(), steps), plan


def drawing(lines: list[str]) -> list[list[str]]:
    """Reduce each line of the picture to the block that is in each step's three columns: its letter, or a blank."""
    return [[line[13:].ljust(9)[3 * step : 3 * step + 3] for step in range(3)] for line in lines]


def test_each_block_is_where_and_when_it_lives() -> None:
    """Drawn with one line for 4 bytes, the picture is the plan: columns are steps, rows are words."""
    program, plan = chain()
    picture = draw_plan(program, plan, width=13 + 3 * 3, rows=4)
    cells = drawing([line.plain for line in picture.lines[:4]])
    filled = [[cell.strip() != "" for cell in row] for row in cells]

    assert filled == [
        [False, True, False],  # scratch
        [True, True, True],  # a, a, y's upper half
        [True, False, True],  # x's upper half, nothing, y's lower half
        [True, True, True],  # x's lower half, b, b
    ]
    letters = {row.holds: row.label for row in picture.legend}
    text = "".join(line.plain for line in picture.lines)
    assert all(text.count(letter) == 1 for letter in letters.values())


def test_neighbouring_blocks_have_different_shades() -> None:
    program, plan = chain()
    lines = [line.plain[13:] for line in draw_plan(program, plan, width=13 + 3 * 3, rows=4).lines[:4]]

    bottom = lines[3]
    assert bottom[0] != bottom[3]  # x, then b: the first column of a step of three is never its letter's


def test_the_legend_says_sizes_lifetimes_and_roles() -> None:
    program, plan = chain()
    legend = {row.holds: row for row in draw_plan(program, plan, width=80).legend}

    assert set(legend) == {"input x", "a", "b", "output y", "scratch of RELU"}
    scratch = legend["scratch of RELU"]
    assert (scratch.size, scratch.offset, scratch.first, scratch.last) == (4, 12, 6, 6)
    assert (legend["b"].first, legend["b"].last) == (6, 7)


def test_the_peak_is_the_step_that_uses_the_last_byte() -> None:
    program, plan = chain()
    picture = draw_plan(program, plan, width=80)

    assert picture.peak_steps == (1,)
    assert {row.holds for row in picture.legend if row.at_peak} == {"a", "b", "scratch of RELU"}
    assert picture.lines[-1].plain == "      peak   " + " " * 8 + "▲" * 8  # a step is eight columns wide at most


def test_more_steps_than_columns_are_drawn_together() -> None:
    """500 steps in 80 columns: no line is longer than the width, and every line is there."""
    tensors = tuple(Tensor(f"t{i}", (4,), DType.INT8) for i in range(501))
    steps = tuple(Step(i, "RELU", f"t{i + 1}", (i,), (i + 1,), ()) for i in range(500))
    program = Program(Graph("long", tensors, (), (0,), (500,)), Target(), steps)
    blocks = tuple((Block((i,), 4, i - 1, i), 4 * (i % 2)) for i in range(501))
    plan = Plan({i: 4 * (i % 2) for i in range(501)}, {}, 8, 0, 8, blocks)
    picture = draw_plan(program, plan, width=80, rows=8)

    assert len(picture.lines) == 8 + 3
    assert max(len(line.plain) for line in picture.lines) <= 80


def test_without_unicode_it_is_plain_ascii() -> None:
    program, plan = chain()
    lines = draw_plan(program, plan, width=80, ascii_only=True).lines

    assert all(line.plain.isascii() for line in lines)
