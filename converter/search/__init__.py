"""`--fit`: finds the recipe whose model meets a budget on a board."""

from __future__ import annotations

from midge.converter.search.budget import Bound, Budget, parse_budget
from midge.converter.search.fitting import FitResult, fit
from midge.converter.search.trial import Trial

__all__ = ["Bound", "Budget", "FitResult", "Trial", "fit", "parse_budget"]
