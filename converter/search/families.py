"""What a search may try: families of recipes, each with a setting that goes from gentle to harsh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from midge.converter.recipe import Recipe, load_recipe
from midge.converter.steps import Distill, Prune, Sparsify

Build = Callable[[float], Recipe]

AMOUNTS = tuple(percent / 100 for percent in range(10, 95, 5))
"""Shares of the multiplications that are removed, gentlest first."""

EIGHTHS = tuple(eighth / 8 for eighth in range(1, 8))
"""Shares of the channels that a student lacks: narrow layers come in few sizes."""

SPARSITIES = (0.5, 0.75, 0.9)
"""Below half of the weights, skipping them hardly pays."""

UNTRAINED = "_untrained"
"""What the names of probes end in."""


@dataclass(frozen=True)
class Family:
    """Recipes that differ in one setting."""

    name: str
    build: Build
    """Makes the recipe of an amount."""
    probe: Build | None = None
    """Makes the recipe that costs the same and needs no training; None: the recipe itself needs none."""
    amounts: tuple[float, ...] = (0.0,)
    """Gentlest first: cost and accuracy fall from one to the next."""
    shrinks: bool = True
    """Whether it is there to cost less than int8; otherwise it is there to be more accurate."""


def families() -> tuple[Family, ...]:
    """Return all families in the order in which they are tried: cheap before long, gentle before harsh."""
    pruned_int8, pruned_codebook, pruned_int4 = _pruned("int8"), _pruned("cluster16_int8"), _pruned("int4")
    codebook, sparse, distilled = _plain("cluster16_int8"), _sparse("sparse75_int8"), _narrow("distill_int8")
    return (
        Family("int8", _plain("int8")),
        Family("mixed", _plain("mixed")),
        Family("int4", _plain("int4")),
        Family("int16x8", _plain("int16x8"), shrinks=False),
        Family("float32", _plain("float32"), shrinks=False),
        Family("qat_int8", _plain("qat_int8"), _plain("int8"), shrinks=False),
        Family("cluster16_int8", codebook, untrained(codebook)),
        Family("qat_int4", _plain("qat_int4"), _plain("int4")),
        Family("pruned int8", pruned_int8, untrained(pruned_int8), AMOUNTS),
        Family("sparse int8", sparse, untrained(sparse), SPARSITIES),
        Family("distilled int8", distilled, untrained(distilled), EIGHTHS),
        Family("pruned, trained as int8", _pruned("qat_int8"), untrained(pruned_int8), AMOUNTS),
        Family("pruned, 16 values", pruned_codebook, untrained(pruned_codebook), AMOUNTS),
        Family("pruned, trained as int4", _pruned("qat_int4"), untrained(pruned_int4), AMOUNTS),
    )


def untrained(build: Build) -> Build:
    """Return what makes the same recipes without their training, whose results cost the same.

    Widths are chosen before any training (unless a recipe trains between the rounds of pruning: there it can move
    them a little), so the rounds stay; those of sparsity, which only training tells apart, become one.
    """

    def probe(amount: float) -> Recipe:
        recipe = build(amount)
        return msgspec.structs.replace(
            recipe,
            name=recipe.name + UNTRAINED,
            summary=f"{recipe.summary} Not trained.",
            steps=tuple(_untrained(step) for step in recipe.steps),
        )

    return probe


def _untrained(step: Any) -> Any:
    training = getattr(step, "training", None)
    if training is None:
        return step
    changed = msgspec.structs.replace(step, training=msgspec.structs.replace(training, epochs=0))
    return msgspec.structs.replace(changed, rounds=min(changed.rounds, 1)) if isinstance(changed, Sparsify) else changed


def _plain(name: str) -> Build:
    """Make one recipe, whatever the amount."""
    return lambda _: load_recipe(name)


def _pruned(tail: str) -> Build:
    """Remove an amount of the multiplications, as `prune50_int8` does, before the steps of another recipe."""

    def build(amount: float) -> Recipe:
        last = load_recipe(tail)
        steps = tuple(
            msgspec.structs.replace(step, remove=amount)
            for step in load_recipe("prune50_int8").steps
            if isinstance(step, Prune)
        )
        summary = f"{amount:.0%} of the MACs removed, then {tail}."
        return Recipe(1, f"prune{round(100 * amount)}_{tail}", summary, (*steps, *last.steps))

    return build


def _sparse(name: str) -> Build:
    """Make an amount of the weights zero."""

    def build(amount: float) -> Recipe:
        recipe = load_recipe(name)
        steps = tuple(
            msgspec.structs.replace(step, sparsity=amount) if isinstance(step, Sparsify) else step
            for step in recipe.steps
        )
        summary = f"{amount:.0%} of the weights zero, then int8."
        return Recipe(1, f"sparse{round(100 * amount)}_int8", summary, steps)

    return build


def _narrow(name: str) -> Build:
    """Distil into a student that lacks an amount of the channels."""

    def build(amount: float) -> Recipe:
        recipe, width = load_recipe(name), 1 - amount
        steps = tuple(
            msgspec.structs.replace(step, width=width) if isinstance(step, Distill) else step for step in recipe.steps
        )
        summary = f"A student with {width:.1%} of the channels, then int8."
        return Recipe(1, f"distill{round(100 * width)}_int8", summary, steps)

    return build
