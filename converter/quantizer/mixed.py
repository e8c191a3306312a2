"""Which layers' weights can do with four bits: measured, then chosen within a budget of loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from midge.converter.data import Dataset
from midge.converter.interpreter import Interpreter
from midge.converter.quantizer.assign import Range
from midge.converter.quantizer.bias import expect_biases, input_means
from midge.converter.quantizer.bits import candidates
from midge.converter.quantizer.execute import divergence, outputs_of
from midge.converter.quantizer.network import quantize_network
from midge.converter.quantizer.weighted import weights_of
from midge.runtime.graph import Graph
from midge.runtime.tflite.writer import write_model

SAMPLES = 128
"""On which losses are measured."""


@dataclass(frozen=True)
class Sensitivity:
    """What four bits in one layer's weights alone cost."""

    tensor: int
    """The weights."""
    output: str
    """The name of the layer's output."""
    op: str
    weights: int
    """How many there are."""
    rise: float
    """Of the loss, see `execute.divergence`, over that with all weights in eight bits; may be negative."""


@dataclass(frozen=True)
class Choice:
    """The widths of weights, and why."""

    bits: Mapping[int, int]
    """4 by tensor of weights; the others have 8."""
    layers: tuple[Sensitivity, ...]
    """In order of execution."""
    loss_int8: float
    """The loss against the float network with all weights in eight bits."""
    loss: float
    """The same with the chosen ones."""


def choose_bits(
    exact: Graph,
    ranges: Mapping[int, Range],
    data: Dataset,
    budget: float,
    *,
    correct: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Choice:
    """Give four bits to as many weights as a budget allows.

    Each layer's sensitivity is measured with four bits in it alone. Layers then join in order of what each saved byte
    costs, as many as the budget allows together; after that each of the others, if it still fits.

    Args:
        exact: float, prepared.
        ranges: of activations, see `quantize_network`.
        data: typical inputs, of which `SAMPLES` serve.
        budget: by how much the loss may rise over that of eight bits; see `execute.divergence`.
        correct: whether biases will be corrected, so that what they can make up for does not count.
        say: told each stage.

    Raises:
        UnsupportedError: an operator has no rule.
    """
    part = data.first(SAMPLES)
    wanted = Interpreter(write_model(exact)).run(part.inputs)
    means = input_means(exact, part) if correct else {}

    def loss(four: Sequence[int]) -> float:
        network = quantize_network(exact, ranges, dict.fromkeys(four, 4))
        return divergence(wanted, outputs_of(expect_biases(network, means).graph, part))

    base = loss(())
    users, layers = weights_of(exact), []
    found = candidates(exact)
    for number, index in enumerate(found):
        say(f"measuring sensitivity, layer {number + 1} of {len(found)}")
        op = users[index][0]
        layers.append(
            Sensitivity(
                index,
                exact.tensors[op.outputs[0]].name,
                op.kind,
                exact.tensors[index].elements,
                loss((index,)) - base,
            )
        )
    order = [layer.tensor for layer in sorted(layers, key=lambda layer: layer.rise / layer.weights)]
    say("choosing widths")
    chosen, reached = _choose(order, loss, base, base + budget)
    return Choice(dict.fromkeys(chosen, 4), tuple(layers), base, reached)


def _choose(
    order: Sequence[int], loss: Callable[[Sequence[int]], float], base: float, limit: float
) -> tuple[list[int], float]:
    """Return as long a beginning of ``order`` as stays within the limit, with what still fits of the rest."""
    fits, reached, least_not = 0, base, len(order) + 1
    tried = len(order)
    while fits + 1 < least_not:
        found = loss(order[:tried])
        if found <= limit:
            fits, reached = tried, found
        else:
            least_not = tried
        tried = (fits + least_not) // 2
    chosen = list(order[:fits])
    for index in order[fits + 1 :]:
        found = loss([*chosen, index])
        if found <= limit:
            chosen, reached = [*chosen, index], found
    return chosen, reached
