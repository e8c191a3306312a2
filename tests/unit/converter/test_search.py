"""Which recipes a search tries, in which order, and which it chooses: with trials made up, nothing is converted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from midge.converter.cost import Cost
from midge.converter.job import Accuracy, Outcome
from midge.converter.prepare import Made
from midge.converter.recipe import Recipe
from midge.converter.report import Provenance
from midge.converter.search.budget import parse_budget
from midge.converter.search.families import Family
from midge.converter.search.ladder import Ladder
from midge.converter.search.trial import Trial, choose, nearest, relaxed, unattained

TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
Figures = tuple[float, int]
"""Accuracy and instructions; RAM and flash are derived from these."""


def cost(instructions: int, too_large: str = "") -> Cost:
    return Cost(
        board="b", optimize="default", compiler="gcc 12", instructions=instructions, cycles=None, cycles_range=None,
        latency_us=None, latency_range_us=(instructions / 10, instructions / 5), latency_source="emulator-instructions",
        arena=instructions, scratch=0, stack=10, data=1, code=100, weights=instructions, other=1, too_large=too_large,
    )  # fmt: skip


def trial(
    name: str,
    accuracy: float,
    instructions: int,
    *,
    too_large: str = "",
    trained: bool = True,
    metric: str = "accuracy",
) -> Trial:
    made = Made(
        recipe(name),
        b"",
        Outcome({}, [], Accuracy(0.9, accuracy, metric, 100), {}),
        Provenance("0", {}, "m", "", "", 0, 1.0, 0.0, {}),
    )
    return Trial(made.recipe, trained, made, cost(instructions, too_large))


def recipe(name: str) -> Recipe:
    return Recipe(1, name, "", ())


def family(name: str, amounts: tuple[float, ...] = (0.0,), *, trains: bool = False, shrinks: bool = True) -> Family:
    def build(amount: float) -> Recipe:
        return recipe(f"{name} {amount:g}")

    def probe(amount: float) -> Recipe:
        return recipe(f"{name} {amount:g} probe")

    return Family(name, build, probe if trains else None, amounts, shrinks)


@dataclass
class World:
    """What recipes would come to; it notes which were tried."""

    figures: Callable[[str, float], Figures | None]
    """Of a family's name and an amount; None for a failure."""
    tried: list[str] = field(default_factory=list)

    def attempt(self, tried: Recipe, trained: bool) -> Trial:
        self.tried.append(tried.name)
        words = tried.name.split()
        found = self.figures(words[0], float(words[1]))
        if found is None:
            return Trial(tried, trained, None, None, "cannot be done")
        accuracy, instructions = found
        return trial(tried.name, accuracy if trained else 0.1, instructions, trained=trained)

    def search(self, families: list[Family], budget: str, trainings: int = 8) -> list[Trial]:
        return Ladder(families, parse_budget(budget), trainings, self.attempt).climb()


def constant(**figures: Figures) -> Callable[[str, float], Figures]:
    return lambda name, _: figures[name]


def pruned(name: str, amount: float) -> Figures:
    """int8 takes 1000; pruning by an amount leaves the rest and costs accuracy in its square."""
    return (0.9 - 0.3 * amount**2, round(1000 * (1 - amount))) if name == "prune" else (0.9, 1000)


def test_what_needs_no_training_comes_first_and_an_answer_ends_the_search() -> None:
    world = World(constant(int8=(0.9, 1000), int4=(0.8, 500), qat=(0.95, 1000), prune=(0.9, 100)))
    families = [family("int8"), family("int4"), family("qat", trains=True, shrinks=False), family("prune", trains=True)]
    trials = world.search(families, "accuracy>=0.85 instructions<=1000")

    assert world.tried == ["int8 0", "int4 0"]
    chosen = choose(trials, parse_budget("accuracy>=0.85 instructions<=1000"))
    assert chosen is not None and chosen.name == "int8 0"


