"""What the settings of sparsity accept."""

from __future__ import annotations

from pathlib import Path

import pytest

from midge.converter.recipe import load_recipe
from midge.converter.sparsity.pattern import Blocks, NOfM, Unstructured, parse_pattern
from midge.runtime.errors import InputError


def test_patterns_by_their_names() -> None:
    assert parse_pattern("unstructured") == Unstructured()
    assert parse_pattern("2:4") == NOfM(2, 4)
    assert parse_pattern("4x2") == Blocks(outputs=4, inputs=2)


@pytest.mark.parametrize("text", ["", "random", "4:4", "0:4", "5:4", "2:4:8", "0x4", "4x", "4x100", "-1x2", "2:65"])
def test_other_patterns_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|block"):
        parse_pattern(text)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("sparsity = 1.0", "sparsity must be 0 or more and below 1"),
        ("sparsity = -0.1", "sparsity must be 0 or more and below 1"),
        ('sparsity = 0.5\npattern = "diagonal"', "found 'diagonal'"),
        ('sparsity = 0.75\npattern = "2:4"', "makes 0.5 of the weights zero"),
        ('sparsity = 0.5\nscope = "model"', "scope"),
        ("sparsity = 0.5\nramp = 1.5", "ramp must be from 0 to 1"),
        ("sparsity = 0.5\nfeatures = -1.0", "features must be 0 or more"),
        ("sparsity = 0.5\nshare = 0.5", "share"),
        ("", "sparsity"),
    ],
)
def test_a_recipe_with_other_settings_is_refused(settings: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'schema = 1\nname = "mine"\nsummary = ""\n[[steps]]\nkind = "sparsify"\n{settings}\n')

    with pytest.raises(InputError, match=complaint):
        load_recipe(path)
