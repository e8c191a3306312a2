"""Which scale and zero point each activation gets, so that every operator finds what its rule demands."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from midge.converter.quantizer.prepare import rule_of, tied_inputs
from midge.converter.quantizer.scales import activation_quantization, fixed_quantization
from midge.runtime.graph import DType, Graph, Quantization

Range = tuple[float, float]

SUM_FRACTION = 2.0**-18
"""Of the greater input scale of a sum: TFLite's kernels hold no smaller output scale (20 bits of headroom, less 2)."""


def assign(exact: Graph, ranges: Mapping[int, Range]) -> dict[int, Quantization]:
    """Return the int8 quantization of every float activation, and of constants that are tied to one.

    Tensors that an operator ties together share the hull of their ranges. The outputs of operators that fix them keep
    theirs, and so does what only moves them about; where such a tensor meets others in one operator it is left to a
    QUANTIZE to bring it in line.

    Args:
        exact: a prepared float graph.
        ranges: least and greatest value by tensor, of graph inputs and of outputs of operators at least.
    """
    pins, groups = _tie(exact)
    limits = _limits(exact)
    hulls: dict[int, Range] = {}
    for index, tensor in enumerate(exact.tensors):
        found = ranges.get(index)
        if tensor.data is not None and tensor.dtype is DType.FLOAT32 and tensor.elements:
            found = float(tensor.data.min()), float(tensor.data.max())
        if found is None or index in pins:
            continue
        low, high = limits.get(index, (-math.inf, math.inf))
        clipped = min(max(found[0], low), 0.0), max(min(found[1], high), 0.0)
        root = groups.find(index)
        least, greatest = hulls.get(root, clipped)
        hulls[root] = min(least, clipped[0]), max(greatest, clipped[1])
    _widen_sums(exact, pins, groups, hulls)
    shared = {root: activation_quantization(*hull) for root, hull in hulls.items()}
    assigned = {index: fixed_quantization(*pin) for index, pin in pins.items()}
    for index, tensor in enumerate(exact.tensors):
        if index not in assigned and tensor.dtype is DType.FLOAT32 and groups.find(index) in shared:
            assigned[index] = shared[groups.find(index)]
    return assigned


class _Groups:
    """Disjoint sets of tensors."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def find(self, index: int) -> int:
        while index in self._parents:
            index = self._parents[index]
        return index

    def unite(self, a: int, b: int) -> None:
        a, b = self.find(a), self.find(b)
        if a != b:
            self._parents[max(a, b)] = min(a, b)


def _tie(exact: Graph) -> tuple[dict[int, tuple[float, int]], _Groups]:
    """Return the tensors whose quantization is fixed, with scale and zero point, and the groups of the others."""
    pins: dict[int, tuple[float, int]] = {}
    groups = _Groups()
    for node in exact.nodes():
        rule = rule_of(node)
        outputs = [i for i in node.operator.outputs if exact.tensors[i].dtype is DType.FLOAT32]
        if rule.outputs == "fixed":
            pins.update(dict.fromkeys(outputs, rule.fixed))
        if rule.outputs != "same" or not outputs:
            continue
        tied = tied_inputs(node, rule)
        constants = [i for i in tied if exact.tensors[i].data is not None]
        found = {pins.get(i) for i in tied if i not in constants}
        pin = found.pop() if len(found) == 1 else None
        if pin is not None and all(_holds(exact, i, pin) for i in constants):
            pins.update(dict.fromkeys((*outputs, *constants), pin))
            continue
        for index in (*tied, *outputs):
            if index not in pins:
                groups.unite(index, outputs[0])
    return pins, groups


def _holds(exact: Graph, index: int, pin: tuple[float, int]) -> bool:
    data = exact.tensors[index].data
    assert data is not None
    scale, zero_point = pin
    return bool(data.min() >= (-128 - zero_point) * scale and data.max() <= (127 - zero_point) * scale)


def _limits(exact: Graph) -> dict[int, Range]:
    """Return the range within which a tensor's values make a difference to its readers, where there is one."""
    limits: dict[int, Range] = dict.fromkeys(exact.outputs, (-math.inf, math.inf))
    for node in reversed(list(exact.nodes())):
        rule = rule_of(node)
        seen = [limits[i] for i in node.operator.outputs if i in limits]
        for position, index in enumerate(node.operator.inputs):
            if index is None:
                continue
            wanted = rule.limits if position == 0 else (-math.inf, math.inf)
            if rule.passes_limits and index in tied_inputs(node, rule) and seen:
                wanted = min(low for low, _ in seen), max(high for _, high in seen)
            low, high = limits.get(index, wanted)
            limits[index] = min(low, wanted[0]), max(high, wanted[1])
    return limits


def _widen_sums(exact: Graph, pins: Mapping[int, tuple[float, int]], groups: _Groups, hulls: dict[int, Range]) -> None:
    """Widen the outputs of additions that are tiny against their inputs, until kernels can hold all of them."""
    sums = [op for op in exact.operators if op.kind in ("ADD", "SUB")]
    for _ in range(len(sums) + 1):
        changed = False
        for op in sums:
            root = groups.find(op.outputs[0])
            if op.outputs[0] in pins or root not in hulls:
                continue
            scales = [
                pins[i][0] if i in pins else activation_quantization(*hulls.get(groups.find(i), (0.0, 0.0))).scale
                for i in op.inputs
                if i is not None
            ]
            low, high = hulls[root]
            least = max(scales) * SUM_FRACTION * 255
            if high - low < least:
                hulls[root] = low, float(np.nextafter(low + least, np.inf))
                changed = True
        if not changed:
            return
