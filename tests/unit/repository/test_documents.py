"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = ("README.md", "CONTRIBUTING.md")
PATH = re.compile(
    r"`((?:boards|converter|docs|examples|firmware|package|runtime|tests|tools)/[^`<> ]*)`|\]\(([^)#:]+)\)"
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_is_named_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    named = {first or second for first, second in PATH.findall(text)}

    assert named
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_row_of_the_processor_table_has_its_start_up_and_its_emulator() -> None:
    """A core that Midge says it knows is known in each of the tables that CONTRIBUTING names."""
    from midge.runtime.backends.c.target import arch_for
    from midge.runtime.cpus import CPUS
    from midge.runtime.emulators.cores import find_core

    for cpu, row in CPUS.items():
        if row.family != "xtensa":
            assert arch_for(cpu)
            assert find_core("any", cpu).family == row.family
