"""What zeros save: a fully connected layer and a 1x1 convolution on a Cortex-M4 and a RV32 core, at several sparsities.

    python tests/benchmark/sparse.py [--board mps2-an386 qemu-rv32] [--compiler gcc]

Weights are normally distributed; those of least magnitude are set to zero, one by one or in the blocks that the kernels
exploit. Prints for every layer the instructions of one inference and the bytes of its packed constants, computed by the
best way that ignores zeros and by each that does not; every output is compared with the oracle's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kernels"))

from core_image import core_board
from core_layers import Layer
from core_specialised import Network
from oracle import Case, TensorSpec, build, expected, single

from midge.runtime.backends.c.build import build as build_project
from midge.runtime.backends.c.project import write_project
from midge.runtime.backends.c.target import arch_for
from midge.runtime.emulators import open_emulator
from midge.runtime.lower import candidates, check
from midge.runtime.operators.variant import PLAIN
from midge.runtime.operators.variants import zeros
from midge.runtime.operators.variants.blocks import BLOCKS
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.program import KernelCall, Target
from midge.runtime.tflite.reader import read_model
from midge.runtime.toolchain import COMPILERS, find_toolchain

Array = npt.NDArray[Any]

SPARSITIES = (0, 50, 75, 90)
"""Percent of the weights that are zero."""
BOARDS = ("mps2-an386", "qemu-rv32")
FOR_ZEROS = ("sparse", "blocks")
"""Variants that make use of zeros."""


@dataclass(frozen=True)
class Shape:
    """A layer: a 1x1 convolution where there are rows and columns of pixels."""

    inputs: int
    outputs: int
    extent: int = 0

    @property
    def name(self) -> str:
        """What the table calls it."""
        if self.extent == 0:
            return f"fully connected {self.inputs} -> {self.outputs}"
        return f"1x1 {self.inputs} -> {self.outputs} on {self.extent}x{self.extent}"

    @property
    def macs(self) -> int:
        """Multiplications that the layer asks for."""
        return self.inputs * self.outputs * max(1, self.extent) ** 2


SHAPES = (Shape(640, 128), Shape(64, 64, 8))


def draw_weights(shape: Shape, sparsity: int, block: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return int8 weights, shape (outputs, inputs), of which the least blocks are zero."""
    values = rng.normal(size=(shape.outputs, shape.inputs))
    tall, wide = block
    blocks = values.reshape(shape.outputs // tall, tall, shape.inputs // wide, wide)
    sizes = np.abs(blocks).sum(axis=(1, 3))
    order = np.argsort(sizes, axis=None)[: round(sizes.size * sparsity / 100)]
    kept = np.ones(sizes.size, bool)
    kept[order] = False
    values = (blocks * kept.reshape(sizes.shape)[:, None, :, None]).reshape(values.shape)
    scaled = np.rint(127 * values / np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-9))
    # No weight that was kept becomes a zero by rounding.
    return np.where((scaled == 0) & (values != 0), 1, scaled).astype(np.int8)


def make_layer(shape: Shape, weights: Array, rng: np.random.Generator) -> Layer:
    """Return the layer with RELU, and ask the oracle."""
    outputs, inputs = weights.shape
    pixels = (1, shape.extent, shape.extent) if shape.extent else (1,)
    feed = rng.integers(-128, 128, (*pixels, inputs), np.int8)
    scale = float(np.float32(0.02 * 0.01 * 74 * 50 * inputs**0.5 / 60))
    stored = weights.reshape(outputs, 1, 1, inputs) if shape.extent else weights
    specs = [
        TensorSpec(feed.shape, "int8", 0.02, -3),
        TensorSpec(stored.shape, "int8", np.full(outputs, 0.01, np.float32), 0, 0, stored),
        TensorSpec((outputs,), "int32", np.full(outputs, 0.0002, np.float32), data=np.arange(outputs, dtype=np.int32)),
    ]
    options: Any = schema.FullyConnectedOptionsT()
    if shape.extent:
        options = schema.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = 1, 1, 1
        options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = 1
    kind = "CONV_2D" if shape.extent else "FULLY_CONNECTED"
    case: Case = single(kind, specs, [TensorSpec((*pixels, outputs), "int8", scale, -128)], [feed], options, 3)
    data = build(case)
    graph = read_model(data, shape.name)
    (node,) = graph.nodes()
    check(node)
    wanted = dict(zip(graph.outputs, expected(case, data), strict=True))
    return Layer(shape.name, case, graph, node, dict(zip(graph.inputs, case.feeds, strict=True)), wanted, 0)


