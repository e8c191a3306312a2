"""Whether firmware computes the same bits as this host, and if not, where it begins to differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from midge.runtime import native
from midge.runtime.backends.backend import TensorInfo
from midge.runtime.backends.host import HostBackend
from midge.runtime.emulators import ReadArena
from midge.runtime.firmware import EmulatedBackend
from midge.runtime.graph import Array
from midge.runtime.lower import lower
from midge.runtime.program import Program, Target


@dataclass(frozen=True)
class Difference:
    """The first value that is not the same on the host and on the board."""

    sample: int
    """Number of the sample, from 0."""
    layer: int
    """Position of the operator in the model file."""
    op: str
    name: str
    """Name of the tensor that differs."""
    index: int
    """Position of the value in that tensor, counted in C order."""
    host: int | float
    board: int | float

    def document(self) -> dict[str, Any]:
        """Return the `first_difference` of the JSON; NaN and infinities, which JSON lacks, as text."""
        values = {"host": self.host, "board": self.board}
        safe = {side: value if np.isfinite(value) else str(value) for side, value in values.items()}
        return {"sample": self.sample, "layer": self.layer, "op": self.op, "index": self.index, **safe}

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"sample {self.sample}: the first layer that differs is {self.layer} ({self.op}), tensor {self.name!r}: "
            f"value {self.index} is {self.host} on the host and {self.board} on the board"
        )


class ComparingBackend:
    """Runs every sample on the host and on the board, and remembers the first difference.

    What it returns are the board's outputs. It is a backend like any other, so that `Model.run` cuts and checks the
    arrays for it.
    """

    def __init__(self, board: EmulatedBackend) -> None:
        program = board.firmware.compiled.program
        self.inputs: tuple[TensorInfo, ...] = board.inputs
        self.outputs: tuple[TensorInfo, ...] = board.outputs
        self.samples = 0
        self.first: Difference | None = None
        self._board = board
        self._host_program = lower(program.graph, Target(native.host_arch(), program.target.optimize))
        self._host = HostBackend(self._host_program)
        self.after_sample: Callable[[], None] | None = None
        """Called when a sample is done, for a progress bar."""

    @property
    def equal(self) -> bool:
        """Whether nothing differed so far."""
        return self.first is None

    def invoke(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once on both sides; see `Backend.invoke`."""
        expected = self._host.invoke(arrays)
        found = self._board.invoke(arrays)
        if self.first is None and any(not same_bits(a, b) for a, b in zip(expected, found, strict=True)):
            self.first = self._locate(arrays, expected, found)
        self.samples += 1
        if self.after_sample is not None:
            self.after_sample()
        return found

    def reset(self) -> None:
        """Clear all state on both sides."""
        self._host.reset()
        self._board.reset()

    def _locate(self, arrays: Sequence[Array], expected: list[Array], found: list[Array]) -> Difference:
        """Run a sample whose outputs differ once more, layer by layer."""
        return find_difference(self._board, self._host_program, arrays, self.samples) or self._in_outputs(
            expected, found
        )

    def _in_outputs(self, expected: list[Array], found: list[Array]) -> Difference:
        """Name an output: layer by layer everything was equal, so the board does not repeat itself."""
        program = self._board.firmware.compiled.program
        for tensor, a, b in zip(program.graph.outputs, expected, found, strict=True):
            if not same_bits(a, b):
                return _difference(self.samples, program, _writer(program, tensor), tensor, a, b)
        raise AssertionError("called without a difference")


def find_difference(
    board: EmulatedBackend, host_program: Program, arrays: Sequence[Array], sample: int
) -> Difference | None:
    """Run one sample layer by layer and return the first difference.

    Args:
        board: the firmware.
        host_program: the same graph as the firmware's, lowered for this host.
        arrays: the sample.
        sample: its number, for the result.
    """
    program, plan = board.firmware.compiled.program, board.firmware.compiled.plan
    host = HostBackend(host_program, keep_tensors=True)
    host.invoke(arrays)
    working = [position for position, step in enumerate(program.steps) if step.calls]  # the manifest's layers
    first: list[Difference] = []

    def compare(layer: int, read: ReadArena) -> None:
        # Later layers may overwrite a tensor, so each is read as soon as it has been written.
        position = working[layer]
        for tensor in () if first else program.steps[position].outputs:
            expected = host.tensor(tensor)
            data = read(plan.offsets[tensor], expected.nbytes)
            found = np.frombuffer(data, expected.dtype).reshape(expected.shape)
            if not same_bits(expected, found):
                first.append(_difference(sample, program, position, tensor, expected, found))
                return

    board.invoke_watched(arrays, compare)
    return first[0] if first else None


def same_bits(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same bytes: NaN equals the same NaN, and 0.0 is not -0.0."""
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def _difference(sample: int, program: Program, position: int, tensor: int, expected: Array, found: Array) -> Difference:
    size = expected.dtype.itemsize
    a, b = (np.frombuffer(array.tobytes(), np.uint8).reshape(-1, size) for array in (expected, found))
    index = int(np.flatnonzero((a != b).any(axis=1))[0])
    step = program.steps[position]
    return Difference(
        sample=sample,
        layer=step.index,
        op=step.kind,
        name=program.graph.tensors[tensor].name,
        index=index,
        host=expected.reshape(-1)[index].item(),
        board=found.reshape(-1)[index].item(),
    )


def _writer(program: Program, tensor: int) -> int:
    return next(position for position, step in enumerate(program.steps) if tensor in step.outputs)
