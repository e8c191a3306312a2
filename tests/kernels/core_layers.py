"""From a random layer to kernel calls on a core: every way to compute it that the core's lowering knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from compare import make_case
from oracle import Case, build, expected

from midge.runtime.graph import Graph, Node
from midge.runtime.lower import candidates, check
from midge.runtime.operators import OPERATORS
from midge.runtime.operators.variant import MODES
from midge.runtime.program import KernelCall, ParamValue, Target
from midge.runtime.tflite.reader import read_model

Array = npt.NDArray[Any]

BUDGET = 200_000
"""Most bytes of a layer's tensors; larger ones are replaced by others."""
_ANOTHER = 10_000_000
"""What is added to the number of a layer that is too large."""

_Pairs = tuple[tuple[str, str], ...]


def _pairs(operators: str, *dtypes: str) -> _Pairs:
    return tuple((operator, dtype) for dtype in dtypes for operator in operators.split())


FAMILIES: dict[str, _Pairs] = {
    "conv": _pairs("CONV_2D", "int8"),
    "depthwise": _pairs("DEPTHWISE_CONV_2D", "int8"),
    "fully-connected": _pairs("FULLY_CONNECTED", "int8"),
    "pool": _pairs("AVERAGE_POOL_2D MAX_POOL_2D", "int8"),
    "mean": _pairs("MEAN", "int8"),
    "arithmetic": _pairs("ADD SUB MUL", "int8", "int8", "int32"),
    "lookup": _pairs("HARD_SWISH LEAKY_RELU LOGISTIC RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 TANH", "int8"),
    "softmax": _pairs("SOFTMAX", "int8"),
    "quantize": (*_pairs("QUANTIZE", "float32", "int8", "uint8"), *_pairs("DEQUANTIZE", "int8", "uint8")),
    "movement": (
        *_pairs("CONCATENATION PACK PAD PADV2 SLICE SPLIT SPLIT_V STRIDED_SLICE TRANSPOSE", "int8", "float32", "int64"),
        *_pairs("UNPACK", "int8", "bool"),
    ),
    "float": (
        *_pairs("ADD SUB MUL AVERAGE_POOL_2D MAX_POOL_2D MEAN SOFTMAX HARD_SWISH LEAKY_RELU LOGISTIC", "float32"),
        *_pairs("RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 TANH", "float32"),
        *_pairs("CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED", "float32", "dynamic"),
    ),
}
"""Operators and types whose kernels belong together, dealt out in turn."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A random layer and its expected outputs."""

    name: str
    """What makes it again."""
    case: Case
    graph: Graph
    node: Node
    feeds: Mapping[int, Array]
    """By tensor."""
    wanted: Mapping[int, Array]
    replaced: int
    """Layers that were too large, and in whose place this one is."""


@dataclass(frozen=True, eq=False)
class Way:
    """One way to compute a layer."""

    name: str
    """Variant, kernels, and whether in place."""
    calls: tuple[KernelCall, ...]
    overlap: tuple[int, int] | None = None
    """(input tensor, bytes): output 0 lies in its memory, so many bytes before it."""


def make_layer(operator: str, dtype: str, seed: int, number: int) -> Layer:
    """Make a random layer, and ask its oracle."""
    replaced = 0
    while True:
        case = make_case(operator, dtype, seed, number)
        data = build(case)
        if len(data) + sum(feed.nbytes for feed in case.feeds) <= BUDGET:
            break
        number, replaced = number + _ANOTHER, replaced + 1
    graph = read_model(data, "case")
    (node,) = graph.nodes()
    check(node)
    feeds = dict(zip(graph.inputs, case.feeds, strict=True))
    wanted = dict(zip(graph.outputs, expected(case, data), strict=True))
    name = f"--operator {operator} --dtype {dtype} --seed {seed} --first {number} --count 1"
    return Layer(name, case, graph, node, feeds, wanted, replaced)


def ways(layer: Layer, arch: str, every: bool = True) -> Iterator[Way]:
    """Yield the ways to compute a layer on an instruction set, in all modes, each once.

    A way that may work in place is yielded again with its output in the input's memory, as far ahead as it must be.

    Args:
        layer: the layer.
        arch: the instruction set.
        every: whether all candidates are wanted, or only the first of each mode.
    """
    seen: set[bytes] = set()
    for mode in MODES:
        for variant, calls in candidates(layer.node, Target(arch, mode)):
            key = _fingerprint(calls)
            if calls and key not in seen:
                seen.add(key)
                kernels = "+".join(dict.fromkeys(call.kernel.removeprefix("midge_") for call in calls))
                name = f"{variant}:{kernels}"
                yield Way(name, calls)
                for source, lead in sorted(_overlaps(layer, calls)):
                    yield Way(f"{name} {'in place' if lead == 0 else 'overlapping'}", calls, (source, lead))
            if not every:
                break


def _overlaps(layer: Layer, calls: tuple[KernelCall, ...]) -> set[tuple[int, int]]:
    """Return (input tensor, bytes that output 0 lies before it) for what the row and the kernel call allow."""
    if len(calls) != 1 or len(layer.wanted) != 1:
        return set()
    operator, tensors = layer.node.operator, layer.graph.tensors
    row = OPERATORS[operator.kind]
    found = {(operator.inputs[source] or 0, 0) for source, output in row.in_place(layer.node) if output == 0}
    lead = calls[0].lead
    if lead is not None:
        found.add((calls[0].inputs[0], max(0, lead + -lead % 4)))
    return {(source, lead) for source, lead in found if tensors[source].data is None}


def _fingerprint(calls: tuple[KernelCall, ...]) -> bytes:
    digest = hashlib.sha1()
    for call in calls:
        digest.update(f"{call.kernel} {call.inputs} {call.outputs} {call.scratch} {call.lead}".encode())
        for name, value in call.params.items():
            digest.update(name.encode())
            digest.update(_content(value))
    return digest.digest()


def _content(value: ParamValue) -> bytes:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}".encode() + value.tobytes()
    if isinstance(value, Mapping):
        return b"".join(name.encode() + _content(inner) for name, inner in value.items())
    return repr(value).encode()