def ways(layer: Layer, target: Target) -> list[tuple[str, tuple[KernelCall, ...]]]:
    """Return the best way that ignores zeros, and all that do not."""
    with patch.object(zeros, "LEAST_GAIN", -1e9):  # whether they pay or not
        known = dict(candidates(layer.node, target))
    found = [next((name, calls) for name, calls in known.items() if name not in FOR_ZEROS)]
    assert found[0][0] != PLAIN
    return [*found, *((name, known[name]) for name in FOR_ZEROS if name in known)]


def measure(
    layers: list[Layer], ways_of: list[list[tuple[str, tuple[KernelCall, ...]]]], board_name: str, compiler: str | None
) -> list[tuple[int, int | None]]:
    """Return instructions and modelled cycles, if there is a model, of every way of every layer, in one firmware.

    Raises:
        AssertionError: an output differs from the oracle's.
    """
    board, _ = core_board(board_name)
    network = Network()
    for layer, named in zip(layers, ways_of, strict=True):
        network.add(layer, named)
    network.steps = [replace(step, specialised=False) for step in network.steps]
    program = network.program(Target(arch_for(board.cpu), "speed"))
    with tempfile.TemporaryDirectory(prefix="midge-sparse-") as folder:
        project = Path(folder) / "project"
        manifest = write_project(program, plan_memory(program), board, project, "model", model_file="layers.tflite")
        built = build_project(project, board, find_toolchain(board, compiler), optimize="speed")
        with open_emulator(built.elf, manifest, board) as emulator:
            result = emulator.run([np.ascontiguousarray(feed).tobytes() for feed in network.feeds])
            cycles = emulator.cycles(result)
    for layer, name, first in network.parts:
        (wanted,) = layer.wanted.values()
        assert result.outputs[first] == wanted.tobytes(), f"{layer.name}, {name}: other bits than the oracle's"
    modelled = (None,) * len(result.layers) if cycles is None else cycles.layers
    return list(zip(result.layers, modelled, strict=True))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", nargs="+", default=BOARDS, help="cores to count on")
    parser.add_argument("--compiler", choices=COMPILERS, help="default: gcc where it is installed")
    arguments = parser.parse_args()
    for board_name in arguments.board:
        board, _ = core_board(board_name)
        target = Target(arch_for(board.cpu), "speed")
        print(f"\n{board_name} ({board.cpu}); all outputs equal the oracle's")
        print(
            f"{'layer':34} {'zeros':>14} {'way':10} {'instructions':>13} {'per MAC':>8} {'of dense':>8} {'cycles':>9}"
            f" {'bytes':>8}"
        )
        for shape in SHAPES:
            for block in ((1, 1), *BLOCKS):
                rng = np.random.default_rng(1)
                layers = [make_layer(shape, draw_weights(shape, part, block, rng), rng) for part in SPARSITIES]
                ways_of = [ways(layer, target) for layer in layers]
                counts = iter(measure(layers, ways_of, board_name, arguments.compiler))
                for part, named in zip(SPARSITIES, ways_of, strict=True):
                    dense = 0
                    for name, calls in named:
                        count, cycles = next(counts)
                        dense = dense or count
                        size = sum(value.nbytes for call in calls for value in call.constants().values())
                        zeros = f"{part} %" + ("" if block == (1, 1) else f" {block[0]}x{block[1]}")
                        print(
                            f"{shape.name:34} {zeros:>14} {name:10} {count:13,} {count / shape.macs:8.3f}"
                            f" {count / dense:8.2f} {'' if cycles is None else f'{cycles:,}':>9} {size:8,}",
                            flush=True,
                        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
