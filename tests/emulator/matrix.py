"""Every model on every emulated core with every compiler: the same bits as the host, the same counts on both engines.

    python tests/emulator/matrix.py --samples 20 MODEL.tflite ...

Prints one row for each model, board and compiler: whether all outputs equal the host's, the instructions of one
inference by Unicorn and by QEMU on the very same ELF, and whether the bytes of the arena that the run touched are the
ones that were planned and that the linker placed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import midge
from midge.runtime.backends.c import compile_model
from midge.runtime.board import Board, load_board
from midge.runtime.emulators import open_emulator
from midge.runtime.errors import CapacityError, Error, MissingToolError, UnsupportedError
from midge.runtime.graph import Array
from midge.runtime.passes.plan_memory import Plan
from midge.runtime.toolchain import find_toolchain

BOARDS = ("rp2040-core", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "qemu-rv32")
COMPILERS = ("gcc", "zig")
ENGINES = ("unicorn", "qemu")
MODES = ("speed", "size", "ram")


@dataclass(frozen=True)
class Row:
    """What one model did on one board."""

    model: str
    board: str
    compiler: str
    outcome: str
    """`equal`, or what went wrong."""
    instructions: dict[str, int]
    """By engine; engines that do not model the core are left out."""
    code: int = 0
    planned: int = 0
    """Arena and scratch as `inspect` says."""
    linked: int = 0
    """Size of the arena's symbol in the ELF."""
    touched: int = 0
    """Bytes of the arena that the inference read, wrote, or that hold an input or output."""
    gaps: int = 0
    """Bytes of the plan that no tensor and no scratch buffer covers, because tensors begin at whole words."""

    @property
    def good(self) -> bool:
        """Whether nothing is amiss: it ran and agreed in everything, or it cannot fit this board."""
        if self.outcome != "equal":
            return self.outcome.startswith("does not fit")
        return len(set(self.instructions.values())) == 1 and self.planned == self.linked == self.touched + self.gaps


def random_inputs(model: midge.Model, rng: np.random.Generator) -> list[Array]:
    """Return one random sample for each input, in the input's own type."""
    return [
        rng.standard_normal(info.shape).astype(np.float32)
        if info.dtype == "float32"
        else rng.integers(-128, 128, info.shape).astype(info.dtype)
        for info in model.inputs
    ]


def gaps(plan: Plan) -> int:
    """Return the bytes of a plan that lie in none of its blocks."""
    covered = np.zeros(plan.total, bool)
    for block, offset in plan.blocks:
        covered[offset : offset + block.size] = True
    return int((~covered).sum())


def try_board(
    path: Path, board: Board, compiler: str, samples: int, engines: Sequence[str], optimize: str | None = None
) -> Row:
    """Compile one model for one board and compare `samples` inferences; the second engine runs only one."""
    row = {"model": path.stem, "board": board.name, "compiler": compiler}
    host = midge.load(path)
    rng = np.random.default_rng(11)
    feeds = [random_inputs(host, rng) for _ in range(samples)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            toolchain = find_toolchain(board, compiler)
            project = Path(folder) / "project"
            result = compile_model(path, board, project, optimize=optimize, toolchain=toolchain, build=True)
        except CapacityError as error:
            return Row(**row, outcome=f"does not fit: {str(error).splitlines()[0][:90]}", instructions={})
        assert result.build is not None
        counts: dict[str, int] = {}
        touched = 0
        for engine in engines:
            try:
                emulator = open_emulator(result.build.elf, result.manifest, board, engine)
            except (MissingToolError, UnsupportedError):
                continue
            with emulator:
                for number, feed in enumerate(feeds if not counts else feeds[:1]):
                    first = number == 0
                    run = emulator.run(
                        [np.ascontiguousarray(array).tobytes() for array in feed], touched=first and not counts
                    )
                    expected = [output.tobytes() for output in host.run(*feed)]
                    if list(run.outputs) != expected:
                        return Row(**row, outcome=f"DIFFERS on sample {number} ({engine})", instructions=counts)
                    if first:
                        touched = touched or run.arena_touched or 0
                        instructions = run.instructions
            counts[engine] = instructions
        return Row(
            **row,
            outcome="equal",
            instructions=counts,
            code=result.build.flash.code,
            planned=result.manifest.arena + result.manifest.scratch,
            linked=result.build.ram.arena,
            touched=touched,
            gaps=gaps(result.plan),
        )


def main() -> int:
    """Parse the command line, try everything, print a table; 1 if anything is amiss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--boards", nargs="+", default=BOARDS)
    parser.add_argument("--compilers", nargs="+", default=COMPILERS)
    parser.add_argument("--engines", nargs="+", default=ENGINES)
    parser.add_argument("--optimize", choices=MODES, help="what the firmware is built for")
    options = parser.parse_args()
    bad = 0
    for path in options.models:
        for name in options.boards:
            for compiler in options.compilers:
                try:
                    row = try_board(
                        path, load_board(name), compiler, options.samples, options.engines, options.optimize
                    )
                except Error as error:
                    row = Row(path.stem, name, compiler, f"{type(error).__name__}: {error}", {})
                bad += not row.good
                counts = " ".join(f"{engine} {count:,}" for engine, count in row.instructions.items())
                print(
                    f"{'ok ' if row.good else 'BAD'} {row.model:27} {row.board:12} {row.compiler:4} {row.outcome};"
                    f" {counts}; code {row.code:,};"
                    f" arena {row.planned:,} linked {row.linked:,} touched {row.touched:,} gaps {row.gaps:,}",
                    flush=True,
                )
    print(f"{bad} rows amiss")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
