"""Everything that Midge raises on purpose.

::

    Error                     the user can act on it; the message says how
    ├── InputError            a bad file, option, array or data file            exit 2
    │   ├── ModelError        a model file that is not what it claims to be
    │   └── DataError         arrays of the wrong shape, type or content
    ├── MissingToolError      a program or an extra is not installed            exit 2
    ├── ConversionError       the converter cannot turn this network around     exit 1
    │   └── KilledError       it was killed at it, most likely for its memory
    ├── UnsupportedError      an operator, type or shape we have no kernel for  exit 1
    ├── CapacityError         it does not fit the board                         exit 1
    ├── BudgetError           no recipe meets the budget                        exit 1
    └── DeviceError           a device, an emulator or a link failed            exit 3

Anything else that escapes is our bug and ends with exit 70. A message says what was expected, what was found,
where, and what to do.
"""

from __future__ import annotations

from typing import ClassVar


class Error(Exception):
    """Base of all errors that a user can act on."""

    exit_code: ClassVar[int] = 2


class InputError(Error):
    """A file, option or value given by the user is wrong."""


class ModelError(InputError):
    """A model file is damaged, truncated or inconsistent."""


class DataError(InputError):
    """An array has the wrong shape, type or content."""


class MissingToolError(Error):
    """A program or an optional extra is not installed."""


class ConversionError(Error):
    """A Keras model could not be converted."""

    exit_code = 1


class KilledError(ConversionError):
    """The process that converts was killed from outside: another time, or with more memory, it may succeed."""


class UnsupportedError(Error):
    """An operator, type or shape that no kernel covers."""

    exit_code = 1


class CapacityError(Error):
    """A model does not fit the memories of a board."""

    exit_code = 1


class BudgetError(Error):
    """No recipe that a search has tried meets the budget."""

    exit_code = 1


class DeviceError(Error):
    """A board, an emulator or a link failed or did not answer."""

    exit_code = 3
