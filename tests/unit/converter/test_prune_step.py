"""The settings of the pruning step: what cannot be meant is refused before TensorFlow is even imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from midge.converter import load_recipe
from midge.converter.prune import prune
from midge.runtime.errors import InputError

STEP = """schema = 1
name = "mine"
summary = "Mine."

[[steps]]
kind = "prune"
"""


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ('remove = 0.5\nbudget = "instructions"', r'budget = "instructions" is measured on a board: name it'),
        ('remove = 0.5\nbudget = "ram"', r'budget = "ram" is measured on a board: name it'),
        ('remove = 0.5\nbudget = "flash"', r"`midge boards` lists them"),
        ('remove = 0.5\nboard = "mps2-an386"', r'budget = "macs" does not depend on a board'),
        ("remove = 1", r"remove must be 0 or more and below 1, found 1"),
        ("remove = 0.5\nrounds = 0", r"rounds and multiple_of must be 1 or more"),
        ("remove = 0.5\nleast = 2.0", r"least and recovery must be from 0 to 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_with_the_files_name(
    settings: str, complaint: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(STEP + settings + "\n")

    with pytest.raises(InputError, match=complaint) as refused:
        load_recipe(file)
    assert "mine.toml" in str(refused.value)


def test_from_python_a_measured_budget_needs_a_board_too() -> None:
    with pytest.raises(InputError, match="is measured on a board: name it"):
        prune(None, {}, 0.5, budget="instructions")
