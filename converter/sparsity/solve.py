"""Zeros without training: the weights that stay are solved to do the work of those that went. Imports TensorFlow.

A few rounds make a network sparse; after each, layer by layer, least squares finds the weights with which the sparse
network's layer comes nearest to what it computed before (`prune.compensate`). It takes a fraction of the time that
training would and a few hundred samples without labels, and leaves little for training to repair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from midge.converter.context import Context
from midge.converter.prune.compensate import CHUNK, SAMPLES, Solve, Targets, is_linear
from midge.converter.prune.keras_graph import layers_by_path
from midge.converter.samples import Array
from midge.converter.sparsity.layers import Kernel
from midge.converter.sparsity.masks import Masks

_CHECKPOINT = "solving"


def solvable(model: Any, kernels: Sequence[Kernel]) -> bool:
    """Whether all of a model's kernels belong to dense layers and ordinary convolutions."""
    layers = layers_by_path(model)
    return all(is_linear(layers[kernel.layer]) for kernel in kernels)


def close_and_solve(
    dense: Any, sparse: Any, kernels: Sequence[Kernel], masks: Masks, rounds: int, context: Context, stage: str
) -> None:
    """Close masks that have a ramp of ``rounds`` steps, solving after each; resumable.

    Args:
        dense: the model as it was.
        sparse: its copy, which holds the kernels; changed in place.
        kernels: all of layers that are `solvable`.
        masks: of the kernels, still open.
        rounds: how often to solve.
        context: samples, and what to tell.
        stage: what the work is called.
    """
    everything = [*(variable.value for variable in sparse.variables), *masks.state]
    done = _restore(context, everything)
    if done == rounds:
        return
    chunks = [inputs for inputs, _ in context.training_data().first(SAMPLES).batches(CHUNK)]
    targets = Targets(dense, [], {})
    targets.run(chunks)
    for number in range(done + 1, rounds + 1):
        context.say(f"{stage}: round {number} of {rounds}")
        masks.advance(number)
        open_ = {kernel.layer: mask.numpy() for kernel, mask in zip(kernels, masks.open(), strict=True)}
        _SolveOpen(sparse, targets, open_).run(chunks)
        arrays = {f"v{i}": variable.numpy() for i, variable in enumerate(everything)}
        context.checkpoints.save(_CHECKPOINT, arrays, {"round": number})


def _restore(context: Context, everything: Sequence[Any]) -> int:
    found = context.checkpoints.load(_CHECKPOINT)
    if found is None:
        return 0
    arrays, document = found
    for i, variable in enumerate(everything):
        variable.assign(arrays[f"v{i}"])
    return int(document["round"])


class _SolveOpen(Solve):
    """Solves for the weights that stay, one output after the other."""

    def __init__(self, model: Any, targets: Targets, masks: Mapping[str, Array]) -> None:
        super().__init__(model, targets)
        self._masks = masks

    def solve(self, path: str, gram: Array, moment: Array) -> Array:
        if path not in self._masks:
            return super().solve(path, gram, moment)
        mask = self._masks[path].reshape(-1, moment.shape[1]) != 0
        change = np.zeros_like(moment)
        for column in range(moment.shape[1]):
            rows = np.append(np.flatnonzero(mask[:, column]), len(mask))  # the bias is the last
            change[rows, column] = np.linalg.solve(gram[np.ix_(rows, rows)], moment[rows, column])
        return change
