"""What a `.tflite` file costs on a board: its firmware is built and run on the emulated core. No TensorFlow."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from midge.runtime import latency as timing
from midge.runtime.board import Board, load_board
from midge.runtime.errors import CapacityError, InputError
from midge.runtime.toolchain import Toolchain, cache_directory, find_toolchain, optimize_flag

if TYPE_CHECKING:
    from midge.runtime.decisions import Decisions
    from midge.runtime.graph import Array, Graph
    from midge.runtime.measure import Measurement

_SOURCES = Path(timing.__file__).parent
_FIRMWARE = _SOURCES.parent / "firmware"


class LayerCost(msgspec.Struct, frozen=True):
    """What one operator of the file costs."""

    index: int
    """Position of the operator in the file."""
    op: str
    name: str
    """Of its first output."""
    macs: int
    instructions: int


class Cost(msgspec.Struct, frozen=True):
    """What one inference of a model costs on a board; sizes in bytes."""

    board: str
    optimize: str
    compiler: str
    """Name and version."""
    instructions: int
    """Counted on the emulator, from entering the inference function to leaving it."""
    cycles: int | None
    """Modelled; None where there is no validated model of the core's cycles."""
    cycles_range: tuple[int, int] | None
    latency_us: float | None
    """Of `cycles` at the board's clock, in microseconds; None where there is no model."""
    latency_range_us: tuple[float, float]
    """Where there is no model, of the instructions: see `midge.runtime.latency`."""
    latency_source: str
    """`emulator-cycle-model` or `emulator-instructions`."""
    arena: int
    scratch: int
    stack: int
    """What the inference wrote below its stack pointer."""
    data: int
    code: int
    weights: int
    other: int
    too_large: str = ""
    """Why the model does not fit the board; empty where it does. The figures are then those of a roomier board."""
    layers: tuple[LayerCost, ...] = ()

    @property
    def ram(self) -> int:
        """All RAM: arena, scratch, stack and data."""
        return self.arena + self.scratch + self.stack + self.data

    @property
    def flash(self) -> int:
        """All flash: code, weights and the rest of the image."""
        return self.code + self.weights + self.other

    @property
    def fits(self) -> bool:
        """Whether the board's memories suffice."""
        return not self.too_large

    @property
    def latency_bound_us(self) -> float:
        """What a latency budget is compared with: the model's estimate, without a model the end of the range."""
        return self.latency_range_us[1] if self.latency_us is None else self.latency_us


def check_measurable(board: Board, compiler: str | None = None) -> Toolchain:
    """Return the compiler that `measure_cost` uses, after checking that there is an emulator as well.

    Raises:
        MissingToolError: no compiler or no emulator for the board's core is installed.
        UnsupportedError: there is none.
    """
    from midge.runtime.emulators.choose import choose_engine
    from midge.runtime.emulators.cores import find_core

    toolchain = find_toolchain(board, compiler)
    choose_engine(board, find_core(board.name, board.cpu), None)
    return toolchain


def measure_cost(
    content: bytes | Path,
    board: str | Path | Board,
    *,
    optimize: str | None = None,
    compiler: str | None = None,
    sample: Sequence[Array] | None = None,
    cache: Path | None = None,
) -> Cost:
    """Build a model's firmware, run it once on the emulated board, and say what that cost.

    Args:
        content: a `.tflite` file, or its path.
        board: its name, file or description.
        optimize: `speed`, `size`, `ram`, or None for the default mode; speed tunes each layer as `midge profile` does.
        compiler: `gcc`, `zig`, or None for the first that is installed.
        sample: one array for each input, as `Model.run` takes them; None takes NumPy's `default_rng(0)`.
        cache: folder of earlier results; None means the user's cache.

    Returns:
        The figures of `midge profile`. A model that does not fit the board is measured with more memory, and
        `Cost.too_large` says what does not fit.

    Raises:
        InputError: the file is no model, or there is no such board, mode or compiler.
        UnsupportedError: an operator that no kernel covers, or a core without a compiler or an emulator.
        MissingToolError: neither is installed.
        CapacityError: it does not even fit a board with more memory.
        DeviceError: the emulator failed.
        RuntimeError: the firmware's outputs are not this host's, which is our bug.
    """
    described = board if isinstance(board, Board) else load_board(board)
    optimize_flag(optimize)
    toolchain = check_measurable(described, compiler)
    data = content if isinstance(content, bytes) else _read(content)
    folder = cache_directory() / "costs" if cache is None else cache
    kept = folder / f"{_key(data, described, optimize, toolchain, sample)}.json"
    try:
        return msgspec.json.decode(kept.read_bytes(), type=Cost)
    except (OSError, msgspec.DecodeError):  # never measured, or damaged: measured now
        pass
    with tempfile.TemporaryDirectory(prefix="midge-cost-") as name:
        path = Path(name) / "model.tflite"
        path.write_bytes(data)
        cost = _measure(path, described, optimize, toolchain, sample)
    _keep(kept, cost)
    return cost


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read this model: {error.strerror or error}") from None


