"""The picture of the trade-off is sound XML with every trial in each panel."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from midge.converter.cost import Cost
from midge.converter.job import Accuracy, Outcome
from midge.converter.prepare import Made
from midge.converter.recipe import Recipe
from midge.converter.report import Provenance
from midge.converter.search.budget import number, parse_budget
from midge.converter.search.picture import draw
from midge.converter.search.trial import Trial
from midge.runtime.board import load_board

SVG = "{http://www.w3.org/2000/svg}"


def trial(name: str, accuracy: float, instructions: int, ram: int, flash: int, *, trained: bool = True) -> Trial:
    outcome = Outcome({}, [], Accuracy(0.9, accuracy, "accuracy", 100), {})
    made = Made(Recipe(1, name, "", ()), b"", outcome, Provenance("0", {}, "m", "", "", 0, 1.0, 0.0, {}))
    cost = Cost(
        board="microbit", optimize="default", compiler="gcc 12", instructions=instructions, cycles=None,
        cycles_range=None, latency_us=None, latency_range_us=(1.0, 2.0 * instructions),
        latency_source="emulator-instructions", arena=ram, scratch=0, stack=0, data=0, code=flash, weights=0, other=0,
    )  # fmt: skip
    return Trial(made.recipe, trained, made, cost)


TRIALS = [
    trial("int8", 0.9, 2_000_000, 34_548, 96_932),
    trial("<&small>", 0.8, 1_000_000, 20_000, 50_000),
    trial("probe", 0.5, 900_000, 20_000, 50_000, trained=False),
    Trial(Recipe(1, "failed", "", ()), True, None, None, "no kernel"),
]


def picture(trials: list[Trial], budget: str, chosen: Trial | None) -> ElementTree.Element:
    return ElementTree.fromstring(draw(trials, parse_budget(budget), load_board("microbit"), chosen))


def words(root: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_every_trial_that_was_measured_is_a_point_in_each_of_three_panels() -> None:
    root = picture(TRIALS, "accuracy>=0.7 instructions<=1500000", TRIALS[1])

    assert len([c for c in root.iter(f"{SVG}circle") if c.get("r") == "4"]) == 3 * 3
    assert len([c for c in root.iter(f"{SVG}circle") if c.get("r") == "8"]) == 3  # the ring of the chosen one
    assert len([c for c in root.iter(f"{SVG}circle") if c.get("fill") == "#ffffff"]) == 3  # the probe


def test_limits_are_dashed_in_the_panels_that_they_belong_to() -> None:
    """The accuracy's in all three, the instructions' in the first."""
    root = picture(TRIALS, "accuracy>=0.7 instructions<=1500000", None)

    assert sum(line.get("stroke-dasharray") is not None for line in root.iter(f"{SVG}line")) == 4


def test_the_legend_says_what_each_trial_misses() -> None:
    found = words(picture(TRIALS, "accuracy>=0.7 instructions<=1500000", TRIALS[1]))

    assert "1  int8 (misses instructions)" in found
    assert "2  <&small>" in found
    assert "3  probe (misses accuracy)" in found


@pytest.mark.parametrize(
    ("budget", "axis"),
    [
        ("instructions<=1", "instructions"),
        ("ram<=1", "instructions"),
        ("latency_us<=1", "latency, ms (most that is likely)"),
    ],
)
def test_time_is_drawn_as_it_is_asked_for_where_no_cycle_model_says_better(budget: str, axis: str) -> None:
    assert axis in words(picture(TRIALS, budget, None))


@pytest.mark.parametrize("trials", [[], TRIALS[:1], TRIALS[3:], 3 * TRIALS[:1]])
def test_few_or_equal_trials_can_be_drawn(trials: list[Trial]) -> None:
    assert words(picture(trials, "accuracy>=0.7 ram<=34548", None))


def test_axes_have_round_numbers() -> None:
    """RAM from 20,000 to 34,548 bytes and a margin: every 5,000."""
    assert {"20k", "25k", "30k", "35k"} <= set(words(picture(TRIALS, "accuracy>=0.7", None)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(64000.0, "64000"), (0.85, "0.85"), (1e-12, "0.000000000001"), (1500000.5, "1500000.5"), (100.0, "100")],
)
def test_numbers_are_written_so_that_they_read_back(value: float, text: str) -> None:
    assert number(value) == text
    assert float(text) == value
