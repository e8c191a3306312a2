"""How many bits the weights of each layer get."""

from __future__ import annotations

from midge.converter.quantizer.weighted import weights_of
from midge.runtime.graph import Graph

LEAST_SAVING = 16
"""Elements; fewer save no more than the alignment of constants takes."""

END_SHARE = 0.1
"""The first and the last layer keep 8 bits where they hold at most this share of all weights."""


def all_four(exact: Graph) -> dict[int, int]:
    """Return the widths for a network with int4 weights: by tensor of weights.

    The first layer meets the raw input and the last makes the decision: they lose most to four bits, and in most
    networks hold the least.
    """
    weights = candidates(exact)
    total = sum(exact.tensors[index].elements for index in weights_of(exact))
    ends = {next(iter(weights_of(exact)), None), next(reversed(weights_of(exact)), None)}
    kept = {index for index in ends if index is not None and exact.tensors[index].elements <= END_SHARE * total}
    return {index: 4 for index in weights if index not in kept}


def candidates(exact: Graph) -> list[int]:
    """Return the tensors of weights for which four bits save anything, in order of execution."""
    return [index for index in weights_of(exact) if exact.tensors[index].elements >= LEAST_SAVING]
