"""Give every use of a constant that is quantized in a way of its own a tensor of its own."""

from __future__ import annotations

import dataclasses

from midge.converter.quantizer.rules import RULES, Rule
from midge.runtime.errors import UnsupportedError
from midge.runtime.graph import DType, Graph, Node, Operator, Tensor


def rule_of(node: Node) -> Rule:
    """Return an operator's rule.

    Raises:
        UnsupportedError: there is none, or its weights are computed at run time.
    """
    rule = RULES.get(node.operator.kind)
    if rule is None:
        raise UnsupportedError(f"{node.location}: Midge's quantizer has no rule for {node.operator.kind}")
    if rule.channel_axis is not None:
        for position, what in ((1, "weights"), (2, "bias")):
            tensor = node.optional_input(position)
            if tensor is not None and tensor.data is None:
                raise UnsupportedError(f"{node.location}: its {what} are computed at run time; they must be constants")
    for tensor in (*node.inputs, *node.outputs):
        if tensor is not None and (tensor.is_variable or tensor.dtype in (DType.FLOAT16, DType.FLOAT64)):
            raise UnsupportedError(f"{node.location}: {tensor.name!r} is a variable or of type {tensor.dtype.value}")
    return rule


def tied_inputs(node: Node, rule: Rule) -> list[int]:
    """Return the tensors that an operator demands the quantization of its output for; without absent ones."""
    if rule.outputs != "same":
        return []
    positions = range(len(node.operator.inputs)) if rule.tied is None else rule.tied
    found = [node.operator.inputs[position] for position in positions if position < len(node.operator.inputs)]
    return [index for index in found if index is not None]


def prepare(exact: Graph) -> Graph:
    """Return a float graph in which constants are shared only where they can be shared as integers, too.

    A bias depends on its input's scale, so each is its operator's own; a constant that serves as weights along
    different axes, or as weights and as an operand, is there once for each. Tensors keep their positions, copies come
    last; a graph that was prepared is returned as it is.

    Raises:
        UnsupportedError: an operator has no rule.
    """
    tensors = list(exact.tensors)
    owners: dict[tuple[int, object], int] = {}
    taken: set[int] = set()
    operators: list[Operator] = []
    for node in exact.nodes():
        rule = rule_of(node)
        inputs = list(node.operator.inputs)
        for position, index in enumerate(inputs):
            if index is None or tensors[index].data is None or tensors[index].dtype is not DType.FLOAT32:
                continue
            key = (index, _use(node, rule, position))
            if key not in owners:
                owners[key] = index
                if index in taken:
                    owners[key] = len(tensors)
                    tensors.append(_copy(tensors[index], len(tensors)))
                taken.add(index)
            inputs[position] = owners[key]
        operators.append(dataclasses.replace(node.operator, inputs=tuple(inputs)))
    if len(tensors) == len(exact.tensors):
        return exact
    return exact.replace(tensors=tuple(tensors), operators=tuple(operators))


def _use(node: Node, rule: Rule, position: int) -> object:
    """Return what the quantization of a constant depends on beside its values."""
    if rule.channel_axis is not None and position == 1:
        return rule.channel_axis
    if rule.channel_axis is not None or node.operator.inputs[position] in tied_inputs(node, rule):
        return ("of", node.operator.outputs[0])
    return "operand"


def _copy(tensor: Tensor, number: int) -> Tensor:
    return dataclasses.replace(tensor, name=f"{tensor.name}:{number}")
