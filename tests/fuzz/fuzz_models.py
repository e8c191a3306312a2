"""Run damaged model files through read, plan, emit and the kernels: no crash, no hang, only Midge's own errors.

    python tests/fuzz/fuzz_models.py --count 5000 MODEL.tflite ...

The work is done in child processes, so that a crash is a finding and not the end. With `--sanitize` the kernel
library is built with AddressSanitizer and UndefinedBehaviorSanitizer first; every tensor then lies in an allocation
of its own, so that a kernel that leaves its buffers is caught.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NoReturn

import numpy as np

from midge.runtime.backends.c.emit import emit
from midge.runtime.errors import Error
from midge.runtime.graph import Array
from midge.runtime.interpret import bind
from midge.runtime.model import compile_graph
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.program import Program, Target
from midge.runtime.tflite.reader import read_model

sys.path.insert(0, str(Path(__file__).parent))
from mutate import mutate, structure

TIME_LIMIT_S = 10
LARGEST_RUN_MACS = 60_000_000
LARGEST_RUN_BYTES = 64_000_000


def run_program(program: Program, rng: np.random.Generator) -> None:
    """Run a program on random inputs with every tensor in an allocation of its own."""
    tensors = program.graph.tensors
    buffers: dict[int, Array] = {}

    def buffer(index: int) -> Array:
        data = tensors[index].data
        if data is not None:
            return np.ascontiguousarray(data)
        if index not in buffers:
            buffers[index] = np.frombuffer(rng.bytes(tensors[index].nbytes), np.uint8).copy()
        return buffers[index]

    for step in program.steps:
        if step.alias_of is not None:
            buffers[step.outputs[0]] = buffer(step.alias_of)
        for call in step.calls:
            scratch = np.zeros(call.scratch, np.uint8) if call.scratch else None
            bind(call, buffer, scratch).run()


def one(data: bytes, rng: np.random.Generator) -> str:
    """Take one file through everything and say how far it came.

    Raises:
        Exception: anything that is not a Midge error is a finding.
    """
    try:
        graph = read_model(data, "mutant")
        program = compile_graph(graph, Target())
        plan = plan_memory(program)
        size = sum(program.graph.tensors[index].nbytes for index in plan.offsets)
        if plan.total < LARGEST_RUN_BYTES:
            emit(program, plan, "mutant")
        if size > LARGEST_RUN_BYTES or program.macs > LARGEST_RUN_MACS:
            return "accepted, too large to run"
        run_program(program, rng)
    except Error as error:
        return type(error).__name__
    return "accepted and run"


def _too_long(*_: object) -> NoReturn:
    raise TimeoutError(f"took more than {TIME_LIMIT_S} s")


def worker(paths: list[Path], seed: int, start: int, count: int) -> None:
    """Try mutants `start` to `start + count`, one JSON line each; the line before a crash names the mutant."""
    seeds = [path.read_bytes() for path in paths]
    places = [structure(data) for data in seeds]
    signal.signal(signal.SIGALRM, _too_long)
    for number in range(start, start + count):
        rng = np.random.default_rng((seed, number))
        chosen = int(rng.integers(0, len(seeds)))
        mutant = mutate(seeds[chosen], places[chosen], seeds, rng)
        print(json.dumps({"begin": number}), flush=True)
        signal.alarm(TIME_LIMIT_S)
        try:
            outcome = one(mutant, rng)
        except Exception as error:
            outcome = f"FINDING {type(error).__name__}: {str(error)[:200]}"
            Path(tempfile.gettempdir(), f"midge_mutant_{seed}_{number}.tflite").write_bytes(mutant)
        finally:
            signal.alarm(0)
        print(json.dumps({"end": number, "outcome": outcome}), flush=True)


def fuzz(paths: list[Path], count: int, seed: int, environment: dict[str, str]) -> Counter[str]:
    """Try `count` mutants in child processes and count the outcomes."""
    outcomes: Counter[str] = Counter()
    number = 0
    while number < count:
        command = [sys.executable, __file__, "--worker", str(number), "--count", str(count - number)]
        child = subprocess.run(
            [*command, "--seed", str(seed), *map(str, paths)],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        lines = [json.loads(line) for line in child.stdout.splitlines() if line.startswith("{")]
        for line in lines:
            if "outcome" in line:
                outcomes[line["outcome"]] += 1
        if lines and "begin" in lines[-1]:
            outcomes[f"FINDING process ended with {child.returncode} on mutant {lines[-1]['begin']}"] += 1
        if not lines:
            raise RuntimeError(f"the worker did not start (exit {child.returncode})")
        number = lines[-1].get("begin", lines[-1].get("end")) + 1
    return outcomes


def sanitized_environment(build: Path) -> dict[str, str]:
    """Build the kernel library with sanitizers and return the environment that loads it."""
    root = Path(__file__).parents[2]
    subprocess.run(["cmake", "-S", root, "-B", build, "-DMIDGE_SANITIZE=ON"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", build], check=True, stdout=subprocess.DEVNULL)
    runtime = [
        subprocess.run(["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    return {
        "MIDGE_KERNEL_LIBRARY": str(build / "runtime" / "kernels" / "libmidge_kernels.so"),
        "LD_PRELOAD": ":".join(runtime),
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1",
        "PYTHONMALLOC": "malloc",
    }


def main() -> int:
    """Parse the command line, fuzz, print a table; 1 if there was a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sanitize", action="store_true")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        worker(options.models, options.seed, options.worker, options.count)
        return 0
    with tempfile.TemporaryDirectory() as build:
        environment = sanitized_environment(Path(build)) if options.sanitize else {}
        outcomes = fuzz(options.models, options.count, options.seed, environment)
    for outcome, number in outcomes.most_common():
        print(f"{number:6} {outcome}")
    return int(any(outcome.startswith("FINDING") for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
