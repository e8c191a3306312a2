"""From a random layer to kernel calls on a core: every way to compute it that the core's lowering knows."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from compare import make_case
from oracle import Case, build, expected

from midge.runtime.graph import Graph, Node
from midge.runtime.lower import candidates, check
from midge.runtime.operators import OPERATORS
from midge.runtime.operators.variant import MODES, PLAIN, Variant
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
    "conv": _pairs("CONV_2D", "int8", "int4", "int8", "clustered"),
    "depthwise": _pairs("DEPTHWISE_CONV_2D", "int8", "int4", "int8", "clustered"),
    "fully-connected": _pairs("FULLY_CONNECTED", "int8", "int4", "int8", "clustered"),
    "sparse": _pairs("CONV_2D FULLY_CONNECTED", "sparse"),
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
    plain: list[tuple[KernelCall, ...]] = field(default_factory=list)
    """The kernel calls of the plain variant, once they are known to be the same for all targets."""


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


LIMITS: tuple[tuple[str, str, object], ...] = (
    ("few_values", "LEAST_BYTES", -1e9),
    ("few_values", "LEAST_SAVING", -1e9),
    ("variants.fields", "_DIRECT", 1e9),
    ("variants.row_bands", "_LEAST_SCRATCH", 1 << 18),
    ("variants.joined", "FEWEST_PIXELS", 0),
    ("variants.joined_bands", "BLOCK_BYTES", 64),
    ("variants.joined_bands", "PRICE", {"default": 1e-3, "speed": 1.0, "size": 0.1, "ram": 0.0}),
    ("variants.masked", "_MOST_FILLING", 1e9),
    ("variants.masked", "_SHORTEST_MEAN", 0),
    ("variants.pairs", "ROW_COPY_COST", 0),
    ("variants.planes", "_BAND_LIMIT", 64),
    ("variants.planes", "_DIRECT", 1e9),
    ("variants.winograd", "_DIRECT", 1e9),
    ("variants.zeros", "LEAST_GAIN", -1e9),
    ("variants.words", "_SCRATCH", {"speed": 0, "size": 0}),
)
"""(module of `operators`, name, another value): what a variant weighs its speed and its scratch with.

Variants must be right where they are not worthwhile too, and small layers are all that a fuzz can afford.
"""


def limits() -> list[tuple[Any, str, object]]:
    """Return the limits that there are: module, name, another value."""
    found = []
    for module, name, value in LIMITS:
        try:
            imported = importlib.import_module(f"midge.runtime.operators.{module}")
        except ModuleNotFoundError:
            continue
        if hasattr(imported, name):
            found.append((imported, name, value))
    return found


@contextmanager
def other_limits() -> Iterator[None]:
    """Let variants take layers that they would turn down for their speed, and cut them up in other ways."""
    before = [(module, name, getattr(module, name)) for module, name, _ in limits()]
    for module, name, value in limits():
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def ways(layer: Layer, arch: str, every: bool = True) -> Iterator[Way]:
    """Yield the ways to compute a layer on an instruction set, in all modes, each once.

    A way that may work in place is yielded again with its output in the input's memory, as far ahead as it must be.

    Args:
        layer: the layer.
        arch: the instruction set.
        every: whether all candidates are wanted, with other limits too, or only the first of each mode.
    """
    chosen = _lowered(layer, arch, MODES, every)
    if every:
        with other_limits():
            chosen += _lowered(layer, arch, ("speed", "size"), every)
    seen: set[bytes] = set()
    for variant, calls in chosen:
        key = _fingerprint(calls)
        if calls and key not in seen:
            seen.add(key)
            kernels = "+".join(dict.fromkeys(call.kernel.removeprefix("midge_") for call in calls))
            name = f"{variant}:{kernels}"
            yield Way(name, calls)
            for source, lead in sorted(_overlaps(layer, calls)):
                yield Way(f"{name} {'in place' if lead == 0 else 'overlapping'}", calls, (source, lead))


@dataclass(frozen=True)
class _WatchedTarget(Target):
    """A target that notes what has been asked of it."""

    asked: set[str] = field(default_factory=set)

    def __getattribute__(self, name: str) -> Any:
        """Return an attribute."""
        if name in ("arch", "optimize"):
            self.asked.add(name)
        return super().__getattribute__(name)


def _lowered(layer: Layer, arch: str, modes: tuple[str, ...], every: bool) -> list[tuple[str, tuple[KernelCall, ...]]]:
    """Return the candidates of some modes by variant, each once where it does not depend on the mode."""
    if not every:
        return [next(candidates(layer.node, Target(arch, mode))) for mode in modes]
    row = OPERATORS[layer.node.operator.kind]
    found = [(PLAIN, calls) for calls in layer.plain]
    for variant in row.variants if found else (*row.variants, Variant(PLAIN, (arch,), row.lower)):
        for mode in modes if arch in variant.arches else ():
            if mode in variant.modes:
                target = _WatchedTarget(arch, mode)
                calls = variant.lower(layer.node, target)
                if calls is not None:
                    found.append((variant.name, calls))
                    if variant.name == PLAIN and not target.asked:
                        layer.plain.append(calls)
                if "optimize" not in target.asked:
                    break
    return found


def _overlaps(layer: Layer, calls: tuple[KernelCall, ...]) -> set[tuple[int, int]]:
    """Return (input tensor, bytes that output 0 lies before it) for what the row and the kernel call allow.

    Of a lead that is a least distance, a greater one is tried as well.
    """
    if len(calls) != 1 or len(layer.wanted) != 1:
        return set()
    (call,) = calls
    operator, tensors = layer.node.operator, layer.graph.tensors
    row = OPERATORS[operator.kind]
    found = {(operator.inputs[source] or 0, 0) for source, output in row.in_place(layer.node) if output == 0}
    source = call.inputs[0]
    if call.in_place:
        found.add((source, 0))
    if call.lead is not None:
        step = tensors[source].dtype.itemsize + -tensors[source].dtype.itemsize % 4
        least = max(0, call.lead + -call.lead % step)
        found |= {(source, least), (source, least + step * (tensors[source].nbytes % 37))}
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
