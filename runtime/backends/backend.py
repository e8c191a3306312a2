"""What every way of running a model on this host looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from midge.runtime.graph import Array, DType, Tensor


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a model."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """NumPy's name of the element type."""
    scale: float | None = None
    """Real value of one step; None where the tensor is not quantized."""
    zero_point: int | None = None


def describe(tensor: Tensor) -> TensorInfo:
    """Return what users see of a tensor."""
    quantization = tensor.quantization
    if quantization is None or not quantization.per_tensor or tensor.dtype in (DType.INT32, DType.INT64):
        return TensorInfo(tensor.name, tensor.shape, tensor.dtype.value)
    return TensorInfo(tensor.name, tensor.shape, tensor.dtype.value, quantization.scale, quantization.zero_point)


class Backend(Protocol):
    """A model loaded by some engine."""

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The model's inputs, in the file's order."""

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The model's outputs, in the file's order."""

    def invoke(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once.

        Args:
            arrays: one per input, of exactly the declared shape and type.

        Returns:
            Copies of the outputs, in the file's order, types and declared shapes.
        """

    def reset(self) -> None:
        """Clear all state that invocations carry on."""
