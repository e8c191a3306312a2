"""Residual branches that can be taken out whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from midge.converter.prune.groups import Block
from midge.converter.prune.keras_graph import calls, check_model, functional, is_kind, is_model, join


@dataclass(frozen=True)
class Branch:
    """A block, and which operand of its addition (0 or 1) is the shortcut."""

    block: Block
    shortcut: int


def find_blocks(model: Any) -> list[Block]:
    """Return the residual branches that can be removed from a Keras 3 model, nested models included, in graph order.

    A branch is what `Add` (or ``+``) adds to a shortcut of the same shape: it begins where the shortcut does, nothing
    but the addition uses what it computes, and there are no weights on the shortcut.

    Raises:
        ConversionError: The model is subclassed, or one of tf_keras.
        InputError: It is no Keras model, or was never built.
    """
    check_model(model)
    return [branch.block for branch in blocks_by_name(model).values()]


def blocks_by_name(model: Any, path: str = "") -> dict[str, Branch]:
    """Return the branches of a model, nested ones included, by the path of their addition."""
    nodes = calls(model)
    found: dict[str, Branch] = {}
    visited: set[int] = set()
    for node in nodes:
        operation = node.operation
        if is_model(operation) and id(operation) not in visited:
            visited.add(id(operation))
            found.update(blocks_by_name(operation, join(path, operation.name)))
        branch = _branch(model, nodes, node, path)
        if branch is not None:
            found[branch.block.name] = branch
    return found


def _branch(model: Any, nodes: list[Any], addition: Any, path: str) -> Branch | None:
    operands = addition.input_tensors
    if not is_kind(addition.operation, "Add") or len(operands) != 2 or operands[0] is operands[1]:
        return None
    shapes = {tuple(tensor.shape) for tensor in (*operands, *addition.outputs)}
    if len(shapes) > 1 or sum(node.operation is addition.operation for node in nodes) > 1:
        return None
    makers = {id(tensor): node for node in nodes for tensor in node.outputs}
    for shortcut in (0, 1):
        start, between = operands[shortcut], set[int]()
        while True:
            branch = _inside(model, nodes, makers, operands[1 - shortcut], start, addition, between)
            if branch:
                ordered = [node for node in nodes if id(node) in branch]
                paths = [join(path, node.operation.name) for node in ordered if _only_in(node, nodes, branch)]
                name = join(path, addition.operation.name)
                return Branch(Block(name, (*paths, name)), shortcut)
            maker = makers.get(id(start))
            # The shortcut may pass layers without weights: a dropout, a pooling.
            if maker is None or len(maker.input_tensors) != 1 or _weights(maker.operation):
                break
            between.add(id(maker))
            start = maker.input_tensors[0]
    return None


def _inside(
    model: Any, nodes: list[Any], makers: dict[int, Any], end: Any, start: Any, addition: Any, between: set[int]
) -> set[int]:
    """The calls from ``start`` to ``end``; empty if they need anything else, or anything else needs them."""
    inside: set[int] = set()
    waiting = [end]
    while waiting:
        tensor = waiting.pop()
        if tensor is start:
            continue
        maker = makers.get(id(tensor))
        if maker is None or id(maker) in between:
            return set()  # a model's input, or the shortcut itself
        if id(maker) not in inside:
            inside.add(id(maker))
            waiting.extend(maker.input_tensors)
    made = {id(tensor) for node in nodes if id(node) in inside for tensor in node.outputs}
    outside = [node for node in nodes if id(node) not in inside and node is not addition]
    used = any(id(tensor) in made for node in outside for tensor in node.input_tensors)
    return set() if used or any(id(tensor) in made for tensor in functional(model).outputs) else inside


def _only_in(node: Any, nodes: list[Any], branch: set[int]) -> bool:
    """Whether a call is its layer's first, and all of the layer's calls are in the branch."""
    own = [other for other in nodes if other.operation is node.operation]
    return own[0] is node and all(id(other) in branch for other in own)


def _weights(operation: Any) -> bool:
    return bool(getattr(operation, "weights", None))
