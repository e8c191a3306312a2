"""Random layers on emulated cores: every variant's common copy of its kernel, many layers per firmware image.

    python tests/kernels/core_fuzz.py --board mps2-an386 mps3-an547 qemu-rv32 --count 20000 [--family conv]
                                      [--compiler gcc] [--engine unicorn] [--seed 1] [--processes 2]
    python tests/kernels/core_fuzz.py --board aarch64-max aarch64-a53      a Linux program for AArch64, with and
                                                                           without dot products
    python tests/kernels/core_fuzz.py --board host                         the kernel library of this machine

The firmware has all kernels of the core and takes kernel calls as data: parameter structures, packed constants, tensors
and scratch buffers between bytes that nobody may change. Expected values come from the oracle, once for all boards.
Prints a table: layers, ways to compute them and how often each ran (twice where it works in place), differences.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from compare import judge
from core_batch import Batch, FullError, Run
from core_engines import Execute, engine_for
from core_host import run_way
from core_image import WINDOWS, CoreImage, build_image
from core_layers import FAMILIES, Layer, Way, make_layer, ways
from core_linux import PROCESSORS, build_program

from midge.runtime import native
from midge.runtime.toolchain import COMPILERS, OPTIMIZE_FLAGS

CHUNK = 400
"""Layers that a process takes at once."""
BATCH_BYTES = 6 << 20
"""Window used at most: what is not used need not be compared."""
MOST_JOBS = 8192
GUARDED_BYTES, GUARDED_JOBS = 1 << 20, 64
"""The same where pages are guarded, each of which costs time."""
SHOWN = 5
"""Differences printed in full per family and board."""


@dataclass(frozen=True)
class Task:
    """A chunk of layers: (operator, type, number) of each."""

    layers: tuple[tuple[str, str, int], ...]
    seed: int
    every: bool
    """Whether all candidates are run, or only the first of each mode."""


@dataclass
class Tally:
    """What was run, and what differed."""

    layers: int = 0
    replaced: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """On the core."""

    def add(self, other: Tally) -> None:
        """Add another one to this."""
        self.layers += other.layers
        self.replaced += other.replaced
        self.runs += other.runs
        self.differences += other.differences
        self.seconds += other.seconds


class Core:
    """A board's firmware, ready to run batches."""

    def __init__(self, image: CoreImage, engine: str | None, guard: bool = False) -> None:
        """Prepare an engine by name, or the first that can run it; `guard` finds reads behind objects too."""
        self.image = image
        self._page = image.page if guard else 0
        self._execute: Execute = engine_for(image, engine)

    def run(self, layers: Sequence[Layer], every: bool, rng: np.random.Generator) -> Tally:
        """Run layers in as many batches as they need."""
        tally = Tally(layers=len(layers), replaced=sum(layer.replaced for layer in layers))
        batch = self._batch(rng)
        owners: list[Layer] = []
        for layer in layers:
            try:
                for way in ways(layer, self.image.arch, every):
                    try:
                        _append(batch, layer, way)
                    except FullError:
                        self._finish(batch, owners, tally)
                        batch, owners = self._batch(rng), []
                        _append(batch, layer, way)
                    owners.append(layer)
            except Exception:
                tally.differences.append(f"{layer.name}: {traceback.format_exc(limit=-3)}")
        self._finish(batch, owners, tally)
        return tally

    def _batch(self, rng: np.random.Generator) -> Batch:
        window = self.image.window
        size, jobs = (GUARDED_BYTES, GUARDED_JOBS) if self._page else (min(window.size, BATCH_BYTES), MOST_JOBS)
        return Batch(window.address, size, self.image.kernels, jobs, rng, self._page, self.image.pointer)

    def _finish(self, batch: Batch, owners: Sequence[Layer], tally: Tally) -> None:
        if not batch.runs:
            return
        begin = time.perf_counter()
        after, stuck = self._execute(batch)
        tally.seconds += time.perf_counter() - begin
        found = stuck + batch.judge(after, [run for run, _ in stuck])
        for run, layer in zip(batch.runs, owners, strict=True):
            tally.runs[run.way] += 1
            if run.found:
                wrong = judge(layer.case, list(layer.wanted.values()), run.found)
                if wrong is not None:
                    found.append((run, wrong))
        tally.differences += [_sentence(run, what) for run, what in found]


class HostCore:
    """The kernel library of this machine, in the same role."""

    def run(self, layers: Sequence[Layer], every: bool, _: np.random.Generator) -> Tally:
        """Run layers one by one."""
        tally = Tally(layers=len(layers), replaced=sum(layer.replaced for layer in layers))
        for layer in layers:
            try:
                for way in ways(layer, native.host_arch(), every):
                    begin = time.perf_counter()
                    wrong = run_way(layer, way)
                    tally.seconds += time.perf_counter() - begin
                    tally.runs[way.name] += 1
                    if wrong is not None:
                        tally.differences.append(f"{layer.name} ({way.name}): {wrong}")
            except Exception:
                tally.differences.append(f"{layer.name}: {traceback.format_exc(limit=-3)}")
        return tally


def _append(batch: Batch, layer: Layer, way: Way) -> None:
    exact = layer.case.tolerance == 0
    batch.add(layer.name, way.name, way.calls, layer.graph, layer.feeds, layer.wanted, exact, way.overlap)


def _sentence(run: Run, what: str) -> str:
    return f"{run.label} ({run.way}): {what}"


HOST = "host"
"""How `--board` names this machine."""

_cores: dict[str, Core | HostCore] = {}


def open_cores(images: dict[str, CoreImage], engine: str | None, guard: bool, host: bool) -> None:
    """Get a process ready for tasks."""
    if host:
        _cores[HOST] = HostCore()
    for name, image in images.items():
        _cores[name] = Core(image, engine, guard)


