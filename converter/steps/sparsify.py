"""Unstructured and block sparsity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midge.converter.steps.step import StepBase, Training

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Sparsify(StepBase, frozen=True, tag="sparsify"):
    """Zeros in the weights of convolutions and dense layers, by magnitude; the shapes stay.

    The share ``sparsity`` (0 to 1) of the weights becomes zero while the network trains.
    """

    sparsity: float
    training: Training = Training()

    def __post_init__(self) -> None:
        """Refuse shares that cannot be zero."""
        if not 0 <= self.sparsity < 1:
            raise ValueError(f"sparsity must be 0 or more and below 1, found {self.sparsity}")

    @property
    def needs_training(self) -> bool:
        """It trains while it prunes."""
        return True

    def run(self, state: State, context: Context) -> State:
        """Make the Keras model sparse."""
        from midge.converter.sparsify import run

        return run(self, state, context)
