"""What all steps of recipes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a step trains: ``epochs`` passes over the data in batches of ``batch`` samples, with Adam.

    ``learning_rate`` is the first; with ``schedule = "cosine"`` it falls to zero along half a cosine. ``teacher``
    (0 to 1) is the weight of the loss against the outputs of the network as it was before the step; the rest is the
    loss against the labels. Without labels the teacher is all there is.

    Images (inputs of three dimensions) can be varied in every epoch: shifted by up to the share ``shift`` (0 to 0.5) of
    their height and width, and with ``mirror`` half of them mirrored left to right.
    """

    epochs: int = 10
    batch: int = 32
    learning_rate: float = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    teacher: float = 0.5
    shift: float = 0.0
    mirror: bool = False

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if self.epochs < 0 or self.batch < 1:
            raise ValueError(f"epochs must be 0 or more and batch 1 or more, found {self.epochs} and {self.batch}")
        if not 0 < self.learning_rate < 10:
            raise ValueError(f"learning_rate must be above 0 and below 10, found {self.learning_rate}")
        if not 0 <= self.teacher <= 1:
            raise ValueError(f"teacher must be from 0 to 1, found {self.teacher}")
        if not 0 <= self.shift <= 0.5:
            raise ValueError(f"shift must be from 0 to 0.5, found {self.shift}")


class StepBase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """A step: settings from a recipe file, and `run`."""

    @property
    def needs_calibration(self) -> bool:
        """Whether it cannot do without calibration data."""
        return False

    @property
    def needs_training(self) -> bool:
        """Whether it trains: on training data or, without any, on calibration data."""
        return False

    def check(self, state: State, context: Context) -> None:
        """Refuse what `run` would refuse, before any long work is done.

        Raises:
            Error: See `run`.
        """

    def run(self, state: State, context: Context) -> State:
        """Do the step.

        Raises:
            Error: The network or the data do not allow it; the message says what to do.
        """
        raise NotImplementedError
