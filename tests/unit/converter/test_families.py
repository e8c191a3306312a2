"""The recipes that a search may try: all can be written as files, and probes differ from them in training only."""

from __future__ import annotations

import msgspec
import pytest

from midge.converter.recipe import Recipe, recipe_names
from midge.converter.search.families import UNTRAINED, Family, families
from midge.converter.steps import Prune, Sparsify

FAMILIES = families()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_recipe_reads_back_from_the_file_that_is_written_beside_the_answer(family: Family) -> None:
    for amount in family.amounts:
        for build in filter(None, (family.build, family.probe)):
            recipe = build(amount)

            assert msgspec.toml.decode(recipe.toml(), type=Recipe) == recipe


@pytest.mark.parametrize("family", [f for f in FAMILIES if f.probe is not None], ids=lambda family: family.name)
def test_probes_do_not_train_and_their_names_say_so(family: Family) -> None:
    assert family.probe is not None
    for amount in family.amounts:
        recipe, probe = family.build(amount), family.probe(amount)

        assert recipe.needs_training
        assert all(step.training.epochs == 0 for step in probe.steps if step.needs_training)
        assert probe.name.endswith(UNTRAINED) or probe.name in recipe_names()


@pytest.mark.parametrize("family", [f for f in FAMILIES if f.name.startswith("pruned")], ids=lambda f: f.name)
def test_a_probe_prunes_as_its_recipe_does_except_that_it_does_not_train(family: Family) -> None:
    """Importance is judged anew in each round, so that other rounds would choose other channels."""
    assert family.probe is not None
    (probed,) = (step for step in family.probe(0.5).steps if isinstance(step, Prune))
    (real,) = (step for step in family.build(0.5).steps if isinstance(step, Prune))

    assert msgspec.structs.replace(probed, training=real.training) == real
    assert real.recovery == 0  # nothing is trained before the last channels are chosen


def test_a_probe_makes_weights_zero_at_once() -> None:
    """Nothing is trained between rounds, so that there is no use in them."""
    family = next(family for family in FAMILIES if family.name == "sparse int8")
    assert family.probe is not None

    assert [step.rounds for step in family.probe(0.5).steps if isinstance(step, Sparsify)] == [1]


def test_different_recipes_have_different_names() -> None:
    recipes = [
        build(amount)
        for family in FAMILIES
        for amount in family.amounts
        for build in (family.build, family.probe)
        if build is not None
    ]
    by_name = {recipe.name: recipe for recipe in recipes}

    assert all(by_name[recipe.name] == recipe for recipe in recipes)


def test_the_shipped_recipes_that_a_search_varies_are_among_its_own() -> None:
    names = {family.build(amount).name for family in FAMILIES for amount in family.amounts}

    assert {"int8", "mixed", "int4", "qat_int8", "qat_int4", "cluster16_int8"} <= names


def test_amounts_go_from_gentle_to_harsh() -> None:
    assert all(list(family.amounts) == sorted(set(family.amounts)) for family in FAMILIES)
