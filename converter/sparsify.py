"""Sparsity by magnitude. Imports TensorFlow."""

from __future__ import annotations

from midge.converter.context import Context, State
from midge.converter.steps import Sparsify


def run(step: Sparsify, state: State, context: Context) -> State:
    """Make the network sparse."""
    raise NotImplementedError
