"""What weights of four bits save and cost: four layers on a Cortex-M4 and a RV32 core.

    python tests/benchmark/packed.py [--board mps2-an386 qemu-rv32] [--compiler gcc]

Prints for every layer the instructions of one inference and the bytes of its packed constants: with int8 weights, with
int8 weights of 16 different values, and with int4 weights, each computed the first way that the default mode takes.
Every output is compared with the oracle's.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kernels"))

from core_image import core_board
from core_layers import Layer
from oracle import Case, TensorSpec, build, expected, single
from sparse import measure

from midge.runtime.backends.c.target import arch_for
from midge.runtime.lower import candidates, check
from midge.runtime.program import Target
from midge.runtime.tflite.reader import read_model
from midge.runtime.toolchain import COMPILERS

Array = npt.NDArray[Any]

BOARDS = ("mps2-an386", "qemu-rv32")
FORMS = ("int8", "codebook", "int4")


@dataclass(frozen=True)
class Shape:
    """A layer with RELU; a convolution with SAME padding and stride 1 where there are rows and columns of pixels."""

    name: str
    kind: str
    inputs: int
    outputs: int
    filter: int = 1
    extent: int = 1

    @property
    def depth(self) -> int:
        """Products of a sum."""
        return self.filter**2 * (1 if self.kind == "DEPTHWISE_CONV_2D" else self.inputs)

    @property
    def macs(self) -> int:
        """Multiplications that the layer asks for."""
        return self.depth * self.outputs * self.extent**2


SHAPES = (
    Shape("fully connected 640 -> 128", "FULLY_CONNECTED", 640, 128),
    Shape("1x1 64 -> 64 on 8x8", "CONV_2D", 64, 64, 1, 8),
    Shape("3x3 64 -> 64 on 8x8", "CONV_2D", 64, 64, 3, 8),
    Shape("depthwise 3x3 64 on 8x8", "DEPTHWISE_CONV_2D", 64, 64, 3, 8),
)


def draw_weights(shape: Shape, form: str, rng: np.random.Generator) -> Array:
    """Return normally distributed weights, shape (outputs, depth)."""
    values = np.clip(rng.normal(size=(shape.outputs, shape.depth)) / 3, -1, 1)
    if form == "int4":
        return np.rint(7 * values).astype(np.int8)
    stored = np.rint(127 * values).astype(np.int8)
    if form == "codebook":
        codebook = np.array([-101, -80, -63, -51, -40, -30, -20, -10, 0, 11, 22, 35, 47, 60, 77, 99], np.int8)
        nearest: Array = codebook[np.abs(stored[..., None].astype(int) - codebook).argmin(axis=2)]
        return nearest
    return stored


def make_layer(shape: Shape, form: str, rng: np.random.Generator) -> Layer:
    """Return the layer, and ask the oracle."""
    weights = draw_weights(shape, form, rng)
    is_conv, is_depthwise = shape.kind != "FULLY_CONNECTED", shape.kind == "DEPTHWISE_CONV_2D"
    pixels = (1, shape.extent, shape.extent) if is_conv else (1,)
    if is_depthwise:
        stored = weights.T.reshape(1, shape.filter, shape.filter, shape.outputs).copy()
    elif is_conv:
        stored = weights.reshape(shape.outputs, shape.filter, shape.filter, shape.inputs)
    else:
        stored = weights
    feed = rng.integers(-128, 128, (*pixels, shape.inputs), np.int8)
    step = 0.01 * 127 / 7 if form == "int4" else 0.01
    output_scale = float(np.float32(0.02 * 0.01 * 74 * 50 * shape.depth**0.5 / 60))
    # One scale: TensorFlow Lite Micro takes no other for fully connected layers with int4 weights.
    specs = [
        TensorSpec(feed.shape, "int8", 0.02, -3),
        TensorSpec(stored.shape, "int4" if form == "int4" else "int8", np.float32(step), 0, 0, stored),
        TensorSpec((shape.outputs,), "int32", np.float32(0.02 * step), data=np.arange(shape.outputs, dtype=np.int32)),
    ]
    if is_depthwise:
        # It wants as many scales as channels there.
        specs[1:] = [
            TensorSpec(stored.shape, specs[1].dtype, np.full(shape.outputs, step, np.float32), 0, 3, stored),
            TensorSpec((shape.outputs,), "int32", np.full(shape.outputs, 0.02 * step, np.float32), data=specs[2].data),
        ]
    options: Any = schema.FullyConnectedOptionsT()
    if is_conv:
        options = schema.DepthwiseConv2DOptionsT() if is_depthwise else schema.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = 0, 1, 1
        options.dilationHFactor = options.dilationWFactor = 1
    if is_depthwise:
        options.depthMultiplier = 1
    options.fusedActivationFunction = 1
    output = TensorSpec((*pixels, shape.outputs), "int8", output_scale, -128)
    case: Case = single(shape.kind, specs, [output], [feed], options, 3)
    data = build(case)
    graph = read_model(data, shape.name)
    (node,) = graph.nodes()
    check(node)
    wanted = dict(zip(graph.outputs, expected(case, data), strict=True))
    return Layer(
        f"{shape.name}, {form}", case, graph, node, dict(zip(graph.inputs, case.feeds, strict=True)), wanted, 0
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", nargs="+", default=BOARDS, help="cores to count on")
    parser.add_argument("--compiler", choices=COMPILERS, help="default: gcc where it is installed")
    arguments = parser.parse_args()
    for board_name in arguments.board:
        board, _ = core_board(board_name)
        target = Target(arch_for(board.cpu))
        print(f"\n{board_name} ({board.cpu}); all outputs equal the oracle's")
        print(
            f"{'layer':28} {'weights':10} {'way':10} {'instructions':>13} {'per MAC':>8} {'of int8':>8}"
            f" {'cycles':>10} {'bytes':>8} {'of int8':>8} {'scratch':>8}"
        )
        for shape in SHAPES:
            rng = np.random.default_rng(1)
            layers = [make_layer(shape, form, rng) for form in FORMS]
            ways = [[next(candidates(layer.node, target))] for layer in layers]
            counts = measure(layers, ways, board_name, arguments.compiler)
            sizes = [sum(v.nbytes for call in named[0][1] for v in call.constants().values()) for named in ways]
            for form, (named,), (count, cycles), size in zip(FORMS, ways, counts, sizes, strict=True):
                scratch = max(call.scratch for call in named[1])
                print(
                    f"{shape.name:28} {form:10} {named[0]:10} {count:13,} {count / shape.macs:8.3f}"
                    f" {count / counts[0][0]:8.2f} {'' if cycles is None else f'{cycles:,}':>10} {size:8,}"
                    f" {size / sizes[0]:8.2f} {scratch:8,}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
