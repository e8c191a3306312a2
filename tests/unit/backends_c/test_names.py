"""Prefixes that would not compile are refused; names from a model cannot break the C around them."""

from __future__ import annotations

import pytest

from midge.runtime.backends.c.names import check_prefix, comment_text, identifier, string_literal
from midge.runtime.errors import InputError


@pytest.mark.parametrize("name", ["model", "wake_word", "A1"])
def test_an_identifier_is_a_prefix(name: str) -> None:
    assert check_prefix(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1st",
        "wake-word",
        "_hidden",
        "é",
        "a b",
        "int",
        "class",
        "main",
        "midge",
        "midge_x",
        "stdint",
        "requantize",
        "a" * 41,
        "a\n",
    ],
)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="--name"):
        check_prefix(name)


def test_a_comment_cannot_be_closed_from_inside() -> None:
    text = comment_text("a*/b /* c \\\n é ??/" + "x" * 500)

    assert "*/" not in text and "/*" not in text and "\\" not in text and "\n" not in text and "??/" not in text
    assert text.isascii() and len(text) == 100


def test_a_string_is_escaped_byte_for_byte() -> None:
    """UTF-8 of é is c3 a9, in octal 303 251; a quote is 042; octal escapes end after three digits."""
    assert string_literal('é"1') == r'"\303\251\0421"'
    assert string_literal("??/") == r'"\077\077/"'


def test_an_identifier_is_made_of_anything() -> None:
    assert identifier("CONV_2D") == "conv_2d"
    assert identifier("a/b:0") == "a_b_0"
    assert identifier("é") == "unnamed"
