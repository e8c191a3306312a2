"""The tuner takes what the core executes in fewest instructions, within the board's memories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from midge.runtime.board import Board, load_board
from midge.runtime.decisions import Decisions, read_decisions
from midge.runtime.errors import CapacityError, InputError
from midge.runtime.graph import Graph, Node
from midge.runtime.lower import lower
from midge.runtime.operators import OPERATORS
from midge.runtime.operators.variant import Variant
from midge.runtime.passes import run_passes
from midge.runtime.program import Choice, KernelCall, Target
from midge.runtime.tflite.reader import read_file
from midge.runtime.toolchain import describe_toolchain
from midge.runtime.tuner import Tuning, tune
from midge.runtime.tuner.cache import Cost

MODEL = Path(__file__).parents[2] / "models" / "digits_int8.tflite"
BOARD = load_board("mps2-an386")
GCC = describe_toolchain(BOARD.cpu, "gcc")

FAST, SLOW = 100, 900
BALLAST = 3000
"""Bytes that the quick variant of the test needs more than the plain one."""


def plain(node: Node, target: Target) -> tuple[KernelCall, ...]:
    return OPERATORS["SOFTMAX"].lower(node, target)


def with_scratch(bytes_: int) -> Any:
    def lower_softmax(node: Node, target: Target) -> tuple[KernelCall, ...]:
        (call,) = plain(node, target)
        return (replace(call, scratch=bytes_),)

    return lower_softmax


def with_ballast(node: Node, target: Target) -> tuple[KernelCall, ...]:
    (call,) = plain(node, target)
    exponentials = call.params["exponentials"]
    assert isinstance(exponentials, np.ndarray)
    longer = np.append(exponentials, np.zeros(BALLAST // 4, np.int32))
    return (replace(call, params={**call.params, "exponentials": longer}),)


class FakeCore:
    """Stands for the emulator: counts by variant, and remembers what it was asked."""

    def __init__(self, counts: dict[str, int], cycles: dict[str, int] | None = None) -> None:
        self.counts = counts
        self.cycles = cycles or {}
        self.asked: list[str] = []

    def measure(
        self, graph: Graph, target: Target, choices: Mapping[int, Choice], board: Board, toolchain: Any
    ) -> dict[int, Cost]:
        last = len(graph.operators) - 1
        self.asked.append(choices[last].variant)
        if self.counts.get(choices[last].variant) == 0:
            raise CapacityError("too large for this emulator")
        return {
            at: Cost(self.counts.get(choice.variant, SLOW), 50, self.cycles.get(choice.variant))
            for at, choice in choices.items()
        }


@pytest.fixture(name="graph")
def fixture_graph() -> Graph:
    return run_passes(read_file(MODEL))


def use(monkeypatch: pytest.MonkeyPatch, core: FakeCore, *variants: Variant) -> None:
    """Give SOFTMAX, the model's last operator, these variants; all others keep their plain one."""
    for name, row in OPERATORS.items():
        monkeypatch.setitem(OPERATORS, name, replace(row, variants=variants if name == "SOFTMAX" else ()))
    monkeypatch.setattr("midge.runtime.tuner.search.measure", core.measure)


def run(graph: Graph, cache: Path, optimize: str | None = None, board: Board = BOARD) -> Tuning:
    return tune(graph, board, GCC, optimize, model_file="digits.tflite", cache=cache)


