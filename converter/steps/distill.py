"""Distillation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midge.converter.steps.step import StepBase, Training

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Distill(StepBase, frozen=True, tag="distill"):
    """A smaller network, the student, learns from the given one, the teacher.

    Without a ``student`` (the path of an untrained Keras model) it is derived from the teacher: ``width`` times its
    channels, ``depth`` times its repeated blocks.
    """

    width: float = 0.5
    depth: float = 1.0
    student: str | None = None
    temperature: float = 4.0
    training: Training = Training(epochs=30, teacher=0.7)

    @property
    def needs_training(self) -> bool:
        """The student is trained."""
        return True

    def run(self, state: State, context: Context) -> State:
        """Train a student in the place of the network."""
        from midge.converter.distill import run

        return run(self, state, context)
