"""Quantization-aware training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midge.converter.steps.step import StepBase, Training

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Qat(StepBase, frozen=True, tag="qat"):
    """Training of the quantized network itself: its integers, as the firmware will compute with them.

    It follows the quantization and, if there is one, the clustering. With ``learn_scales`` the scales of the weights
    are trained too. The learning rate is relative to the greatest weight of a channel.
    """

    training: Training = Training(epochs=10, learning_rate=1e-3)
    learn_scales: bool = True

    @property
    def needs_training(self) -> bool:
        """It trains."""
        return True

    def run(self, state: State, context: Context) -> State:
        """Train the quantized network."""
        from midge.converter.qat.train import run

        return run(self, state, context)
