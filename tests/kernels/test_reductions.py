"""The passes keep every bit of random networks; `reduction_fuzz.py` is the long run of the same."""

from __future__ import annotations

from collections import Counter

import numpy as np
from oracle import build
from reduction_fuzz import make_network, try_network

from midge.runtime import native
from midge.runtime.backends.host import HostBackend
from midge.runtime.graph import DType
from midge.runtime.lower import lower
from midge.runtime.passes import REDUCTIONS
from midge.runtime.passes.channel_ranges import find_ranges
from midge.runtime.program import Target
from midge.runtime.tflite.reader import read_model

NETWORKS = 150

UNCOUNTED = {"count_macs", "order_operators"}
"""Change no operator."""


def test_reduced_networks_equal_the_oracle_on_the_file_as_it_is() -> None:
    """And every reduction has something to do, in a good part of them dead channels."""
    changed: Counter[str] = Counter()
    fewer = 0
    for number in range(NETWORKS):
        outcome = try_network(make_network(0, number))
        changed.update(outcome.changed)
        fewer += outcome.macs[1] < outcome.macs[0]

        assert outcome.difference is None, f"reduction_fuzz.py --first {number} --count 1: {outcome.difference}"

    assert {each.__name__ for each in REDUCTIONS} - UNCOUNTED <= set(changed)
    assert fewer >= NETWORKS / 5


def test_every_value_of_random_networks_lies_in_the_range_of_its_channel() -> None:
    """On random inputs, and on both ends of int8; many channels are known better than -128 to 127."""
    rng = np.random.default_rng(5)
    known = total = 0
    for number in range(NETWORKS):
        case = make_network(1, number)
        graph = read_model(build(case))
        ranges = find_ranges(graph)
        backend = HostBackend(lower(graph, Target(native.host_arch())), keep_tensors=True)
        shape = case.feeds[0].shape
        for feed in (case.feeds[0], np.full(shape, -128, np.int8), rng.choice(np.array([-128, 127], np.int8), shape)):
            backend.invoke([feed])
            for index in {output for operator in graph.operators for output in operator.outputs}:
                if graph.tensors[index].dtype is not DType.INT8:
                    continue
                found = backend.tensor(index).reshape(-1, len(ranges[index].low))

                assert (found >= ranges[index].low).all() and (found <= ranges[index].high).all()

        known += sum(int((each.low > -128).sum() + (each.high < 127).sum()) for each in ranges.values())
        total += sum(2 * len(each.low) for each in ranges.values())

    assert known >= total / 4
