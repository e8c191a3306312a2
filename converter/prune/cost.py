"""What a model would cost with fewer channels, without building it.

Every variable is a box whose edges are numbers of channels: its elements are their product, and a layer multiplies
each element of its kernel once per position of its output. Removing channels shortens edges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from midge.converter.prune.flat import FlatCall, FlatModel, flatten
from midge.converter.prune.groups import Carrier, Group, Slice
from midge.converter.prune.keras_graph import functional, is_kind, is_model, leaves, parts
from midge.converter.prune.trace import Shape

Work = Literal["convolution", "depthwise", "dense"]
"""Kinds of layers whose multiplications cost a processor differently."""

Widths = Mapping[str, int]
"""Channels by the name of their group."""

_NO_WORK = ("Embedding", "BatchNormalization", "LayerNormalization", "GroupNormalization", "PReLU", "Normalization")
_IN_PLACE = ("BatchNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Dropout", "Flatten", "Reshape")


@dataclass(frozen=True)
class _Axis:
    """Length of an edge: ``fixed`` positions that stay and so many per channel of some groups."""

    fixed: int
    groups: tuple[tuple[str, float], ...]

    def length(self, widths: Widths) -> int:
        return self.fixed + round(sum(per * widths[name] for name, per in self.groups))


@dataclass(frozen=True)
class _Box:
    """A variable or a tensor; ``uses`` is how often each element is multiplied in one inference."""

    edges: tuple[_Axis, ...]
    uses: int = 0
    work: Work = "dense"

    def elements(self, widths: Widths) -> int:
        return prod(edge.length(widths) for edge in self.edges)


class CostModel:
    """Counts a model's multiplications, parameters and activations by the widths of its groups.

    The multiplications are those of the exported graph. Layers that nothing is known of count each element of
    their matrices once per position of their output.
    """

    def __init__(self, model: Any, groups: Sequence[Group]) -> None:
        """Read a functional or sequential Keras 3 model and its groups (`find_groups`)."""
        flat = flatten(model)
        self.full: dict[str, int] = {group.name: group.size for group in groups}
        self._variables = _variables(model, flat, groups)
        self._live = _live_tensors(flat, groups, functional(model).inputs)
        self._touched: dict[str, list[_Box]] = defaultdict(list)
        for box in self._variables:
            for name in {name for edge in box.edges for name, _ in edge.groups}:
                self._touched[name].append(box)

    def macs(self, widths: Widths, weights: Mapping[Work, float] | None = None) -> float:
        """Return the multiplications of one inference; with weights by the kind of layer their weighted sum."""
        return _macs(self._variables, widths, weights)

    def parameters(self, widths: Widths) -> int:
        """Return the elements of all variables."""
        return sum(box.elements(widths) for box in self._variables)

    def activations(self, widths: Widths) -> int:
        """Return the most elements of tensors that are alive at a time, layers computed in the order of the graph."""
        return max((sum(box.elements(widths) for box in live) for live in self._live), default=0)

    def work(self, widths: Widths) -> dict[Work, int]:
        """Return the multiplications by kind of layer."""
        found: dict[Work, int] = {}
        for box in self._variables:
            if box.uses:
                found[box.work] = found.get(box.work, 0) + box.uses * box.elements(widths)
        return found

    def saved_macs(self, widths: Widths, group: str, width: int, weights: Mapping[Work, float] | None = None) -> float:
        """Return by how much `macs` falls if one group gets another width."""
        boxes, after = self._touched[group], {**widths, group: width}
        return _macs(boxes, widths, weights) - _macs(boxes, after, weights)

    def saved_parameters(self, widths: Widths, group: str, width: int) -> int:
        """Return by how much `parameters` falls if one group gets another width."""
        boxes, after = self._touched[group], {**widths, group: width}
        return sum(box.elements(widths) - box.elements(after) for box in boxes)

    def saved_activations(self, widths: Widths, group: str, width: int, target: float) -> int:
        """Return by how many elements fewer all moments together exceed ``target`` if a group gets another width.

        The most that is alive falls only when every moment at which so much is alive does.
        """
        after, saved = {**widths, group: width}, 0
        for live in self._live:
            elements = sum(box.elements(widths) for box in live)
            if elements > target:
                less = sum(box.elements(after) for box in live)
                saved += elements - max(less, int(target))
        return saved


def count(model: Any) -> dict[str, int]:
    """Return a model's ``macs`` and ``parameters`` as it is."""
    cost = CostModel(model, [])
    return {"macs": int(cost.macs({})), "parameters": cost.parameters({})}


def _macs(boxes: Sequence[_Box], widths: Widths, weights: Mapping[Work, float] | None) -> float:
    if weights is None:
        return sum(box.uses * box.elements(widths) for box in boxes)
    return sum(weights.get(box.work, 0.0) * box.uses * box.elements(widths) for box in boxes)


def _variables(model: Any, flat: FlatModel, groups: Sequence[Group]) -> list[_Box]:
    axes: dict[tuple[str, str, int], list[tuple[str, float, int]]] = defaultdict(list)
    for group in groups:
        for part in (*group.produces, *group.consumes):
            per, total = _per_channel(part)
            axes[part.layer, part.variable, part.axis].append((group.name, per, total))
    uses = _uses(flat)
    boxes = []
    for path, layer in leaves(model).items():
        for variable in getattr(layer, "variables", ()):
            if "seed" in variable.name:
                continue
            edges = [_edge(n, axes.get((path, variable.name, i), ())) for i, n in enumerate(variable.shape)]
            times, work = uses.get((path, variable.name), (0, "dense"))
            boxes.append(_Box(tuple(edges), times, work))
    return boxes


