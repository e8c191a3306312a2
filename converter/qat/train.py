"""Training of integers. Imports TensorFlow."""

from __future__ import annotations

from midge.converter.context import Context, State
from midge.converter.steps import Qat


def run(step: Qat, state: State, context: Context) -> State:
    """Train the integers."""
    raise NotImplementedError
