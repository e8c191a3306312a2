"""Weight clustering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midge.converter.steps.step import StepBase

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Cluster(StepBase, frozen=True, tag="cluster"):
    """Few distinct integers in each layer's weights: a codebook of ``values`` of them, which firmware keeps as a table.

    It follows the quantization: the codebook is one of integers, the scales of the channels stay.
    """

    values: int = 16

    def __post_init__(self) -> None:
        """Refuse codebooks that make no sense."""
        if not 2 <= self.values <= 16:
            raise ValueError(f"values must be from 2 to 16, found {self.values}")

    def run(self, state: State, context: Context) -> State:
        """Restrict the quantized network's weights to codebooks."""
        from midge.converter.cluster import run

        return run(self, state, context)
