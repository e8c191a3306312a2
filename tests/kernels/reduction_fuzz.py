"""Random networks, reduced by the passes, against the oracle on the file as it is.

    python tests/kernels/reduction_fuzz.py --count 5000 [--seed 1] [--first 0]

Prints how many networks differ, and for each reduction how many networks it changed. Every network is run on several
inputs: random ones, and both ends of int8.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from host import execute
from networks import random_network
from oracle import Array, Case, build

from midge.runtime import native
from midge.runtime.backends.host import HostBackend
from midge.runtime.graph import Graph
from midge.runtime.lower import check, lower
from midge.runtime.passes import run_passes
from midge.runtime.program import Target
from midge.runtime.tflite.reader import read_model

INPUTS = 4
SHOWN = 10


@dataclass
class Outcome:
    """What happened to one network."""

    difference: str | None = None
    changed: set[str] = field(default_factory=set)
    """Names of the passes that changed it."""
    macs: tuple[int, int] = (0, 0)
    """In the file, and left."""


def make_network(seed: int, number: int) -> Case:
    """Make the random network with a number; the same arguments give the same network."""
    return random_network(np.random.default_rng([seed, number, 3]))


def try_network(case: Case, seed: int = 0) -> Outcome:
    """Run a network as it is through the oracle and reduced through Midge."""
    data = build(case)
    graph = read_model(data, "case")
    outcome = Outcome()
    last = [_content(graph)]

    def note(name: str, result: Graph) -> None:
        for node in result.nodes():
            check(node)
        content = _content(result)
        if content != last[0]:
            outcome.changed.add(name)
        last[0] = content

    program = lower(run_passes(graph, note), Target(native.host_arch()))
    outcome.macs = (program.macs, program.executed_macs)
    feeds = _feeds(case, seed)
    planned = HostBackend(program)
    for number, (wanted, feed) in enumerate(zip(_run_oracle(case, data, feeds), feeds, strict=True)):
        # At first every tensor in a fenced buffer of its own, then all in one arena as a board has them.
        results = planned.invoke([feed]) if number else execute(program, [feed])
        for position, (right, ours) in enumerate(zip(wanted, results, strict=True)):
            if right.shape != ours.shape or right.tobytes() != ours.tobytes():
                wrong = np.flatnonzero(right.ravel() != ours.ravel()) if right.shape == ours.shape else []
                outcome.difference = f"input {number}, output {position}: {len(wrong)} of {right.size} elements differ"
                return outcome
    return outcome


def _content(graph: Graph) -> tuple[object, ...]:
    """Return what tells whether a pass has changed anything but the order of the operators."""
    return tuple(
        sorted(
            (
                operator.outputs,
                operator.kind,
                operator.inputs,
                repr(operator.attributes),
                graph.tensors[operator.outputs[0]].shape,
            )
            for operator in graph.operators
        )
    )


def _feeds(case: Case, seed: int) -> list[Array]:
    rng = np.random.default_rng([seed, 11])
    shape = case.feeds[0].shape
    extremes = rng.choice(np.array([-128, 127], np.int8), shape)
    random = [rng.integers(-128, 128, shape, dtype=np.int8) for _ in range(INPUTS - 2)]
    return [case.feeds[0], extremes, *random]


def _run_oracle(case: Case, data: bytes, feeds: list[Array]) -> list[list[Array]]:
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(data, arena_size=1_000_000)
    results = []
    for feed in feeds:
        interpreter.set_input(feed, 0)
        interpreter.invoke()
        results.append([np.array(interpreter.get_output(i)) for i in range(len(case.outputs))])
    return results


def main() -> int:
    """Run the fuzz; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="networks (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other networks (default 0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first network (default 0)")
    arguments = parser.parse_args()
    changed: Counter[str] = Counter()
    differences, fewer, before, after = 0, 0, 0, 0
    for number in range(arguments.first, arguments.first + arguments.count):
        try:
            outcome = try_network(make_network(arguments.seed, number), number)
        except Exception:
            outcome = Outcome(traceback.format_exc(limit=-4))
        if outcome.difference is not None:
            differences += 1
            if differences <= SHOWN:
                print(f"--seed {arguments.seed} --first {number}: {outcome.difference}", file=sys.stderr)
        changed.update(outcome.changed)
        fewer += outcome.macs[1] < outcome.macs[0]
        before, after = before + outcome.macs[0], after + outcome.macs[1]
    print(f"{arguments.count} networks, {differences} differ; {fewer} have fewer MACs, in all {after:,} of {before:,}")
    for name, count in changed.most_common():
        print(f"{name:24} changed {count:8}")
    return int(differences > 0)


if __name__ == "__main__":
    sys.exit(main())
