"""What the steps of a recipe hand on, and what they may use. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from midge.converter.checkpoints import Checkpoints
from midge.converter.data import Dataset
from midge.converter.network import Network
from midge.converter.quantizer.integer import IntegerNetwork
from midge.runtime.errors import DataError


@dataclass(frozen=True)
class Exported:
    """A network traced for one sample."""

    network: Network
    """With its recurrent layers unrolled."""
    function: Any
    """TensorFlow's concrete function."""
    module: Any
    """What holds its weights."""
    content: bytes
    """The float `.tflite` file."""


@dataclass(frozen=True)
class State:
    """What a recipe's steps work on."""

    network: Network
    """The float network; steps before the quantization exchange it."""
    exported: Exported | None = None
    """The float network as a `.tflite` file, made once the last step that changes it is done."""
    integer: IntegerNetwork | None = None
    """The quantized network, from Midge's own quantizer on."""
    content: bytes | None = None
    """A finished `.tflite` file, where TensorFlow's converter made it: no step can follow."""

    def replace(self, **changes: Any) -> State:
        """Return a copy with some fields exchanged."""
        return replace(self, **changes)

    def file(self) -> bytes:
        """Return the `.tflite` file of the last step."""
        if self.content is not None:
            return self.content
        if self.integer is not None:
            return self.integer.content()
        assert self.exported is not None
        return self.exported.content


@dataclass(frozen=True)
class Context:
    """The surroundings of a step."""

    name: str
    """What messages call the model."""
    original: Network
    """The network before the first step; the teacher."""
    train: Dataset | None
    calibration: Dataset | None
    evaluation: Dataset | None
    seed: int
    checkpoints: Checkpoints
    """Of this step alone: what it needs to go on after an interruption."""
    say: Callable[[str], None]
    """Told each stage of the work, in a few words."""
    notes: list[Mapping[str, Any]] = field(default_factory=list)
    """What the steps found out, for the report: one mapping each, with its ``kind``; JSON can hold it."""

    def training_data(self) -> Dataset:
        """Return what to train on: the training data, else the calibration data.

        Raises:
            DataError: There is neither.
        """
        data = self.train or self.calibration
        if data is None:
            raise DataError(
                "the recipe trains the network and needs data: --train FILE.npz with labels, or --calibration "
                "FILE.npz, on which it learns to agree with the original network"
            )
        return data

    def for_step(self, number: int) -> Context:
        """Return the context of one step, with checkpoints of its own."""
        return replace(self, checkpoints=self.checkpoints.within(f"{number:02d}"))
