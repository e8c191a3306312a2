"""Unstructured and block sparsity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from midge.converter.sparsity.pattern import NOfM, parse_pattern
from midge.converter.steps.step import StepBase, Training

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Sparsify(StepBase, frozen=True, tag="sparsify"):
    """Zeros in the weights of convolutions, dense and recurrent layers, by magnitude; the shapes stay.

    The share ``sparsity`` (0 to 1) of the chosen layers' weights becomes zero in ``rounds``, most of them in the first;
    after each the weights that stay are solved by least squares to do the work of those that went; then the network is
    trained. With ``rounds`` = 0, or if the chosen layers are not all dense layers and ordinary convolutions, weights
    become zero while it trains: ever more over the first ``ramp`` (0 to 1) of the training, fast at first.

    ``pattern`` says where zeros may lie: "unstructured" anywhere; "N:M", such as "2:4", leaves at most N of every M
    consecutive input channels (``sparsity`` is then 1 - N/M); "OUTPUTSxINPUTS", such as "4x2", makes whole blocks zero.
    With ``scope`` = "layer" every layer gets the same share, with "global" all layers together.

    ``layers`` names the layers to make sparse (``*`` and ``?`` as in file names), ``exclude`` some of them that stay
    dense. Without ``layers`` all are taken but the depthwise ones, and but the first and the last if they hold at most
    a tenth of the weights.

    Beside ``training``'s losses, ``features`` weighs one between what the layers read in the sparse network and in the
    network as it came (0 for none).
    """

    sparsity: float
    pattern: str = "unstructured"
    scope: Literal["layer", "global"] = "layer"
    rounds: int = 4
    ramp: float = 0.5
    layers: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    features: float = 1.0
    training: Training = Training()

    def __post_init__(self) -> None:
        """Refuse shares that cannot be zero, and unknown patterns."""
        if not 0 <= self.sparsity < 1:
            raise ValueError(f"sparsity must be 0 or more and below 1, found {self.sparsity}")
        if not 0 <= self.rounds <= 100:
            raise ValueError(f"rounds must be from 0 to 100, found {self.rounds}")
        if not 0 <= self.ramp <= 1:
            raise ValueError(f"ramp must be from 0 to 1, found {self.ramp}")
        if not 0 <= self.features <= 1e6:
            raise ValueError(f"features must be 0 or more, found {self.features}")
        pattern = parse_pattern(self.pattern)
        if isinstance(pattern, NOfM) and abs(self.sparsity - (1 - pattern.n / pattern.m)) > 1e-3:
            raise ValueError(
                f'the pattern "{self.pattern}" makes {1 - pattern.n / pattern.m:g} of the weights zero: sparsity must '
                f"say so, found {self.sparsity}"
            )

    @property
    def needs_training(self) -> bool:
        """It trains while it prunes."""
        return True

    def check(self, state: State, context: Context) -> None:
        """Refuse networks without layers to make sparse, and data that cannot be trained on."""
        from midge.converter.sparsify import check

        check(self, state, context)

    def run(self, state: State, context: Context) -> State:
        """Make the Keras model sparse."""
        from midge.converter.sparsify import run

        return run(self, state, context)
