"""The host runtime and TensorFlow Lite Micro on the same models and inputs, side by side.

    python tests/kernels/bench_host.py MODEL.tflite [...]

Prints the median time of one inference of each, and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from tflite_micro import runtime

import midge

ROUNDS = 15
"""Measurements of each engine, taken in turns so that both meet the same disturbances."""


def median_times(calls: list[Callable[[], object]], inferences: int) -> list[float]:
    """Return the median seconds of one call of each function."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for position, call in enumerate(calls):
            begin = time.perf_counter()
            for _ in range(inferences):
                call()
            times[position].append((time.perf_counter() - begin) / inferences)
    return [statistics.median(values) for values in times]


def main() -> int:
    """Measure the given models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="+")
    parser.add_argument("--inferences", type=int, default=10, help="inferences per measurement (default 10)")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"{'model':40} {'tflite_micro':>12} {'midge':>10} {'ratio':>7}")
    for path in arguments.model:
        ours = midge.load(path)
        theirs = runtime.Interpreter.from_file(str(path), arena_size=4_000_000)
        feeds = []
        for position, info in enumerate(ours.inputs):
            if info.dtype == "int8":
                feeds.append(rng.integers(-128, 128, info.shape, dtype=np.int8))
            else:
                feeds.append(rng.normal(0, 1, info.shape).astype(info.dtype))
            theirs.set_input(feeds[-1], position)
        theirs.invoke()
        equal = all(np.array_equal(found, theirs.get_output(i)) for i, found in enumerate(ours.run(*feeds)))
        micro, host = median_times([theirs.invoke, partial(ours.run, *feeds)], arguments.inferences)
        note = "" if equal else "  outputs differ"
        print(f"{path.name:40} {micro * 1e3:9.3f} ms {host * 1e3:7.3f} ms {micro / host:7.1f}{note}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