def test_only_the_gentlest_amount_that_meets_the_costs_is_trained() -> None:
    """At most 450 of 1000 instructions: 0.6 is the first of the tenths that leaves so few, and where it is guessed."""
    world = World(pruned)
    trials = world.search([family("int8"), family("prune", TENTHS, trains=True)], "accuracy>=0.5 instructions<=450")
    probes = [name for name in world.tried if name.endswith("probe")]

    assert [name for name in world.tried if not name.endswith("probe")] == ["int8 0", "prune 0.6"]
    assert probes == ["prune 0.6 probe", "prune 0.5 probe"]
    assert trials[-1].name == "prune 0.6"


@pytest.mark.parametrize("exponent", [0.2, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("limit", [950, 700, 450, 120])
def test_the_gentlest_amount_is_found_however_the_cost_falls(exponent: float, limit: int) -> None:
    def figures(name: str, amount: float) -> Figures:
        return (0.9 - amount / 10, round(1000 * (1 - amount**exponent))) if name == "prune" else (0.9, 1000)

    world = World(figures)
    world.search([family("int8"), family("prune", TENTHS, trains=True)], f"instructions<={limit}")
    expected = [tenth for tenth in TENTHS if figures("prune", tenth)[1] <= limit]

    assert [name for name in world.tried if not name.endswith("probe")][1:] == [f"prune {t:g}" for t in expected[:1]]
    assert sum(name.endswith("probe") for name in world.tried) <= 7  # 3 guesses, then 2^3 > 9 - 3


def test_amounts_that_fail_are_too_harsh() -> None:
    """At most 450 of 1000 instructions are where 0.3 goes; a guess from afar says 0.6, and above 0.3 nothing works."""
    world = World(lambda name, amount: None if amount > 0.3 else (0.9 - amount, round(1000 * (1 - 2 * amount))))
    world.search([family("int8"), family("prune", TENTHS, trains=True)], "instructions<=450")

    assert world.tried[1] == "prune 0.6 probe"
    assert world.tried[-1] == "prune 0.3"


def test_a_family_that_cannot_meet_the_costs_is_not_trained() -> None:
    world = World(pruned)
    world.search([family("int8"), family("prune", TENTHS, trains=True)], "instructions<=50")

    assert all(name.endswith("probe") for name in world.tried[1:])


def test_a_trained_result_that_costs_more_than_its_probe_is_followed_by_a_harsher_one() -> None:
    world = World(pruned)
    exact = world.attempt

    def attempt(tried: Recipe, trained: bool) -> Trial:
        found = exact(tried, trained)
        return trial(tried.name, 0.7, 470) if tried.name == "prune 0.6" else found

    budget = parse_budget("accuracy>=0.6 instructions<=450")
    Ladder([family("int8"), family("prune", TENTHS, trains=True)], budget, 8, attempt).climb()

    assert world.tried[-2:] == ["prune 0.6", "prune 0.7"]


def test_what_shrinks_is_left_alone_where_only_accuracy_is_missed() -> None:
    world = World(constant(int8=(0.8, 100), qat=(0.9, 100), prune=(0.9, 50)))
    families = [family("int8"), family("qat", trains=True, shrinks=False), family("prune", trains=True)]
    world.search(families, "accuracy>=0.95 instructions<=100")

    assert world.tried == ["int8 0", "qat 0 probe", "qat 0"]


def test_what_is_more_accurate_is_left_alone_where_only_costs_are_missed() -> None:
    world = World(constant(int8=(0.9, 100), qat=(0.95, 100), prune=(0.9, 50)))
    families = [family("int8"), family("qat", trains=True, shrinks=False), family("prune", trains=True)]
    world.search(families, "accuracy>=0.85 instructions<=60")

    assert world.tried == ["int8 0", "prune 0 probe", "prune 0"]


def test_without_a_floor_every_family_gets_its_chance() -> None:
    """Nothing says what is accurate enough, so the most accurate of all is looked for."""
    world = World(constant(int8=(0.9, 100), prune=(0.7, 50), distill=(0.8, 50)))
    families = [family("int8"), family("prune", trains=True), family("distill", trains=True)]
    trials = world.search(families, "instructions<=60")
    chosen = choose(trials, parse_budget("instructions<=60"))

    assert chosen is not None and chosen.name == "distill 0"


def test_no_more_is_trained_than_allowed() -> None:
    world = World(constant(int8=(0.9, 100), prune=(0.7, 50), distill=(0.8, 50)))
    families = [family("int8"), family("prune", trains=True), family("distill", trains=True)]
    world.search(families, "instructions<=60", trainings=1)

    assert world.tried == ["int8 0", "prune 0 probe", "prune 0", "distill 0 probe"]


def test_a_probe_can_be_the_answer_and_its_recipe_is_trained_all_the_same_if_it_may_be() -> None:
    """A probe has an accuracy of 0.1 here; trained it is more, at the same cost."""
    families = [family("int8"), family("prune", trains=True), family("distill", trains=True)]
    figures = constant(int8=(0.9, 100), prune=(0.7, 50), distill=(0.8, 50))
    budget = "accuracy>=0.05 instructions<=60"
    without, with_one = World(figures), World(figures)
    found = choose(without.search(families, budget, trainings=0), parse_budget(budget))
    better = choose(with_one.search(families, budget), parse_budget(budget))

    assert found is not None and found.name == "prune 0 probe"
    assert better is not None and better.name == "prune 0"
    assert with_one.tried == ["int8 0", "prune 0 probe", "prune 0"]


def test_of_several_answers_the_most_accurate_is_chosen_then_the_quickest() -> None:
    budget = parse_budget("accuracy>=0.5 instructions<=100")
    trials = [trial("a", 0.8, 90), trial("b", 0.9, 80), trial("c", 0.9, 70), trial("d", 0.99, 101)]

    assert choose(trials, budget) is trials[2]


def test_of_errors_the_least_is_chosen() -> None:
    budget = parse_budget("mean_squared_error<=0.5")
    trials = [trial(name, error, 90, metric="mean squared error") for name, error in [("a", 0.3), ("b", 0.2)]]

    assert choose(trials, budget) is trials[1]
    assert nearest(trials, parse_budget("mean_squared_error<=0.1")) is trials[1]
    assert str(relaxed(trials[1], parse_budget("mean_squared_error<=0.1"))) == "mean_squared_error<=0.2"


def test_a_model_that_does_not_fit_the_board_is_no_answer() -> None:
    assert choose([trial("a", 0.9, 10, too_large="no RAM")], parse_budget("accuracy>=0.5")) is None
    assert trial("a", 0.9, 10, too_large="no RAM").missed([]) == ("board",)


def test_the_nearest_misses_its_worst_bound_by_the_least_part() -> None:
    """0.6 of 0.8 misses by a quarter, 120 of 100 by a fifth, and a model that does not fit comes last."""
    trials = [trial("a", 0.6, 90), trial("b", 0.8, 120), trial("c", 0.79, 100, too_large="no RAM")]

    assert nearest(trials, parse_budget("accuracy>=0.8 instructions<=100")) is trials[1]


def test_a_bound_that_no_trial_meets_is_named_with_the_one_that_comes_nearest() -> None:
    trials = [trial("a", 0.6, 90), trial("b", 0.7, 120)]
    found = unattained(trials, parse_budget("accuracy>=0.8 instructions<=100"))

    assert [(str(bound), which.name) for bound, which in found] == [("accuracy>=0.8", "b")]


@pytest.mark.parametrize(
    ("accuracy", "instructions", "expected"),
    [
        (0.66666, 120, "accuracy>=0.6666 instructions<=120"),
        (0.9, 120, "accuracy>=0.8 instructions<=120"),
        (0.7, 50, "accuracy>=0.7 instructions<=100"),
    ],
)
def test_a_relaxed_budget_is_met(accuracy: float, instructions: int, expected: str) -> None:
    budget = parse_budget("accuracy>=0.8 instructions<=100")
    offered = relaxed(trial("a", accuracy, instructions), budget)

    assert str(offered) == expected
    assert trial("a", accuracy, instructions).meets(offered)
