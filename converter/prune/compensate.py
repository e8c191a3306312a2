"""Letting the channels that stay do the work of those that went: least squares, layer by layer. Imports TensorFlow.

After channels are gone, a layer that read them computes something else. Its weights are solved anew so that, on samples
and from what the smaller model now feeds it, it comes as near as it can to what it computed before (He, Zhang and Sun
2017). It takes seconds, needs no labels, and leaves far less for training to repair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.data import Dataset
from midge.converter.prune.groups import Group
from midge.converter.prune.keras_graph import calls, functional, is_kind, is_model, layers_by_path, nested_inputs
from midge.converter.samples import Array

SAMPLES = 384
"""Samples that a layer is solved on."""
ROWS = 24_000
"""Positions of its output that a layer is solved on, drawn evenly from all samples; several per unknown of a filter."""
RIDGE = 1e-3
"""How strongly a layer holds on to its weights, relative to the mean square of its inputs."""
CHUNK = 32
"""Samples computed at a time."""


def compensate(
    before: Any, after: Any, groups: Sequence[Group], keep: Mapping[str, Sequence[int]], data: Dataset
) -> None:
    """Solve the weights of a pruned model's dense layers and ordinary convolutions anew.

    Layers that are called more than once, and layers before the first that lost inputs, stay as they are.

    Args:
        before: The model before pruning.
        after: `remove_channels` of it; changed in place.
        groups: `find_groups` of ``before``.
        keep: What stayed, as given to `remove_channels`.
        data: Samples; labels are not used.
    """
    samples = data.first(SAMPLES)
    chunks = [inputs for inputs, _ in samples.batches(CHUNK)]
    targets = Targets(before, groups, keep)
    targets.run(chunks)
    Solve(after, targets).run(chunks)


def is_linear(layer: Any) -> bool:
    """Whether a layer is a matrix product over patches of its input."""
    if is_kind(layer, "Conv1D", "Conv2D"):
        return layer.groups == 1 and layer.data_format == "channels_last" and layer.padding in ("same", "valid")
    return is_kind(layer, "Dense")


class _Walk:
    """Computes a model call by call on chunks of samples, all chunks at a call before the next call."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._paths = {id(layer): path for path, layer in layers_by_path(model).items()}
        self._counts: dict[str, int] = defaultdict(int)
        self._count(model)

    def run(self, chunks: Sequence[Sequence[Array]]) -> None:
        """Compute the model; `visit` sees every call of a linear layer that is called once."""
        self._run(self._model, [[tf.constant(array) for array in chunk] for chunk in chunks])

    def visit(self, path: str, layer: Any, inputs: Sequence[Any]) -> None:
        """See a layer and its input, chunk by chunk, before it is computed."""
        raise NotImplementedError

    def _count(self, model: Any) -> None:
        for node in calls(model):
            self._counts[self._paths[id(node.operation)]] += 1
            if is_model(node.operation):
                self._count(node.operation)

    def _run(self, model: Any, chunks: Sequence[Sequence[Any]]) -> list[list[Any]]:
        import keras

        graph = functional(model)
        nodes = calls(model)
        last = {id(symbol): step for step, node in enumerate(nodes) for symbol in node.input_tensors}
        last.update((id(symbol), len(nodes)) for symbol in graph.outputs)
        known = [{id(s): tensor for s, tensor in zip(graph.inputs, chunk, strict=True)} for chunk in chunks]
        for step, node in enumerate(nodes):
            layer, path = node.operation, self._paths[id(node.operation)]
            symbols = nested_inputs(layer, node) if is_model(layer) else None
            if symbols is not None:
                results = self._run(layer, [[tensors[id(symbol)] for symbol in symbols] for tensors in known])
            else:
                if is_linear(layer) and self._counts[path] == 1:
                    self.visit(path, layer, [tensors[id(node.input_tensors[0])] for tensors in known])
                results = []
                for tensors in known:
                    args, kwargs = node.arguments.fill_in(tensors)
                    if getattr(layer, "_call_has_training_arg", False):
                        kwargs["training"] = False
                    results.append(keras.tree.flatten(layer(*args, **kwargs)))
            for tensors, outputs in zip(known, results, strict=True):
                tensors.update((id(symbol), tensor) for symbol, tensor in zip(node.outputs, outputs, strict=True))
                for symbol in (*node.input_tensors, *node.outputs):
                    if last.get(id(symbol), -1) <= step:
                        tensors.pop(id(symbol), None)
        return [[tensors[id(symbol)] for symbol in graph.outputs] for tensors in known]


