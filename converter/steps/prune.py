"""Structured pruning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from midge.converter.steps.step import StepBase, Training

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Prune(StepBase, frozen=True, tag="prune"):
    """Removal of whole channels, neurons and recurrent units; what is left is a smaller ordinary network.

    At least the share ``remove`` (0 to 1) of the network's ``budget`` goes, in ``rounds`` steps with training after
    each. ``importance`` says by which measure a channel is judged.
    """

    remove: float
    budget: Literal["macs", "parameters"] = "macs"
    importance: Literal["magnitude", "batch_norm", "taylor", "activation"] = "taylor"
    rounds: int = 4
    training: Training = Training()

    def __post_init__(self) -> None:
        """Refuse shares that cannot be removed."""
        if not 0 <= self.remove < 1:
            raise ValueError(f"remove must be 0 or more and below 1, found {self.remove}")
        if self.rounds < 1:
            raise ValueError(f"rounds must be 1 or more, found {self.rounds}")

    @property
    def needs_training(self) -> bool:
        """It trains after each round."""
        return True

    def run(self, state: State, context: Context) -> State:
        """Prune the Keras model."""
        from midge.converter.prune.schedule import run

        return run(self, state, context)
