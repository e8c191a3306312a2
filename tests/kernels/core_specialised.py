"""Random layers as a generated project has them: real output of the C emitter, many layers in one firmware.

    python tests/kernels/core_specialised.py --board mps2-an386 mps3-an547 qemu-rv32 --count 300 [--family conv]

Every way to compute a layer becomes a layer function: an instance of the kernel of its own, in which the compiler has
folded the layer's shapes, where the kernel can be specialised, else a call of the common copy. Constants are in flash,
tensors in the arena. All outputs are compared with the oracle's. Prints a table: layers, layer functions (those that
are instances of their own), differences.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from compare import judge
from core_image import WINDOWS, core_board
from core_layers import FAMILIES, Layer, make_layer, ways

from midge.runtime.backends.c.build import build
from midge.runtime.backends.c.project import write_project
from midge.runtime.backends.c.sources import body_header
from midge.runtime.backends.c.target import arch_for
from midge.runtime.board import Board
from midge.runtime.emulators import open_emulator
from midge.runtime.graph import Graph, Tensor
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.program import KernelCall, Program, Step, Target
from midge.runtime.toolchain import COMPILERS, OPTIMIZE_FLAGS, Toolchain, find_toolchain

Array = npt.NDArray[Any]

MOST_FUNCTIONS = 50
"""Layer functions in one firmware."""
MOST_CONSTANTS = 150_000
"""Bytes of constants in one firmware, to which instances of kernels add their code."""
MOST_TENSORS = 250_000
"""Bytes of tensors and scratch buffers in one firmware."""
SHOWN = 5


@dataclass
class Network:
    """Independent layers, side by side in one program."""

    tensors: list[Tensor] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    feeds: list[Array] = field(default_factory=list)
    parts: list[tuple[Layer, str, int]] = field(default_factory=list)
    """Of every step: the layer, the name of the way to compute it, the position of its first output."""
    constants: int = 0

    def fits(self, layer: Layer, all_calls: Sequence[tuple[KernelCall, ...]]) -> bool:
        """Whether there is room for a layer computed in some ways."""
        constants = sum(_constant_bytes(calls) for calls in all_calls)
        tensors = sum(tensor.nbytes for tensor in (*self.tensors, *layer.graph.tensors) if tensor.data is None)
        tensors += sum(layer.graph.tensors[i].nbytes for i in layer.graph.outputs) * len(all_calls)
        scratch = sum(step.scratch for step in self.steps) + sum(call.scratch for calls in all_calls for call in calls)
        return (
            len(self.steps) + len(all_calls) <= MOST_FUNCTIONS
            and self.constants + constants <= MOST_CONSTANTS
            and tensors + scratch <= MOST_TENSORS
        )

    def add(self, layer: Layer, named: Sequence[tuple[str, tuple[KernelCall, ...]]]) -> None:
        """Append a layer: its inputs once, and for every way to compute it a step and outputs of its own."""
        place: dict[int, int] = {}
        for index, tensor in enumerate(layer.graph.tensors):
            if index not in layer.graph.outputs:
                place[index] = self._append(tensor)
        for index in layer.graph.inputs:
            self.inputs.append(place[index])
            self.feeds.append(layer.feeds[index])
        for name, calls in named:
            here = {**place, **{i: self._append(layer.graph.tensors[i]) for i in layer.graph.outputs}}
            moved = tuple(
                replace(
                    call,
                    inputs=tuple(here[i] for i in call.inputs),
                    outputs=tuple(here[i] for i in call.outputs),
                )
                for call in calls
            )
            outputs = tuple(here[i] for i in layer.graph.outputs)
            self.parts.append((layer, name, len(self.outputs)))
            self.outputs += outputs
            self.constants += _constant_bytes(calls)
            self.steps.append(
                Step(
                    index=len(self.steps),
                    kind=layer.node.operator.kind,
                    name=f"layer {len(self.steps)}",
                    inputs=tuple(here[i] for i in layer.graph.inputs),
                    outputs=outputs,
                    calls=moved,
                    variant=name,
                    specialised=True,
                )
            )

    def program(self, target: Target) -> Program:
        """Return all of it as a program."""
        graph = Graph("layers", tuple(self.tensors), (), tuple(self.inputs), tuple(self.outputs), sha256="0" * 64)
        return Program(graph, target, tuple(self.steps))

    def _append(self, tensor: Tensor) -> int:
        self.tensors.append(replace(tensor, name=f"t{len(self.tensors)}"))
        return len(self.tensors) - 1


@dataclass
class Outcome:
    """What was run, and what differed."""

    layers: int = 0
    functions: Counter[str] = field(default_factory=Counter)
    """By way."""
    instances: int = 0
    """Of the functions, those with a kernel of their own."""
    firmwares: int = 0
    differences: list[str] = field(default_factory=list)


def run_network(network: Network, board: Board, toolchain: Toolchain, optimize: str | None, outcome: Outcome) -> None:
    """Emit, build, run and compare a network."""
    target = Target(arch_for(board.cpu), optimize or "default")
    program = network.program(target)
    with tempfile.TemporaryDirectory(prefix="midge-core-") as folder:
        project = Path(folder) / "project"
        plan = plan_memory(program, share=False)
        manifest = write_project(program, plan, board, project, "model", model_file="layers.tflite")
        built = build(project, board, toolchain, optimize=optimize)
        with open_emulator(built.elf, manifest, board) as emulator:
            result = emulator.run([np.ascontiguousarray(feed).tobytes() for feed in network.feeds])
    outcome.firmwares += 1
    for step, (layer, name, first) in zip(program.steps, network.parts, strict=True):
        wanted = list(layer.wanted.values())
        found = [
            np.frombuffer(result.outputs[first + i], value.dtype).reshape(value.shape) for i, value in enumerate(wanted)
        ]
        outcome.functions[name] += 1
        outcome.instances += any(body_header(call.kernel) for call in step.calls)
        what = judge(layer.case, wanted, found)
        if what is not None:
            outcome.differences.append(f"{layer.name} ({name}): {what}")


def networks(layers: Iterator[Layer], arch: str, outcome: Outcome) -> Iterator[Network]:
    """Pack layers into as few networks as they fit in; one that is too large for any is left out."""
    network = Network()
    for layer in layers:
        named = [(way.name, way.calls) for way in ways(layer, arch) if way.overlap is None]
        all_calls = [calls for _, calls in named]
        if not Network().fits(layer, all_calls):
            continue
        if not network.fits(layer, all_calls):
            yield network
            network = Network()
        network.add(layer, named)
        outcome.layers += 1
    if network.steps:
        yield network


def random_layers(pairs: Sequence[tuple[str, str]], count: int, first: int, seed: int) -> Iterator[Layer]:
    """Make `count` layers, dealt out to operators and types."""
    for i in range(count):
        yield make_layer(*pairs[i % len(pairs)], seed, first + i // len(pairs))


def _constant_bytes(calls: Sequence[KernelCall]) -> int:
    return sum(value.nbytes for call in calls for value in call.constants().values())


def main() -> int:
    """Run all; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", nargs="+", choices=WINDOWS, default=["mps2-an386"], help="cores to run on")
    parser.add_argument("--count", type=int, default=300, help="layers per family (default 300)")
    parser.add_argument("--family", action="append", choices=FAMILIES, help="only this family; may be given again")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other layers (default 0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first layer (default 0)")
    parser.add_argument("--compiler", choices=COMPILERS, help="default: gcc where it is installed")
    parser.add_argument("--optimize", choices=OPTIMIZE_FLAGS, default="speed", help="the mode (default speed)")
    arguments = parser.parse_args()
    failed = False
    print(
        f"{'family':16} {'board':12} {'layers':>7} {'functions':>9} {'instances':>9} {'images':>6} {'differences':>12}"
    )
    for family in arguments.family or FAMILIES:
        for name in arguments.board:
            begin = time.monotonic()
            board, _ = core_board(name)
            toolchain = find_toolchain(board, arguments.compiler)
            outcome = Outcome()
            layers = random_layers(FAMILIES[family], arguments.count, arguments.first, arguments.seed)
            for network in networks(layers, arch_for(board.cpu), outcome):
                run_network(network, board, toolchain, arguments.optimize, outcome)
            print(
                f"{family:16} {name:12} {outcome.layers:7,} {sum(outcome.functions.values()):9,}"
                f" {outcome.instances:9,} {outcome.firmwares:6,} {len(outcome.differences):12,}"
                f"   {time.monotonic() - begin:.0f} s",
                flush=True,
            )
            for sentence in outcome.differences[:SHOWN]:
                print(f"{name}: {sentence}", file=sys.stderr)
            for way, count in sorted(outcome.functions.items()):
                print(f"    {count:7,}  {way}")
            failed = failed or bool(outcome.differences)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
