"""The host runtime, TensorFlow Lite Micro and LiteRT on the same models and inputs, side by side.

    python tests/kernels/bench_host.py MODEL.tflite [...]

Prints the median time of one inference of each and the others' times as multiples of ours. LiteRT has one thread and
its default kernels, which do not give TensorFlow Lite Micro's bits.
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
from ai_edge_litert.interpreter import Interpreter
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
    print(f"{'model':32} {'midge':>10} {'tflite_micro':>12} {'ratio':>7} {'LiteRT':>10} {'ratio':>7}")
    for path in arguments.model:
        ours = midge.load(path)
        micro = runtime.Interpreter.from_file(str(path), arena_size=4_000_000)
        litert = Interpreter(str(path), num_threads=1)
        litert.allocate_tensors()
        feeds = []
        for position, info in enumerate(ours.inputs):
            if info.dtype == "int8":
                feeds.append(rng.integers(-128, 128, info.shape, dtype=np.int8))
            else:
                feeds.append(rng.normal(0, 1, info.shape).astype(info.dtype))
            micro.set_input(feeds[-1], position)
            litert.set_tensor(litert.get_input_details()[position]["index"], feeds[-1])
        micro.invoke()
        equal = all(np.array_equal(found, micro.get_output(i)) for i, found in enumerate(ours.run(*feeds)))
        times = median_times([partial(ours.run, *feeds), micro.invoke, litert.invoke], arguments.inferences)
        host, *others = (1000 * seconds for seconds in times)
        columns = " ".join(
            f"{time:{width}.3f}ms {time / host:6.2f}x" for time, width in zip(others, (10, 8), strict=True)
        )
        note = "" if equal else "  outputs differ from tflite_micro's"
        print(f"{path.name:32} {host:8.3f}ms {columns}{note}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
