"""Firmware on an emulated board, for as long as somebody needs it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midge.runtime.backends.backend import TensorInfo, describe
from midge.runtime.backends.c import CompileResult, compile_model
from midge.runtime.backends.c.build import BuildResult
from midge.runtime.board import Board
from midge.runtime.decisions import Decisions
from midge.runtime.emulators import AfterLayer, Emulator, Run, open_emulator
from midge.runtime.emulators.cycles import Cycles
from midge.runtime.graph import Array, Graph
from midge.runtime.toolchain import Toolchain


@dataclass(frozen=True, eq=False)
class Firmware:
    """A model built for a board."""

    board: Board
    compiled: CompileResult
    build: BuildResult


@contextmanager
def temporary_firmware(
    model: Path,
    board: Board,
    toolchain: Toolchain,
    optimize: str | None = None,
    decide: Callable[[Graph], Decisions] | None = None,
) -> Iterator[Firmware]:
    """Build a model's firmware in a folder that goes when the block ends; arguments as those of `compile_model`.

    Raises:
        InputError: the model is not usable.
        UnsupportedError: an operator that no kernel covers, or a core that nothing builds for.
        CapacityError: it does not fit the board.
        MissingToolError: the compiler is not there.
    """
    with tempfile.TemporaryDirectory(prefix="midge-") as folder:
        compiled = compile_model(
            model, board, Path(folder) / "firmware", optimize=optimize, toolchain=toolchain, build=True, decide=decide
        )
        assert compiled.build is not None
        yield Firmware(board, compiled, compiled.build)


@contextmanager
def emulated(firmware: Firmware) -> Iterator[EmulatedBackend]:
    """Start the emulator of the firmware's board.

    Raises:
        MissingToolError: no emulator for its core is installed.
        UnsupportedError: nothing emulates its core.
    """
    with open_emulator(firmware.build.elf, firmware.compiled.manifest, firmware.board) as emulator:
        yield EmulatedBackend(firmware, emulator)


class EmulatedBackend:
    """Firmware on an emulated board, as a backend like those of this host."""

    def __init__(self, firmware: Firmware, emulator: Emulator) -> None:
        graph = firmware.compiled.program.graph
        self.firmware = firmware
        self.inputs: tuple[TensorInfo, ...] = tuple(describe(graph.tensors[index]) for index in graph.inputs)
        self.outputs: tuple[TensorInfo, ...] = tuple(describe(graph.tensors[index]) for index in graph.outputs)
        self.last_run: Run | None = None
        """What the last inference did."""
        self._emulator = emulator
        self._keeps_state = any(tensor.is_variable for tensor in graph.tensors)

    def invoke(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once; see `Backend.invoke`.

        Raises:
            DeviceError: the firmware faulted or hung, or the emulator failed.
        """
        return self.invoke_watched(arrays, None)

    def invoke_watched(self, arrays: Sequence[Array], after_layer: AfterLayer | None) -> list[Array]:
        """Run once, and call `after_layer` when each layer has returned."""
        contents = [np.ascontiguousarray(array).tobytes() for array in arrays]
        self.last_run = self._emulator.run(contents, after_layer=after_layer)
        return [
            np.frombuffer(data, info.dtype).reshape(info.shape).copy()
            for data, info in zip(self.last_run.outputs, self.outputs, strict=True)
        ]

    def cycles(self, run: Run) -> Cycles | None:
        """Return the modelled cycles of a run, or None for a core without a proven model."""
        return self._emulator.cycles(run)

    def reset(self) -> None:
        """Clear all state; a reset of the emulated board is slow, and most models have no state."""
        if self._keeps_state:
            self._emulator.reset()
