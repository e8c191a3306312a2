"""Finding one's way in a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from midge.runtime.emulators.elf import Image, Section, Segment, Symbol, read_image
from midge.runtime.errors import InputError

FUNCTIONS = [
    Symbol("first", 0x100, 8, True),
    Symbol("assembly", 0x110, 0, True),
    Symbol("layer.part.0", 0x120, 4, True),
]


def image(sections: list[Section] | None = None, objects: list[Symbol] | None = None) -> Image:
    segments = [Segment(0x100, 0x100, bytes(range(64)))]
    return Image(Path("firmware.elf"), 0x100, segments, sections or [], FUNCTIONS + (objects or []))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (0x100, "first"),
        (0x107, "first"),
        (0x108, "0x00000108"),  # between two functions
        (0x11E, "assembly"),  # carries no size: lasts until the next
        (0x122, "layer.part.0"),
        (0x50, "0x00000050"),
    ],
)
def test_functions_are_found_by_any_of_their_addresses(address: int, name: str) -> None:
    assert image().function_at(address) == name


def test_a_compilers_suffix_does_not_hide_a_function() -> None:
    assert image().symbol("layer").address == 0x120


def test_a_missing_symbol_says_what_to_do() -> None:
    with pytest.raises(InputError, match=r"no symbol `lay`.*midge compile"):
        image().symbol("lay")


def test_free_stack_ends_at_statics_or_at_its_own_section() -> None:
    """Statics below the stack bound it, statics above do not; what holds the stack pointer is the stack's own."""
    statics = Section(".bss", 0x2000_0000, 0x100)
    stack = Section(".stack", 0x2000_0200, 0x400)
    above = Section(".data", 0x2000_0600, 0x100)

    assert image([statics]).free_below(0x2000_1000, 0x2000_0000) == 0x2000_0100
    assert image([statics, stack, above]).free_below(0x2000_0600, 0x2000_0000) == 0x2000_0200
    assert image([stack]).free_below(0x2000_0400, 0x2000_0000) == 0x2000_0200
    assert image().free_below(0x2000_1000, 0x2000_0000) == 0x2000_0000


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "firmware.elf"
    other.write_bytes(b"not an ELF file at all")

    with pytest.raises(InputError, match="not an ELF file"):
        read_image(other)
    with pytest.raises(InputError, match="build the project first"):
        read_image(tmp_path / "missing.elf")
