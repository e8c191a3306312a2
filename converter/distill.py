"""Distillation. Imports TensorFlow."""

from __future__ import annotations

from midge.converter.context import Context, State
from midge.converter.steps import Distill


def run(step: Distill, state: State, context: Context) -> State:
    """Train a student."""
    raise NotImplementedError