def _edge(length: int, members: Sequence[tuple[str, float, int]]) -> _Axis:
    return _Axis(length - sum(total for _, _, total in members), tuple((name, per) for name, per, _ in members))


def _per_channel(part: Slice | Carrier) -> tuple[float, int]:
    total = sum(len(positions) for positions in part.positions)
    return total / len(part.positions), total


def _uses(flat: FlatModel) -> dict[tuple[str, str], tuple[int, Work]]:
    """How often each element of a variable is multiplied, over all calls of its layer."""
    found: dict[tuple[str, str], tuple[int, Work]] = {}
    for call in flat.calls:
        for path, layer, inputs, outputs, times in _unwrapped(call):
            for variable in getattr(layer, "variables", ()):
                uses, work = _layer_uses(layer, variable, inputs, outputs)
                if uses:
                    before = found.get((path, variable.name), (0, work))[0]
                    found[path, variable.name] = (before + uses * times, work)
    return found


def _unwrapped(call: FlatCall) -> list[tuple[str, Any, Shape, Shape, int]]:
    """The layers that a call runs: path, layer, shapes of input and output, and how often."""
    layer, inputs, outputs = call.layer, call.input_shapes[0], call.output_shapes[0]
    inner = parts(layer)
    if is_kind(layer, "TimeDistributed"):
        steps = int(inputs[1] or 1)
        if not is_model(inner[0]):
            path = f"{call.path}/{inner[0].name}"
            return [(path, inner[0], (inputs[0], *inputs[2:]), (outputs[0], *outputs[2:]), steps)]
        prefix = f"{call.path}/{inner[0].name}"
        return [
            (f"{prefix}/{c.path}", c.layer, c.input_shapes[0], c.output_shapes[0], steps)
            for c in flatten(inner[0]).calls
        ]
    if inner:
        return [(f"{call.path}/{one.name}", one, inputs, outputs, 1) for one in inner]
    return [(call.path, layer, inputs, outputs, 1)] if call.input_shapes else []


def _layer_uses(layer: Any, variable: Any, inputs: Shape, outputs: Shape) -> tuple[int, Work]:
    """Multiplications of one element of a variable in one call."""
    if len(variable.shape) < 2 or is_kind(layer, *_NO_WORK):
        return 0, "dense"
    if is_kind(layer, "SimpleRNN", "GRU", "LSTM"):
        steps = int(inputs[1] or 1)
        # The export folds the product of the first state, which is zero.
        return {"kernel": steps, "recurrent_kernel": steps - 1}.get(variable.name, 0), "dense"
    first = getattr(layer, "data_format", None) == "channels_first"
    where = inputs if is_kind(layer, "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose") else outputs
    positions = prod(n or 1 for n in (where[2:] if first else where[1:-1]))
    if is_kind(layer, "DepthwiseConv1D", "DepthwiseConv2D") or variable.name == "depthwise_kernel":
        return positions, "depthwise"
    convolves = is_kind(layer, "BaseConv", "BaseConvTranspose", "BaseSeparableConv")
    return positions, "convolution" if convolves else "dense"


def _live_tensors(flat: FlatModel, groups: Sequence[Group], symbols: Sequence[Any]) -> list[list[_Box]]:
    """For every call that computes something new, the tensors that are alive while it does."""
    carried: dict[tuple[str, int, int], list[tuple[str, float, int]]] = defaultdict(list)
    for group in groups:
        for carrier in group.tensors:
            per, total = _per_channel(carrier)
            carried[carrier.layer, carrier.call, carrier.output].append((group.name, per, total))

    boxes: dict[int, _Box] = {}
    stored: dict[int, int] = {}
    for number, symbol in zip(flat.inputs, symbols, strict=True):
        boxes[number] = _Box(tuple(_Axis(int(n or 1), ()) for n in symbol.shape[1:]))
        stored[number] = number
    for call in flat.calls:
        in_place = is_kind(call.layer, *_IN_PLACE) and len(call.inputs) == len(call.outputs) == 1
        for k, (number, shape) in enumerate(zip(call.outputs, call.output_shapes, strict=True)):
            *outer, last = [int(n or 1) for n in shape[1:]] or [1]
            edge = _edge(last, carried.get((call.path, call.visit, k), ()))
            boxes[number] = _Box((*(_Axis(n, ()) for n in outer), edge))
            stored[number] = stored[call.inputs[0]] if in_place else number
    last_use: dict[int, int] = {}
    for step, call in enumerate(flat.calls):
        for number in (*call.inputs, *call.outputs):
            last_use[stored[number]] = step
    for number in flat.outputs:
        last_use[stored[number]] = len(flat.calls)

    born = {stored[number]: -1 for number in flat.inputs}
    found = []
    for step, call in enumerate(flat.calls):
        for number in call.outputs:
            born.setdefault(stored[number], step)
        if any(stored[number] == number for number in call.outputs):
            found.append([boxes[tensor] for tensor, since in born.items() if last_use.get(tensor, since) >= step])
    return found
