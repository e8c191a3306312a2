"""From a model file to firmware on an emulated board: what `compile`, `run`, `validate` and `profile` share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midge.runtime.backends.backend import TensorInfo, describe
from midge.runtime.backends.c.build import BuildResult, build
from midge.runtime.backends.c.emit_constants import constant_bytes
from midge.runtime.backends.c.manifest import Manifest
from midge.runtime.backends.c.project import replace_project, stage_project
from midge.runtime.backends.c.target import arch_for
from midge.runtime.board import Board
from midge.runtime.emulators import AfterLayer, Emulator, Run, open_emulator
from midge.runtime.emulators.cycles import Cycles
from midge.runtime.errors import CapacityError
from midge.runtime.graph import Array
from midge.runtime.model import compile_graph
from midge.runtime.passes.plan_memory import Plan, plan_memory
from midge.runtime.program import Program, Target
from midge.runtime.tflite.reader import read_file
from midge.runtime.toolchain import find_toolchain
from midge.tools import log
from midge.tools.capacity import find_shortages

DEFAULT_NAME = "model"


@dataclass(frozen=True, eq=False)
class Firmware:
    """A model compiled for a board."""

    board: Board
    program: Program
    plan: Plan
    manifest: Manifest
    directory: Path
    build: BuildResult | None
    """None where the project was only written."""

    def describe_build(self) -> str:
        """Return compiler and mode, for people: `gcc 12.2.1, default mode`."""
        assert self.build is not None
        return f"{self.build.compiler} {self.build.compiler_version}, {self.program.target.optimize} mode"


def compile_model(
    model: Path,
    board: Board,
    directory: Path,
    *,
    optimize: str | None = None,
    compiler: str | None = None,
    name: str = DEFAULT_NAME,
    run_compiler: bool = True,
) -> Firmware:
    """Write the project of a model into `directory`, whole or not at all, and build it there.

    Raises:
        InputError: the model, the name or the folder is not usable.
        UnsupportedError: an operator that no kernel covers, or a core that nothing builds for.
        CapacityError: it does not fit the board.
        MissingToolError: no compiler is installed.
    """
    program = compile_graph(read_file(model), Target(arch=arch_for(board.cpu), optimize=optimize or "default"))
    plan = plan_memory(program)
    shortages = find_shortages(board, plan, constant_bytes(program))
    if shortages:
        raise CapacityError("\n  ".join([f"{model.name} does not fit {board.name}:", *shortages]))
    toolchain = find_toolchain(board, compiler) if run_compiler else None
    built = None
    with replace_project(directory) as replacement, log.progress("writing the project") as bar:
        manifest = stage_project(program, plan, board, replacement.staging, name, model_file=model.name)
        replacement.install()
        if toolchain is not None:
            bar.describe(f"building with {toolchain.name} {toolchain.version}")
            built = build(directory, board, toolchain, optimize=optimize)
    return Firmware(board, program, plan, manifest, directory, built)


@contextmanager
def temporary_firmware(
    model: Path, board: Board, *, optimize: str | None = None, compiler: str | None = None
) -> Iterator[Firmware]:
    """Build a model's firmware in a folder that goes when the block ends; errors are those of `compile_model`."""
    with tempfile.TemporaryDirectory(prefix="midge-") as folder:
        yield compile_model(model, board, Path(folder) / "firmware", optimize=optimize, compiler=compiler)


@contextmanager
def emulated(firmware: Firmware) -> Iterator[EmulatedBackend]:
    """Start the emulator of the firmware's board.

    Raises:
        MissingToolError: no emulator for its core is installed.
        UnsupportedError: nothing emulates its core.
    """
    assert firmware.build is not None
    with open_emulator(firmware.build.elf, firmware.manifest, firmware.board) as emulator:
        yield EmulatedBackend(firmware, emulator)


class EmulatedBackend:
    """Firmware on an emulated board, as a backend like those of this host."""

    def __init__(self, firmware: Firmware, emulator: Emulator) -> None:
        graph = firmware.program.graph
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
