"""Recipes: what is done to a network on its way to a `.tflite` file, as data.

A recipe is a strict TOML file: a name, one line that says what it is for, and its steps in order. Midge's own
lie in ``recipes/``; a user's file has the same form::

    schema = 1
    name = "mine"
    summary = "What it is for."

    [[steps]]
    kind = "quantize"
    weights = "int8"
    activations = "int8"
    interface = "int8"

Each kind of step is a file in ``steps/``. Steps that change the float network come first (distill, prune, sparsify),
then at most one quantization, then steps that change its integers (cluster, qat).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from midge.converter.steps import INTEGER_STEPS, NETWORK_STEPS, Quantize, Step
from midge.converter.steps.step import StepBase
from midge.runtime.errors import InputError

_FOLDER = Path(__file__).parent / "recipes"


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named list of steps; no step at all leaves the network in float32."""

    schema: Literal[1]
    name: str
    summary: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse steps in an order that makes no sense."""
        ranks = [_rank(step) for step in self.steps]
        if ranks != sorted(ranks) or ranks.count(_QUANTIZE) > 1:
            raise ValueError(
                "steps must be in this order: those that change the network (distill, prune, sparsify), one 'quantize' "
                "at most, those that change its integers (cluster, qat)"
            )
        if _QUANTIZE + 1 in ranks and (self.quantize is None or self.quantize.activations != "int8"):
            raise ValueError("'cluster' and 'qat' need a 'quantize' step with activations = \"int8\" before them")

    @property
    def needs_calibration(self) -> bool:
        """Whether any step needs calibration data."""
        return any(step.needs_calibration for step in self.steps)

    @property
    def needs_training(self) -> bool:
        """Whether any step trains."""
        return any(step.needs_training for step in self.steps)

    @property
    def quantize(self) -> Quantize | None:
        """The quantization step, or None for a float32 file."""
        return next((step for step in self.steps if isinstance(step, Quantize)), None)

    def toml(self) -> bytes:
        """The recipe as a file that `load_recipe` accepts."""
        return msgspec.toml.encode(_set(msgspec.to_builtins(self)))


_QUANTIZE = 1


def _of_steps(steps: Sequence[Any]) -> Recipe:
    kinds = [step.__struct_config__.tag if isinstance(step, StepBase) else None for step in steps]
    if None in kinds:
        raise InputError(f"expected steps of midge.converter.steps, found {steps[kinds.index(None)]!r} among them")
    try:
        return Recipe(1, "+".join(map(str, kinds)) or "float32", "Steps given one by one.", tuple(steps))
    except ValueError as error:
        raise InputError(str(error)) from None


def _set(value: Any) -> Any:
    """Leave out settings without a value: TOML has no way to write them."""
    if isinstance(value, dict):
        return {key: _set(inner) for key, inner in value.items() if inner is not None}
    return [_set(inner) for inner in value] if isinstance(value, list | tuple) else value


def _rank(step: Step) -> int:
    return 0 if isinstance(step, NETWORK_STEPS) else _QUANTIZE + isinstance(step, INTEGER_STEPS)


def recipe_names() -> list[str]:
    """Names of the recipes that come with Midge, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_recipe(recipe: str | Path | Recipe | Sequence[Step]) -> Recipe:
    """Return a recipe given by its name, by the path of a file, as its steps, or as it is.

    A string that ends in ``.toml`` or holds a path separator is a path, any other is a name. A recipe of steps is
    called by their kinds: ``prune+quantize``.

    Raises:
        InputError: No recipe has this name, the file is missing or is not a recipe, or the steps are in another
            order.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str | Path):
        return _of_steps(recipe)
    text = str(recipe)
    if isinstance(recipe, Path) or text.endswith(".toml") or "/" in text or "\\" in text:
        path = Path(recipe)
    elif text in recipe_names():
        path = _FOLDER / f"{text}.toml"
    else:
        raise InputError(
            f"there is no recipe {text!r}; expected one of {', '.join(recipe_names())}, or the path of a .toml file"
        )
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the recipe {path}: {error.strerror or error}") from None
    try:
        return msgspec.toml.decode(raw, type=Recipe)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a recipe: {error}") from None
