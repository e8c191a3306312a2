"""Settings of a step from Python."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from midge.runtime.errors import InputError

Struct = TypeVar("Struct", bound=msgspec.Struct)


def settings(kind: type[Struct], **values: Any) -> Struct:
    """Return a step with these settings, checked as those of a recipe file are; None leaves the default.

    Raises:
        InputError: a value is of the wrong type or out of range.
    """
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return msgspec.convert(given, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        raise InputError(f"the settings of {kind.__name__.lower()!r} are wrong: {error}") from None