def _measure(
    path: Path, board: Board, optimize: str | None, toolchain: Toolchain, sample: Sequence[Array] | None
) -> Cost:
    from midge.runtime.emulators.room import with_room

    try:
        return _describe(_run(path, board, optimize, toolchain, sample), board, "")
    except CapacityError as error:
        roomy = with_room(board)
        if roomy == board:
            raise
        return _describe(_run(path, roomy, optimize, toolchain, sample), board, str(error))


def _run(
    path: Path, board: Board, optimize: str | None, toolchain: Toolchain, sample: Sequence[Array] | None
) -> Measurement:
    from midge.runtime.arrays import random_inputs
    from midge.runtime.firmware import emulated, temporary_firmware
    from midge.runtime.measure import measure
    from midge.runtime.tuner import tune

    def decide(graph: Graph) -> Decisions:
        return tune(graph, board, toolchain, optimize, model_file=path.name, progress=lambda _: None).decisions

    tuned = decide if optimize == "speed" else None
    with temporary_firmware(path, board, toolchain, optimize, tuned) as firmware, emulated(firmware) as backend:
        measured = measure(backend, random_inputs(backend.inputs, 1, seed=0) if sample is None else sample, "emulator")
    if measured.difference is not None:
        raise RuntimeError(f"{board.name} differs from the host: {measured.difference}")
    return measured


def _describe(measured: Measurement, board: Board, too_large: str) -> Cost:
    from midge.runtime.emulators.cycles import Cycles

    build, cycles = measured.firmware.build, None
    if measured.cycles is not None and measured.cycles_range is not None:
        cycles = Cycles(measured.cycles, *measured.cycles_range, ())
    time = timing.latency(board, measured.instructions, cycles)
    return Cost(
        board=board.name,
        optimize=measured.firmware.compiled.manifest.optimize,
        compiler=f"{build.compiler} {build.compiler_version}",
        instructions=measured.instructions,
        cycles=measured.cycles,
        cycles_range=measured.cycles_range,
        latency_us=time.estimate,
        latency_range_us=time.range,
        latency_source=time.source,
        arena=measured.arena,
        scratch=measured.scratch,
        stack=measured.stack,
        data=measured.data,
        code=measured.flash.code,
        weights=measured.flash.weights,
        other=measured.flash.other,
        too_large=too_large,
        layers=tuple(
            LayerCost(layer.index, layer.op, layer.name, layer.macs, layer.instructions) for layer in measured.layers
        ),
    )


def _key(
    content: bytes, board: Board, optimize: str | None, toolchain: Toolchain, sample: Sequence[Array] | None
) -> str:
    digest = hashlib.sha256(content)
    digest.update(msgspec.json.encode(board) + (optimize or "default").encode())
    digest.update(" ".join((toolchain.name, toolchain.version, *toolchain.compile_flags(optimize))).encode())
    digest.update(_sources_digest().encode())
    for array in () if sample is None else sample:
        digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


@lru_cache(maxsize=1)
def _sources_digest() -> str:
    """Hash all that firmware is made from and with: what any change to Midge may change the cost by."""
    digest = hashlib.sha256()
    for folder in (_SOURCES, _FIRMWARE):
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".c", ".h", ".S", ".ld")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _keep(path: Path, cost: Cost) -> None:
    """Write a result, whole or not at all; a cache that cannot be written to only costs time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(cost))
        Path(name).replace(path)
    except OSError:
        return
