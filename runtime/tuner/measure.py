"""Counting what a choice of variants costs: build the firmware, run it on the emulated core, read its counts."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from midge.runtime.backends.c.build import build
from midge.runtime.backends.c.manifest import Buffer
from midge.runtime.backends.c.project import write_project
from midge.runtime.backends.c.sizes import read_layout
from midge.runtime.board import Board
from midge.runtime.emulators import open_emulator
from midge.runtime.emulators.room import with_room
from midge.runtime.graph import Graph
from midge.runtime.lower import lower
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.program import Choice, Target
from midge.runtime.toolchain import Toolchain
from midge.runtime.tuner.cache import Cost


def measure(
    graph: Graph, target: Target, choices: Mapping[int, Choice], board: Board, toolchain: Toolchain
) -> dict[int, Cost]:
    """Count one inference on random input, layer by layer.

    Args:
        graph: the model after its passes.
        target: instruction set and mode.
        choices: by position in `graph.operators`.
        board: whose core is emulated.
        toolchain: what to build with.

    Returns:
        The cost of every operator that calls kernels, by position in `graph.operators`.

    Raises:
        CapacityError: this choice does not fit even the roomiest memories of the emulator.
        DeviceError: the firmware faulted, which is our bug.
    """
    program = lower(graph, target, choices)
    roomy = board if board.emulated else with_room(board)
    with tempfile.TemporaryDirectory(prefix="midge-tune-") as folder:
        directory = Path(folder) / "firmware"
        manifest = write_project(program, plan_memory(program), roomy, directory, "model", model_file="model.tflite")
        built = build(directory, roomy, toolchain, optimize=target.optimize)
        sizes = {symbol.name: symbol.size for symbol in read_layout(built.elf).symbols}
        with open_emulator(built.elf, manifest, roomy) as emulator:
            rng = np.random.default_rng(0)
            run = emulator.run([_random(buffer, rng) for buffer in manifest.inputs])
            cycles = emulator.cycles(run)
    positions = [position for position, step in enumerate(program.steps) if step.calls]
    modelled = (None,) * len(positions) if cycles is None else cycles.layers
    return {
        position: Cost(instructions, sizes.get(layer.function, 0), estimate)
        for position, layer, instructions, estimate in zip(
            positions, manifest.layers, run.layers, modelled, strict=True
        )
    }


def _random(buffer: Buffer, rng: np.random.Generator) -> bytes:
    if buffer.dtype.startswith("float"):
        return rng.standard_normal(buffer.shape).astype(buffer.dtype).tobytes()
    return rng.bytes(buffer.bytes)