def run_task(task: Task) -> dict[str, Tally]:
    """Make layers, ask the oracle, and run them on every core; by board."""
    layers: list[Layer] = []
    broken: list[str] = []
    for operator, dtype, number in task.layers:
        try:
            layers.append(make_layer(operator, dtype, task.seed, number))
        except Exception:
            broken.append(f"{operator} {dtype} --seed {task.seed} --first {number}: {traceback.format_exc(limit=-3)}")
    results = {}
    for name, core in _cores.items():
        results[name] = core.run(layers, task.every, np.random.default_rng(task.layers[0][2]))
        results[name].differences += broken
    return results


def tasks(pairs: Sequence[tuple[str, str]], count: int, first: int, seed: int, every: bool) -> Iterator[Task]:
    """Deal `count` layers out to operators and types, in chunks."""
    layers = [(*pairs[i % len(pairs)], first + i // len(pairs)) for i in range(count)]
    for begin in range(0, count, CHUNK):
        yield Task(tuple(layers[begin : begin + CHUNK]), seed, every)


def run_family(pool: ProcessPoolExecutor | None, boards: Sequence[str], work: Sequence[Task]) -> dict[str, Tally]:
    """Run all tasks, here or in other processes; by board."""
    total = {board: Tally() for board in boards}
    for result in map(run_task, work) if pool is None else pool.map(run_task, work):
        for board, tally in result.items():
            total[board].add(tally)
    return total


def print_family(family: str, totals: dict[str, Tally], seconds: float) -> None:
    """Print what became of a family, and the first differences on stderr."""
    for board, tally in totals.items():
        speed = tally.layers / max(tally.seconds, 1e-9)
        print(
            f"{family:16} {board:12} {tally.layers:8,} {tally.replaced:9,} {sum(tally.runs.values()):9,}"
            f" {speed:9,.0f} {len(tally.differences):12,}",
            flush=True,
        )
        for sentence in tally.differences[:SHOWN]:
            print(f"{board}: {sentence}", file=sys.stderr)
    for way in sorted(set().union(*(tally.runs for tally in totals.values()))):
        print(f"    {way:60}" + "".join(f" {tally.runs[way]:9,}" for tally in totals.values()))
    print(f"    {seconds:.0f} s in all", flush=True)


def chosen_families(arguments: argparse.Namespace) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the families to run; `--operator` and `--dtype` make one of their own."""
    if arguments.operator is None and arguments.dtype is None:
        return {name: FAMILIES[name] for name in arguments.family or FAMILIES}
    found = {}
    for name in arguments.family or FAMILIES:
        pairs = tuple(
            (operator, dtype)
            for operator, dtype in dict.fromkeys(FAMILIES[name])
            if arguments.operator in (None, operator) and arguments.dtype in (None, dtype)
        )
        if pairs:
            found[name] = pairs
    return found


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--board", nargs="+", choices=(*WINDOWS, *PROCESSORS, HOST), default=["mps2-an386"], help="cores to run on"
    )
    parser.add_argument("--count", type=int, default=1000, help="layers per family (default 1000)")
    parser.add_argument("--family", action="append", choices=FAMILIES, help="only this family; may be given again")
    parser.add_argument("--operator", help="only this operator")
    parser.add_argument("--dtype", help="only this type of the first input")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other layers (default 0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first layer (default 0)")
    parser.add_argument("--compiler", choices=COMPILERS, help="default: gcc where it is installed")
    parser.add_argument("--optimize", choices=OPTIMIZE_FLAGS, help="the compiler's flags for this mode")
    parser.add_argument("--engine", choices=("unicorn", "qemu"), help="default: Unicorn where it models the core")
    parser.add_argument(
        "--arch-variants", choices=("all", "first"), default="all",
        help="every candidate of a layer, or the first of each mode (default all)",
    )  # fmt: skip
    parser.add_argument(
        "--guard",
        action="store_true",
        help="let reads behind tensors and constants fault (not in QEMU's boards; slower)",
    )
    parser.add_argument("--processes", type=int, default=1, help="processes that run layers (default 1)")
    return parser.parse_args()


def main() -> int:
    """Run the fuzz; 1 if anything differs."""
    arguments = parse()
    failed = False
    with tempfile.TemporaryDirectory(prefix="midge-core-") as folder:
        images: dict[str, CoreImage] = {}
        for board in arguments.board:
            (Path(folder) / board).mkdir()
            if board in WINDOWS:
                images[board] = build_image(board, Path(folder) / board, arguments.compiler, arguments.optimize)
        programs = [board for board in arguments.board if board in PROCESSORS]
        if programs:
            images |= build_program(programs, Path(folder) / programs[0], arguments.compiler, arguments.optimize)
        pool = None
        given = (images, arguments.engine, arguments.guard, HOST in arguments.board)
        if arguments.processes > 1:
            pool = ProcessPoolExecutor(arguments.processes, initializer=open_cores, initargs=given)
        else:
            open_cores(*given)
        print(
            f"{'family':16} {'board':12} {'layers':>8} {'too large':>9} {'runs':>9} {'layers/s':>9} {'differences':>12}"
        )
        for family, pairs in chosen_families(arguments).items():
            begin = time.monotonic()
            every = arguments.arch_variants == "all"
            work = list(tasks(pairs, arguments.count, arguments.first, arguments.seed, every))
            totals = run_family(pool, arguments.board, work)
            print_family(family, totals, time.monotonic() - begin)
            failed = failed or any(tally.differences for tally in totals.values())
        if pool is not None:
            pool.shutdown()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
