"""Distillation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from midge.converter.steps.step import StepBase, Training

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Distill(StepBase, frozen=True, tag="distill"):
    """A smaller network, the student, learns from the given one, the teacher.

    ``student`` is the path of a Keras model, trained or not, with the teacher's inputs and outputs. Without one it is
    derived from the teacher: ``width`` (above 0, up to 1) times the channels of every hidden layer, rounded up to a
    multiple of 4, and ``depth`` (0 to 1) times the blocks that a stage repeats, rounded up. ``initialise`` says whether
    it begins with the teacher's weights, those of its most important channels (``importance``), or with random ones.

    ``training.teacher`` weighs the loss against the teacher's outputs, softened by ``temperature``, and ``features``
    that between inner tensors (0 for none); with both at 0 the student trains alone.
    """

    width: float = 0.5
    depth: float = 1.0
    student: str | None = None
    initialise: Literal["teacher", "random"] = "teacher"
    importance: Literal["magnitude", "batch_norm", "taylor", "activation"] = "magnitude"
    temperature: float = 4.0
    features: float = 1.0
    training: Training = Training(epochs=30, teacher=0.7)

    def __post_init__(self) -> None:
        """Refuse multipliers and weights that make no sense."""
        if not 0 < self.width <= 1 or not 0 <= self.depth <= 1:
            raise ValueError(
                f"width must be above 0 and at most 1, and depth from 0 to 1, found {self.width} and {self.depth}"
            )
        if not 0 < self.temperature <= 100:
            raise ValueError(f"temperature must be above 0 and at most 100, found {self.temperature}")
        if not 0 <= self.features <= 1e6:
            raise ValueError(f"features must be 0 or more, found {self.features}")

    @property
    def needs_training(self) -> bool:
        """The student is trained."""
        return True

    def check(self, state: State, context: Context) -> None:
        """Refuse students unlike the teacher, and data that cannot be trained on."""
        from midge.converter.distill import check

        check(self, state, context)

    def run(self, state: State, context: Context) -> State:
        """Train a student in the place of the network."""
        from midge.converter.distill import run

        return run(self, state, context)
