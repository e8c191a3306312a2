"""Models on boards in modes: what each costs, all counted the same way, and a record to compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from midge.runtime.arrays import random_inputs
from midge.runtime.board import Board, board_names, load_board
from midge.runtime.errors import CapacityError, DeviceError, InputError, MissingToolError, UnsupportedError
from midge.runtime.firmware import emulated
from midge.runtime.measure import Measurement, measure
from midge.tools.arrays import read_interface
from midge.tools.firmware import temporary_firmware
from midge.tools.options import BuildOptions

SHIPPED_MODELS = Path(__file__).parent.parent / "tests" / "models"
"""Beside the code in a checkout; an installed Midge comes without."""

TOLERANCE = 0.01
"""Part by which a figure may get worse before a comparison says so."""

SOURCES = {
    "instructions": "counted on the emulator, from entering the inference function to leaving it",
    "cycles": "the core's reference manual applied to the executed instructions, without wait states; unproven for "
    "neural networks, hence the range; only cores with a validated model have them",
    "ram": "arena and scratch: the memory plan, equal to the linker's; stack and other variables come on top",
    "code": "the kernels and the model's functions in the ELF",
    "weights": "every constant of the model in the ELF: weights, biases, multipliers, tables, parameters",
}


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one inference costs; sizes in bytes."""

    instructions: int
    arena: int
    scratch: int
    code: int
    weights: int
    cycles: int | None = None
    """None where there is no model of the core's cycles."""
    cycles_range: tuple[int, int] | None = None

    def compared(self) -> dict[str, int]:
        """Return the figures that a comparison judges; cycles follow from instructions, but not proportionally."""
        judged = {"instructions": self.instructions, "ram": self.arena + self.scratch}
        judged |= {"code": self.code, "weights": self.weights}
        return judged if self.cycles is None else judged | {"cycles": self.cycles}


@dataclass(frozen=True)
class Case:
    """One thing to measure."""

    model: Path
    board: Board
    compiler: str | None
    mode: str
    """`default`, `speed`, `size` or `ram`."""


@dataclass(frozen=True)
class Row:
    """A case and what it cost."""

    file: str
    sha256: str
    macs: int
    """Of the model's file; the passes may have left fewer."""
    board: str
    cpu: str
    compiler: str
    compiler_version: str
    mode: str
    figures: Figures
    equal: bool
    """Whether the outputs are the host's, bit for bit."""

    @property
    def place(self) -> str:
        """The row in words."""
        return f"{self.file} on {self.board}, {self.compiler}, {self.mode}"

    def document(self) -> dict[str, Any]:
        """Return the row as JSON; what there is no model of is absent."""
        figures = self.figures
        document: dict[str, Any] = {
            "model": {"file": self.file, "sha256": self.sha256, "macs": self.macs},
            "board": {"name": self.board, "cpu": self.cpu},
            "compiler": f"{self.compiler} {self.compiler_version}",
            "optimize": self.mode,
            "instructions": figures.instructions,
            "ram": {"arena": figures.arena, "scratch": figures.scratch},
            "flash": {"code": figures.code, "weights": figures.weights},
            "verdict": "valid" if self.equal else "different",
        }
        if self.macs:
            document["instructions_per_mac"] = figures.instructions / self.macs
        if figures.cycles is not None and figures.cycles_range is not None:
            document |= {"cycles": figures.cycles, "cycles_range": list(figures.cycles_range)}
        return document


@dataclass(frozen=True)
class Skipped:
    """A case that cannot be measured here."""

    case: Case
    reason: str

    @property
    def place(self) -> str:
        """The case in words."""
        return f"{self.case.model.name} on {self.case.board.name}, {self.case.mode}"


def make_cases(models: Sequence[Path], boards: Sequence[str], compiler: str | None, modes: Sequence[str]) -> list[Case]:
    """Return what is to be measured, models first.

    Args:
        models: their files; none means those of the repository.
        boards: names or files; none means all that exist only as emulators.
        compiler: `gcc`, `zig`, or None for the first that is installed.
        modes: none means the default mode.

    Raises:
        InputError: no model is given and none is shipped, two files have one name, or a board is unknown.
    """
    chosen = list(models) or sorted(SHIPPED_MODELS.glob("*.tflite"))
    if not chosen:
        raise InputError("name at least one MODEL.tflite: this installation comes without models of its own")
    names = [path.name for path in chosen]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two models are called {twice}, and the record tells them by their names; rename one")
    found = [load_board(name) for name in boards] or [
        board for board in map(load_board, board_names()) if board.emulated
    ]
    return [
        Case(model, board, compiler, mode) for model in chosen for board in found for mode in (modes or ("default",))
    ]


def run_cases(cases: Sequence[Case]) -> Iterator[Row | Skipped]:
    """Measure one case after the other, on NumPy's default_rng(0) as the model's input.

    Raises:
        InputError: a file is no model.
    """
    for case in cases:
        try:
            yield _run(case)
        except (CapacityError, UnsupportedError, MissingToolError, DeviceError) as error:
            yield Skipped(case, str(error).splitlines()[0])


def _run(case: Case) -> Row:
    takes, _ = read_interface(case.model)
    options = BuildOptions(None if case.mode == "default" else case.mode, case.compiler)
    with temporary_firmware(case.model, case.board, options) as firmware, emulated(firmware) as backend:
        return _row(measure(backend, random_inputs(takes, 1, seed=0), "emulator"))


def _row(measured: Measurement) -> Row:
    build, manifest = measured.firmware.build, measured.firmware.compiled.manifest
    board = measured.firmware.board
    return Row(
        file=manifest.model_file,
        sha256=manifest.model_sha256,
        macs=manifest.macs,
        board=board.name,
        cpu=board.cpu,
        compiler=build.compiler,
        compiler_version=build.compiler_version,
        mode=manifest.optimize,
        figures=Figures(
            instructions=measured.instructions,
            arena=measured.arena,
            scratch=measured.scratch,
            code=measured.flash.code,
            weights=measured.flash.weights,
            cycles=measured.cycles,
            cycles_range=measured.cycles_range,
        ),
        equal=measured.difference is None,
    )
