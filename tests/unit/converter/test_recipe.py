"""Recipes are strict files with names that scripts rely on."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from midge.converter import Recipe, load_recipe, recipe_names
from midge.converter.steps import Cluster, Prune, Quantize
from midge.runtime.errors import InputError


def test_the_recipes_that_come_along_load_under_their_own_names() -> None:
    for name in recipe_names():
        assert load_recipe(name).name == name

    assert {"float32", "float16", "dynamic", "int8", "int16x8"} <= set(recipe_names())


@pytest.mark.parametrize(
    ("name", "needed"),
    [("float32", False), ("float16", False), ("dynamic", False), ("int8", True), ("int16x8", True)],
)
def test_only_recipes_with_integer_activations_need_calibration(name: str, needed: bool) -> None:
    assert load_recipe(name).needs_calibration is needed


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(InputError, match=r"no recipe 'int7'.*dynamic, .*int8"):
        load_recipe("int7")


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_written_out_reads_back_the_same(tmp_path: Path, name: str) -> None:
    recipe = load_recipe(name)
    file = tmp_path / "copy.toml"
    file.write_bytes(recipe.toml())

    assert load_recipe(file) == recipe
    assert load_recipe(str(file)) == recipe


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("steps]]", "step]]"), "step"),
        (('kind = "quantize"', 'kind = "squeeze"'), "squeeze"),
        (('weights = "int8"', 'weights = "int7"'), "int7"),
        (('interface = "int8"', 'interface = "int16"'), "interface"),
        (("schema = 1", "schema = 2"), "2"),
        (('name = "int8"\n', ""), "name"),
        (('summary = "', "summary = "), "line"),
    ],
)
def test_anything_unknown_in_a_recipe_file_is_refused(change: tuple[str, str], complaint: str, tmp_path: Path) -> None:
    """The message names the file and what is wrong in it."""
    file = tmp_path / "mine.toml"
    text = '[[steps]]\nkind = "quantize"\nweights = "int8"\nactivations = "int8"\ninterface = "int8"\n'
    text = 'schema = 1\nname = "int8"\nsummary = "x"\n\n' + text
    file.write_text(text)
    load_recipe(file)

    assert change[0] in text
    file.write_text(text.replace(*change))
    with pytest.raises(InputError, match=rf"mine\.toml is not a recipe.*{complaint}"):
        load_recipe(file)


def test_two_quantization_steps_are_refused(tmp_path: Path) -> None:
    step = '[[steps]]\nkind = "quantize"\nweights = "int8"\nactivations = "int8"\ninterface = "int8"\n'
    file = tmp_path / "twice.toml"
    file.write_text('schema = 1\nname = "twice"\nsummary = "x"\n' + 2 * step)

    with pytest.raises(InputError, match="one 'quantize' at most"):
        load_recipe(file)


def test_a_missing_recipe_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the recipe .*gone\.toml"):
        load_recipe(tmp_path / "gone.toml")


def test_steps_given_one_by_one_are_a_recipe_and_read_back() -> None:
    recipe = load_recipe([Prune(remove=0.5), Quantize(weights="int8", activations="int8", interface="int8")])

    assert recipe.name == "prune+quantize"
    assert msgspec.toml.decode(recipe.toml(), type=Recipe) == recipe


def test_steps_in_another_order_and_other_things_are_refused() -> None:
    with pytest.raises(InputError, match="steps must be in this order"):
        load_recipe([Cluster(), Prune(remove=0.5)])
    with pytest.raises(InputError, match="found 'int8' among them"):
        load_recipe(["int8"])  # type: ignore[list-item]
