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

A new kind of step is a struct here with its own ``tag``, a member of `Step`, and a line where `worker` runs them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from midge.runtime.errors import InputError

_FOLDER = Path(__file__).parent / "recipes"


class Quantize(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="quantize", tag_field="kind"):
    """Post-training quantization.

    ``weights`` is the type that constants are stored in (int8 per output channel), ``activations`` the type that
    is computed in, ``interface`` the type of the file's inputs and outputs.
    """

    weights: Literal["float16", "int8"]
    activations: Literal["float32", "int8", "int16"]
    interface: Literal["float32", "int8", "int16"]

    def __post_init__(self) -> None:
        """Refuse combinations that no converter makes."""
        if self.weights == "float16" and self.activations != "float32":
            raise ValueError('float16 weights need activations = "float32"')
        if self.interface not in ("float32", self.activations):
            raise ValueError(f'interface must be "float32" or "{self.activations}", found "{self.interface}"')

    @property
    def needs_calibration(self) -> bool:
        """Whether ranges of activations have to be observed on data."""
        return self.activations != "float32"


Step = Quantize


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named list of steps; no step at all leaves the network in float32."""

    schema: Literal[1]
    name: str
    summary: str
    steps: tuple[Step, ...]

    @property
    def needs_calibration(self) -> bool:
        """Whether any step needs calibration data."""
        return any(step.needs_calibration for step in self.steps)

    @property
    def quantize(self) -> Quantize | None:
        """The quantization step, or None for a float32 file."""
        return next((step for step in self.steps if isinstance(step, Quantize)), None)

    def toml(self) -> bytes:
        """The recipe as a file that `load_recipe` accepts."""
        return msgspec.toml.encode(self)


def recipe_names() -> list[str]:
    """Names of the recipes that come with Midge, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_recipe(recipe: str | Path | Recipe) -> Recipe:
    """Return a recipe given by its name, by the path of a file, or as it is.

    A string that ends in ``.toml`` or holds a path separator is a path, any other is a name.

    Raises:
        InputError: No recipe has this name, or the file is missing or is not a recipe.
    """
    if isinstance(recipe, Recipe):
        return recipe
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
        parsed = msgspec.toml.decode(raw, type=Recipe)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a recipe: {error}") from None
    if len([step for step in parsed.steps if isinstance(step, Quantize)]) > 1:
        raise InputError(f"{path} is not a recipe: it has more than one step of kind 'quantize'")
    return parsed
