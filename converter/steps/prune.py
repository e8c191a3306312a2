"""Structured pruning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from midge.converter.steps.step import StepBase, Training

if TYPE_CHECKING:
    from midge.converter.context import Context, State

MEASURED = ("instructions", "ram", "flash")
"""Budgets that are measured on a board."""


class Prune(StepBase, frozen=True, tag="prune"):
    """Removal of whole channels, neurons and recurrent units; what is left is a smaller ordinary network.

    At least the share ``remove`` (0 to 1) of the network's ``budget`` goes: multiplications ("macs"), parameters, or
    the instructions, RAM or flash that the network takes in int8 on ``board`` (a name or a board file), which is built
    and run on its emulator.

    ``importance`` says by which measure a channel is judged: "taylor", how far the loss moves without it, to first
    order (without labels: the outputs); "magnitude" of its weights; "batch_norm", its scales; "activation", its mean
    absolute value. With ``scope`` = "global" all channels are ranked together, by importance per saving; with "layer"
    every layer loses the same share. A layer keeps at least the share ``least`` of its channels (without it: 0.7 of
    what it would keep if all lost the same share, less where that is not enough), a multiple of ``multiple_of`` where
    it has twice as many. The channels of the layers that ``exclude`` names (``*`` and ``?`` as in file names) stay.
    With ``blocks`` whole residual branches go too, where that harms less than channels that cost as much.

    It goes in ``rounds`` steps. In each, what is left is solved anew to make up for what goes, and trained:
    ``training`` after the last, and the share ``recovery`` of its epochs after each before. ``temperature`` and
    ``features`` are those of `Distill`: how soft the outputs of the teacher, the network as it came, are made, and the
    weight of a loss between inner tensors.
    """

    remove: float
    budget: Literal["macs", "parameters", "instructions", "ram", "flash"] = "macs"
    board: str | None = None
    importance: Literal["magnitude", "batch_norm", "taylor", "activation"] = "taylor"
    scope: Literal["global", "layer"] = "global"
    least: float | None = None
    multiple_of: int = 4
    exclude: tuple[str, ...] = ()
    blocks: bool = False
    rounds: int = 3
    recovery: float = 0.0
    temperature: float = 4.0
    features: float = 1.0
    training: Training = Training(learning_rate=3e-4, teacher=0.7)

    def __post_init__(self) -> None:
        """Refuse shares that cannot be removed, and budgets that cannot be measured."""
        if not 0 <= self.remove < 1:
            raise ValueError(f"remove must be 0 or more and below 1, found {self.remove}")
        if not 0 <= (self.least or 0) <= 1 or not 0 <= self.recovery <= 1:
            raise ValueError(f"least and recovery must be from 0 to 1, found {self.least} and {self.recovery}")
        if self.rounds < 1 or self.multiple_of < 1:
            raise ValueError(f"rounds and multiple_of must be 1 or more, found {self.rounds} and {self.multiple_of}")
        if not 0 < self.temperature <= 100:
            raise ValueError(f"temperature must be above 0 and at most 100, found {self.temperature}")
        if not 0 <= self.features <= 1e6:
            raise ValueError(f"features must be 0 or more, found {self.features}")
        if self.budget in MEASURED and self.board is None:
            raise ValueError(
                f'budget = "{self.budget}" is measured on a board: name it, as in board = "mps2-an386" (`midge boards` '
                "lists them)"
            )
        if self.budget not in MEASURED and self.board is not None:
            raise ValueError(f'budget = "{self.budget}" does not depend on a board; leave out board')

    @property
    def needs_training(self) -> bool:
        """It trains after each round."""
        return True

    def check(self, state: State, context: Context) -> None:
        """Refuse networks in which nothing, or not enough, can go, and data that cannot be trained on."""
        from midge.converter.prune.schedule import check

        check(self, state, context)

    def run(self, state: State, context: Context) -> State:
        """Prune the Keras model."""
        from midge.converter.prune.schedule import run

        return run(self, state, context)
