"""The operators with weights of a float graph: convolutions and fully connected layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from midge.converter.quantizer.rules import RULES
from midge.converter.samples import Array
from midge.runtime.graph import DType, Graph, Node, Operator, Tensor
from midge.runtime.operators.conv_geometry import conv_geometry, depthwise_window
from midge.runtime.operators.window import Window

Means = NDArray[np.float64]


def weights_of(exact: Graph) -> dict[int, list[Operator]]:
    """Return the operators that use each tensor of weights, in order of execution."""
    found: dict[int, list[Operator]] = {}
    for op in exact.operators:
        if op.kind in RULES and RULES[op.kind].channel_axis is not None and op.inputs[1] is not None:
            found.setdefault(op.inputs[1], []).append(op)
    return found


def with_biases(exact: Graph) -> Graph:
    """Give every operator with weights a bias, of zeros where it has none; tensors keep their positions."""
    tensors, operators = list(exact.tensors), []
    for node in exact.nodes():
        op = node.operator
        if op.kind in RULES and RULES[op.kind].channel_axis is not None and node.optional_input(2) is None:
            zeros = np.zeros(node.output().shape[-1], np.float32)
            zeros.flags.writeable = False
            op = dataclasses.replace(op, inputs=(*op.inputs[:2], len(tensors)))
            tensors.append(Tensor(f"{node.output().name}/bias", zeros.shape, DType.FLOAT32, data=zeros))
        operators.append(op)
    return exact.replace(tensors=tuple(tensors), operators=tuple(operators))


@dataclass
class InputMeans:
    """The mean of what each weight of an operator is multiplied with."""

    node: Node
    total: Means | None = None
    count: int = 0

    def add(self, values: Array) -> None:
        """Take in the real input of one or several samples (axis 0)."""
        shape = self.node.input(0).shape
        values = values.reshape(-1, *shape[1:])
        means = patch_means(self.node, values) * len(values)
        self.total = means if self.total is None else self.total + means
        self.count += len(values)

    def sums(self, weights: Array) -> Means:
        """Return the mean sum of products of each output channel with such weights, in real units."""
        assert self.total is not None
        axis = RULES[self.node.operator.kind].channel_axis
        others = tuple(n for n in range(weights.ndim) if n != axis)
        sums: Means = (weights.astype(np.float64) * (self.total / self.count)).sum(axis=others)
        return sums


def patch_means(node: Node, values: Array) -> Means:
    """Return the mean of an input over all places where a weight meets it, in a shape that broadcasts to the weights'.

    What lies outside the image is 0, which takes part.
    """
    weights = node.input(1)
    if node.operator.kind == "FULLY_CONNECTED":
        return np.asarray(values.reshape(-1, weights.shape[-1]).astype(np.float64).mean(axis=0)[None])
    depthwise = node.operator.kind == "DEPTHWISE_CONV_2D"
    window = depthwise_window(node) if depthwise else conv_geometry(node)
    means = _window_means(values.astype(np.float64), window)
    if depthwise:
        return np.repeat(means, weights.shape[3] // means.shape[2], axis=2)[None]
    groups = means.shape[2] // weights.shape[3]
    if groups == 1:
        return means[None]
    # The output channels fall into as many runs as there are groups of input channels.
    split = np.moveaxis(means.reshape(*means.shape[:2], groups, weights.shape[3]), 2, 0)
    return np.repeat(split, weights.shape[0] // groups, axis=0)


def _window_means(image: Array, window: Window) -> Means:
    """Return ``[filter height, filter width, input channels]``."""
    means = np.empty((window.filter_height, window.filter_width, window.input_channels))
    for (y, x), seen in _windows(image, window):
        means[y, x] = seen.mean(axis=(0, 1, 2))
    return means


def _windows(image: Array, window: Window) -> Iterator[tuple[tuple[int, int], Array]]:
    """Yield the place of each weight in the window, with what it meets: ``[n, rows, columns, channels]``."""
    height = max(window.padded_height, window.padding_top + window.input_height)
    width = max(window.padded_width, window.padding_left + window.input_width)
    padded = np.zeros((len(image), height, width, window.input_channels))
    bottom, right = window.padding_top + window.input_height, window.padding_left + window.input_width
    padded[:, window.padding_top : bottom, window.padding_left : right] = image
    for y, x in np.ndindex(window.filter_height, window.filter_width):
        seen = padded[
            :,
            y * window.dilation_height :: window.stride_height,
            x * window.dilation_width :: window.stride_width,
        ]
        yield (y, x), seen[:, : window.output_height, : window.output_width]


def patches(node: Node, values: Array) -> Array:
    """Return what the weights of an operator meet: ``[groups, places, weights]`` in the order of the weights.

    There is a group for each input channel of a depthwise convolution, and one for other operators.
    """
    values = values.astype(np.float64)
    if node.operator.kind == "FULLY_CONNECTED":
        return np.asarray(values.reshape(1, -1, node.input(1).shape[-1]))
    depthwise = node.operator.kind == "DEPTHWISE_CONV_2D"
    window = depthwise_window(node) if depthwise else conv_geometry(node)
    seen = np.stack([part.reshape(-1, part.shape[-1]) for _, part in _windows(values, window)], axis=1)
    return np.moveaxis(seen, 2, 0) if depthwise else np.asarray(seen.reshape(1, len(seen), -1))
