"""The project of a small model, file by file, as it was looked at and found good.

After a change that is meant to change it: `python tests/golden/emit/regenerate.py`, and read the difference.
"""

from __future__ import annotations

from pathlib import Path

from generated import small_program, write

GOLDEN = Path(__file__).parent / "small"


def test_the_project_is_the_one_in_the_repository(tmp_path: Path) -> None:
    expected = {p.relative_to(GOLDEN): p.read_text() for p in GOLDEN.rglob("*") if p.is_file()}

    write(small_program(), tmp_path, "small")
    found = {name: (tmp_path / name).read_text() for name in expected}
    assert found == expected
