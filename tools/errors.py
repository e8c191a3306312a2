"""Answers that are "no" and arise only in the commands."""

from __future__ import annotations

from midge.runtime.errors import Error


class DifferentError(Error):
    """The board computes other bits than this host."""

    exit_code = 1


class RegressionError(Error):
    """A figure got worse than its record."""

    exit_code = 1
