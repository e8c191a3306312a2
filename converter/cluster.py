"""Codebooks of integers. Imports TensorFlow."""

from __future__ import annotations

from midge.converter.context import Context, State
from midge.converter.steps import Cluster


def run(step: Cluster, state: State, context: Context) -> State:
    """Cluster the weights."""
    raise NotImplementedError