@dataclass
class _Target:
    """What a layer computed before, at some positions: indices into each chunk's rows, and values ``[n, outputs]``."""

    rows: list[Array] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)


class Targets(_Walk):
    """Collects what every linear layer computes, without its activation, of the outputs that stay."""

    def __init__(self, model: Any, groups: Sequence[Group], keep: Mapping[str, Sequence[int]]) -> None:
        super().__init__(model)
        self.found: dict[str, _Target] = {}
        self._random = np.random.default_rng(0)
        self._gone: dict[str, set[int]] = defaultdict(set)
        for group in groups:
            lost = set(range(group.size)) - set(keep.get(group.name, range(group.size)))
            for part in group.produces:
                if part.variable == "kernel":
                    self._gone[part.layer].update(p for channel in lost for p in part.positions[channel])

    def visit(self, path: str, layer: Any, inputs: Sequence[Any]) -> None:
        """Keep what the layer computes."""
        target = self.found[path] = _Target()
        stay = [k for k in range(layer.kernel.shape[-1]) if k not in self._gone[path]]
        kernel, bias = _flat_kernel(layer)
        for tensor in inputs:
            rows = _rows(layer, tensor)
            count = min(len(rows), -(-ROWS * tensor.shape[0] // sum(t.shape[0] for t in inputs)))
            picked = np.sort(self._random.permutation(len(rows))[:count])
            target.rows.append(picked)
            target.values.append((rows[picked] @ kernel + bias)[:, stay])


class Solve(_Walk):
    """Solves each linear layer on what the model feeds it, then goes on with its new weights."""

    def __init__(self, model: Any, targets: Targets) -> None:
        super().__init__(model)
        self._targets = targets.found

    def visit(self, path: str, layer: Any, inputs: Sequence[Any]) -> None:
        """Change the layer's weights."""
        target = self._targets.get(path)
        if target is None:  # called more than once before
            return
        kernel, bias = _flat_kernel(layer)
        unknowns = len(kernel) + 1
        gram, moment = np.zeros((unknowns, unknowns)), np.zeros((unknowns, kernel.shape[1]))
        for tensor, picked, values in zip(inputs, target.rows, target.values, strict=True):
            rows = _rows(layer, tensor)[picked]
            error = (values - (rows @ kernel + bias)).astype(np.float64)
            wide = np.concatenate([rows, np.full((len(rows), 1), float(layer.use_bias))], axis=1).astype(np.float64)
            gram += wide.T @ wide
            moment += wide.T @ error
        if not moment.any():
            return
        ridge = RIDGE * max(float(np.trace(gram[:-1, :-1])) / len(kernel), 1e-12)
        change = self.solve(path, gram + ridge * np.eye(unknowns), moment)
        layer.kernel.assign((kernel + change[:-1]).reshape(layer.kernel.shape).astype(np.float32))
        if layer.use_bias:
            layer.bias.assign((bias + change[-1]).astype(np.float32))

    def solve(self, path: str, gram: Array, moment: Array) -> Array:
        """Return how a layer's weights change, ``[patch + 1, outputs]``, the bias last: x of gram x = moment."""
        return np.linalg.solve(gram, moment)


def _flat_kernel(layer: Any) -> tuple[Array, Array]:
    """Return the weights as a matrix ``[patch, outputs]`` and the bias ``[outputs]``."""
    kernel = np.asarray(layer.kernel)
    bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(kernel.shape[-1], np.float32)
    return kernel.reshape(-1, kernel.shape[-1]), bias


def _rows(layer: Any, tensor: Any) -> Array:
    """Return what each position of the output is computed from, ``[samples * positions, patch]``."""
    if is_kind(layer, "Dense"):
        return np.asarray(tensor).reshape(-1, tensor.shape[-1])
    size, stride, dilation = layer.kernel_size, layer.strides, layer.dilation_rate
    if is_kind(layer, "Conv1D"):
        tensor = tensor[:, None]
        size, stride, dilation = (1, *size), (1, *stride), (1, *dilation)
    patches = tf.image.extract_patches(tensor, (1, *size, 1), (1, *stride, 1), (1, *dilation, 1), layer.padding.upper())
    return np.asarray(patches).reshape(-1, patches.shape[-1])
