"""Comparing what two networks compute on the way: a loss between their inner tensors. Imports TensorFlow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from midge.converter.prune.activations import Seen
from midge.converter.prune.groups import Group
from midge.converter.prune.keras_graph import calls, functional, is_model, layers_by_path, nested_inputs
from midge.converter.sparsity.layers import find_kernels

EPSILON = 1e-6

Key = tuple[str, int, int]
"""Of an inner tensor: the path of the layer that returns it, the number of its call and of its output."""


@dataclass(frozen=True)
class Point:
    """A tensor of the teacher and one of the student that should agree."""

    teacher: Key
    student: Key
    channels: tuple[int, ...] | None = None
    """The teacher's channels that the student still has, in its order; None if it has them all."""
    alike: bool = True
    """Whether the channels mean the same in both, so that values can be compared; else only how samples relate."""


def read_tensors(model: Any) -> dict[tuple[str, int], Key]:
    """Return which inner tensor each layer with weights reads, by its path and the number of its call.

    These are what a network has computed after each of its nonlinearities, normalisations and additions. Those that
    read the model's inputs are left out.
    """
    weighted = {kernel.layer for kernel in find_kernels(model)}
    paths = {id(layer): path for path, layer in layers_by_path(model).items()}
    visits: dict[str, int] = defaultdict(int)
    found: dict[tuple[str, int], Key] = {}

    def follow(part: Any, arrived: Sequence[Key | None]) -> list[Key | None]:
        graph = functional(part)
        known = {id(tensor): key for tensor, key in zip(graph.inputs, arrived, strict=True)}
        for node in calls(part):
            layer, path = node.operation, paths[id(node.operation)]
            inner = nested_inputs(layer, node) if is_model(layer) else None
            if inner is not None:
                after = follow(layer, [known[id(tensor)] for tensor in inner])
            else:
                visit = visits[path]
                visits[path] += 1
                key = known[id(node.input_tensors[0])] if node.input_tensors else None
                if key is not None and any(one == path or one.startswith(f"{path}/") for one in weighted):
                    found[path, visit] = key
                after = [(path, visit, k) for k in range(len(node.outputs))]
            known.update((id(tensor), key) for tensor, key in zip(node.outputs, after, strict=True))
        return [known[id(tensor)] for tensor in graph.outputs]

    follow(model, [None for _ in functional(model).inputs])
    return found


def same_layers(
    teacher: Any, student: Any, groups: Sequence[Group] = (), keep: Mapping[str, Sequence[int]] | None = None
) -> list[Point]:
    """Pair the tensors that layers of the same path read, in a teacher and a student that was made of it.

    Args:
        teacher: a functional or sequential Keras 3 model.
        student: a copy of it, perhaps with fewer channels and blocks.
        groups: the teacher's groups of channels.
        keep: the channels that `remove_channels` kept, by group; the others have all of theirs.
    """
    stays: dict[Key, dict[int, bool]] = defaultdict(dict)
    for group in groups:
        kept = set((keep or {}).get(group.name, range(group.size)))
        for carrier in group.tensors:
            for channel, positions in enumerate(carrier.positions):
                place = stays[carrier.layer, carrier.call, carrier.output]
                place.update((position, channel in kept) for position in positions)
    own = read_tensors(student)
    points: dict[tuple[Key, Key], Point] = {}
    for reader, key in read_tensors(teacher).items():
        if reader not in own or (key, own[reader]) in points:
            continue
        gone = {position for position, kept in stays[key].items() if not kept}
        width = _width(teacher, key)
        channels = tuple(position for position in range(width) if position not in gone) if gone else None
        if _width(student, own[reader]) == (width if channels is None else len(channels)):
            points[key, own[reader]] = Point(key, own[reader], channels)
    return list(points.values())


def same_stages(teacher: Any, student: Any) -> list[Point]:
    """Pair the last tensors of each spatial size that both have, in two networks of any architecture."""
    last = [{_shape(model, key)[1:-1]: key for key in read_tensors(model).values()} for model in (teacher, student)]
    return [Point(key, last[1][size], alike=False) for size, key in last[0].items() if size in last[1]]


def feature_loss(points: Sequence[Point], weight: float) -> Callable[[Seen, Seen], Any]:
    """Return the loss between the tensors of a teacher and a student at some points, mean over them, times ``weight``.

    Where channels mean the same: the mean squared error over the teacher's variance. Elsewhere: the mean squared
    difference of how similar each sample is to each other one, rows of the Gram matrix at length 1 (Tung and Mori
    2019), times the number of samples.
    """

    def loss(teacher: Seen, student: Seen) -> Any:
        total = tf.constant(0.0)
        for point in points:
            wanted, found = teacher[point.teacher], student[point.student]
            if point.alike:
                if point.channels is not None:
                    wanted = tf.gather(wanted, tf.constant(point.channels), axis=-1)
                total += tf.reduce_mean(tf.square(found - wanted)) / (tf.math.reduce_variance(wanted) + EPSILON)
            else:
                difference = _similarities(found) - _similarities(wanted)
                total += tf.reduce_mean(tf.square(difference)) * tf.cast(tf.shape(found)[0], tf.float32)
        return total * (weight / max(1, len(points)))

    return loss


def _similarities(tensor: Any) -> Any:
    rows = tf.reshape(tensor, [tf.shape(tensor)[0], -1])
    return tf.math.l2_normalize(tf.matmul(rows, rows, transpose_b=True), axis=1)


def _shape(model: Any, key: Key) -> tuple[int | None, ...]:
    path, call, output = key
    layer = layers_by_path(model)[path]
    return tuple(layer._inbound_nodes[min(call, len(layer._inbound_nodes) - 1)].outputs[output].shape)


def _width(model: Any, key: Key) -> int:
    return int(_shape(model, key)[-1] or 0)