def test_the_quickest_variant_is_taken(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = FakeCore({"quick": FAST, "slow": SLOW + 1})
    use(
        monkeypatch,
        core,
        Variant("slow", ("armv7em",), with_scratch(32)),
        Variant("quick", ("armv7em",), with_scratch(16)),
    )

    tuning = run(graph, tmp_path)

    assert tuning.decisions.layers[-1].variant == "quick"
    assert tuning.decisions.layers[-1].instructions == {"slow": SLOW + 1, "quick": FAST, "plain": SLOW}
    assert lower(graph, Target("armv7em"), tuning.choices).steps[-1].variant == "quick"


def test_cycles_decide_where_the_core_has_a_model(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few instructions may take long: loads and jumps cost more than one cycle."""
    core = FakeCore({"short": FAST, "long": SLOW + 1}, {"short": 3000, "long": 2000, "plain": 2500})
    use(
        monkeypatch, core, Variant("short", ("armv7em",), with_scratch(32)), Variant("long", ("armv7em",), with_ballast)
    )

    assert run(graph, tmp_path, "speed").decisions.layers[-1].variant == "long"


def test_a_variant_for_another_core_is_not_tried(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = FakeCore({"quick": FAST})
    use(monkeypatch, core, Variant("quick", ("mve",), with_scratch(16)))

    assert run(graph, tmp_path).decisions.layers[-1].variant == "plain"
    assert core.asked == []


def test_nothing_is_counted_twice(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = FakeCore({"quick": FAST})
    use(monkeypatch, core, Variant("quick", ("armv7em",), with_scratch(16)))
    first = run(graph, tmp_path)

    second = run(graph, tmp_path)

    assert (first.builds, second.builds) == (2, 0)
    assert second.decisions == first.decisions


def test_a_variant_that_no_emulator_can_hold_is_not_taken(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = FakeCore({"huge": 0})
    use(monkeypatch, core, Variant("huge", ("armv7em",), with_scratch(16)))

    assert run(graph, tmp_path).decisions.layers[-1].variant == "plain"


def test_a_variant_that_does_not_fit_the_ram_is_taken_back(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = FakeCore({"quick": FAST})
    use(monkeypatch, core, Variant("quick", ("armv7em",), with_scratch(1 << 17)))
    memories = tuple(
        msgspec.structs.replace(memory, size=1 << 16) if memory.kind == "ram" else memory for memory in BOARD.memories
    )

    assert run(graph, tmp_path).decisions.layers[-1].variant == "quick"
    small = msgspec.structs.replace(BOARD, memories=memories)
    assert run(graph, tmp_path, board=small).decisions.layers[-1].variant == "plain"


def test_weights_grow_in_speed_mode_only(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's constants take about 7 KB, of which 3,000 bytes are more than a tenth."""
    core = FakeCore({"quick": FAST})
    use(monkeypatch, core, Variant("quick", ("armv7em",), with_ballast))

    assert run(graph, tmp_path).decisions.layers[-1].variant == "plain"
    assert run(graph, tmp_path, "speed").decisions.layers[-1].variant == "quick"


def test_ram_mode_takes_memory_before_speed(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = FakeCore({"quick": FAST})
    use(monkeypatch, core, Variant("quick", ("armv7em",), with_scratch(1 << 17)))

    assert run(graph, tmp_path, "ram").decisions.layers[-1].variant == "plain"


def test_decisions_survive_the_file(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FakeCore({"quick": FAST}), Variant("quick", ("armv7em",), with_scratch(16)))
    tuning = run(graph, tmp_path)

    tuning.decisions.write(tmp_path / "tuning.json")
    found = read_decisions(tmp_path / "tuning.json")

    assert found == tuning.decisions
    assert found.choices(graph, "cortex-m4", "default") == tuning.choices


def decisions(graph: Graph, **changes: Any) -> Decisions:
    made = Decisions(1, "emulator-instructions", "m", graph.sha256, "cortex-m4", "default", "gcc 12", ())
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_sha256": "0" * 64}, "made for another model"),
        ({"cpu": "cortex-m7"}, "made for cortex-m7, the board's core is cortex-m4"),
        ({"optimize": "speed"}, "made for speed mode, this is default mode"),
        ({}, "another version of Midge"),
    ],
)
def test_decisions_for_something_else_are_refused(graph: Graph, changes: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        decisions(graph, **changes).choices(graph, "cortex-m4", "default")


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 1, "more": 2}'])
def test_a_damaged_file_is_an_input_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "tuning.json").write_text(text)

    with pytest.raises(InputError, match=r"tuning\.json"):
        read_decisions(tmp_path / "tuning.json")
    with pytest.raises(InputError, match="cannot read"):
        read_decisions(tmp_path / "missing.json")
