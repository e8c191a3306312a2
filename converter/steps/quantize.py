"""Post-training quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from midge.converter.steps.step import StepBase

if TYPE_CHECKING:
    from midge.converter.context import Context, State


class Quantize(StepBase, frozen=True, tag="quantize"):
    """Post-training quantization.

    ``weights`` is the type that constants are stored in (int8 and int4 per output channel; ``mixed`` chooses int8 or
    int4 layer by layer), ``activations`` the type that is computed in, ``interface`` the type of the file's inputs and
    outputs. The rest is for int8 activations: ``ranges`` says how the range of an activation follows from what it was
    seen to be (``minmax``: all of it; ``percentile``: all but its outermost ``100 - percentile`` per cent; ``mse``: the
    range of the least mean squared error), ``bias_correction`` moves each bias by the mean error that its layer's
    quantized weights make, ``equalize`` first scales channels between layers so that they fill their ranges alike.
    ``budget`` is for mixed weights: by how much the loss against the float network may rise over that of int8 weights
    (`midge.converter.quantizer.execute.divergence`: nats for classes, shares of the variance for other outputs).
    ``rounding = "compensated"`` rounds int4 weights one after the other, the later ones making up for the errors of the
    earlier; it shifts means, so it needs ``bias_correction``.
    """

    weights: Literal["float16", "int8", "int4", "mixed"]
    activations: Literal["float32", "int8", "int16"]
    interface: Literal["float32", "int8", "int16"]
    ranges: Literal["minmax", "percentile", "mse"] = "minmax"
    percentile: float = 99.99
    bias_correction: bool = False
    equalize: bool = False
    budget: float = 0.01
    rounding: Literal["nearest", "compensated"] = "nearest"

    def __post_init__(self) -> None:
        """Refuse combinations that no converter makes."""
        if self.weights == "float16" and self.activations != "float32":
            raise ValueError('float16 weights need activations = "float32"')
        if self.weights in ("int4", "mixed") and self.activations != "int8":
            raise ValueError(f'{self.weights} weights need activations = "int8"')
        if self.interface not in ("float32", self.activations):
            raise ValueError(f'interface must be "float32" or "{self.activations}", found "{self.interface}"')
        if not 50 <= self.percentile <= 100:
            raise ValueError(f"percentile must be from 50 to 100, found {self.percentile}")
        if self.rounding == "compensated" and not self.bias_correction:
            raise ValueError('rounding = "compensated" needs bias_correction = true')
        if not self.budget >= 0:
            raise ValueError(f"budget must be 0 or more, found {self.budget}")

    @property
    def needs_calibration(self) -> bool:
        """Whether ranges of activations have to be observed on data."""
        return self.activations != "float32"

    def run(self, state: State, context: Context) -> State:
        """Quantize the network as the earlier steps left it."""
        from midge.converter.quantize import run

        return run(self, state, context)
