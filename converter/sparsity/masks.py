"""Masks over weights that close while a network trains. Imports TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import tensorflow as tf

from midge.converter.sparsity.layers import Kernel
from midge.converter.sparsity.pattern import Blocks, NOfM, Pattern

UPDATES = 48
"""How often, at most, the masks are chosen anew; sorting all weights in every step would cost more than the step."""


class Masks:
    """What stays of weights: the largest in magnitude, ever fewer up to step ``ramp``, the same ones from then on.

    The share of zeros follows ``sparsity * (1 - (1 - step / ramp)**3)`` (Zhu and Gupta 2017). A weight once zero stays
    zero.

    Args:
        kernels: the weights.
        sparsity: share of zeros in the end; what an N:M pattern leaves is fixed by the pattern.
        pattern: where zeros may lie.
        scope: "layer": each kernel has the same share of zeros; "global": all kernels together have it, shared out by
            how much of a kernel's energy goes with a weight (the score LAMP of Lee et al. 2021).
        ramp: steps, at least 1.
    """

    def __init__(
        self,
        kernels: Sequence[Kernel],
        sparsity: float,
        pattern: Pattern,
        scope: Literal["layer", "global"],
        ramp: int,
    ) -> None:
        self._weights = [kernel.variable.value for kernel in kernels]
        self._units = [_Units(kernel, pattern) for kernel in kernels]
        self._masks = [tf.Variable(tf.ones_like(weights), trainable=False) for weights in self._weights]
        self._count = tf.Variable(0, trainable=False, dtype=tf.int32)
        self._ramp, self._every = ramp, max(1, ramp // UPDATES)
        self._groups = [[i] for i in range(len(kernels))] if scope == "layer" else [list(range(len(kernels)))]
        self._final = [self._zeros(group, sparsity, pattern) for group in self._groups]

    def _zeros(self, group: Sequence[int], sparsity: float, pattern: Pattern) -> int:
        if isinstance(pattern, NOfM):
            return sum(self._units[i].spare for i in group)
        return math.ceil(sparsity * sum(self._units[i].elements for i in group))

    @property
    def state(self) -> list[Any]:
        """The variables that the next step depends on."""
        return [self._count, *self._masks]

    def after_step(self) -> None:
        """Zero the weights that are to be zero after one more step of training; can be traced."""
        self._count.assign_add(1)
        self._apply()
        due = (self._count % self._every == 0) & (self._count < self._ramp) | tf.equal(self._count, self._ramp)
        tf.cond(due, self._close, lambda: tf.constant(0))

    def finish(self) -> None:
        """Bring the masks to their end, whatever the number of steps was."""
        if int(self._count) < self._ramp:
            self.advance(self._ramp)

    def advance(self, step: int) -> None:
        """Go to a later step at once and choose what is zero then."""
        self._count.assign(step)
        self._close()

    def open(self) -> list[Any]:
        """Return for each kernel 1 where its weights stay and 0 where they are zero: tensors of the kernels' shapes."""
        return [mask.read_value() for mask in self._masks]

    def _apply(self) -> None:
        for weights, mask in zip(self._weights, self._masks, strict=True):
            weights.assign(weights * mask)

    def _close(self) -> Any:
        progress = tf.minimum(1.0, tf.cast(self._count, tf.float32) / self._ramp)
        share = 1 - (1 - progress) ** 3
        for group, final in zip(self._groups, self._final, strict=True):
            energies = [self._units[i].energies(self._weights[i]) for i in group]
            if len(group) > 1:
                energies = [_lamp(energy) for energy in energies]
            # No more can go than what the pattern lets go: its other units have an infinite score.
            open_units = [
                tf.where(self._units[i].may_go(self._weights[i]), energy, math.inf)
                for i, energy in zip(group, energies, strict=True)
            ]
            sizes = tf.concat([self._units[i].sizes for i in group], 0)
            wanted = tf.cast(tf.math.ceil(share * final - 1e-3), tf.int32)
            stays = _largest(tf.concat(open_units, 0), sizes, wanted)
            for i, part in zip(group, tf.split(stays, [len(self._units[i].sizes) for i in group]), strict=True):
                self._masks[i].assign(self._units[i].spread(tf.cast(part, tf.float32)))
        self._apply()
        return tf.constant(0)


def _largest(scores: Any, sizes: Any, wanted: Any) -> Any:
    """Return which units stay if those of least score go until ``wanted`` elements are gone; one stays in any case."""
    order = tf.argsort(scores, stable=True)
    before = tf.cumsum(tf.gather(sizes, order), exclusive=True)
    gone = tf.minimum(tf.reduce_sum(tf.cast(before < wanted, tf.int32)), tf.size(scores) - 1)
    return tf.argsort(order) >= gone


def _lamp(energies: Any) -> Any:
    """Return each energy over the sum of all those in its kernel that are not smaller."""
    order = tf.argsort(energies, stable=True)
    ordered = tf.gather(energies, order)
    scores = ordered / (tf.cumsum(ordered, reverse=True) + 1e-30)
    return tf.gather(scores, tf.argsort(order))


class _Units:
    """The pieces of one kernel that become zero whole: single weights or blocks, numbered ``[units]``."""

    def __init__(self, kernel: Kernel, pattern: Pattern) -> None:
        layout, shape = kernel.layout, [int(extent) for extent in kernel.variable.shape]
        self._order = (*layout.outputs, *layout.window, *layout.inputs)
        self._shape = [shape[axis] for axis in self._order]
        rows = math.prod(shape[axis] for axis in layout.outputs)
        depth = math.prod(shape[axis] for axis in layout.inputs)
        window = math.prod(shape[axis] for axis in layout.window)
        self.elements = rows * window * depth
        if isinstance(pattern, Blocks):
            self._matrix, (tall, wide) = [rows, window * depth], (pattern.outputs, pattern.inputs)
        else:
            self._matrix, (tall, wide) = [rows * window, depth], (1, 1)
        self._of = pattern.m if isinstance(pattern, NOfM) else 0
        self._kept = pattern.n if isinstance(pattern, NOfM) else 0
        columns = wide if not self._of else self._of
        self._pad = [[0, -self._matrix[0] % tall], [0, -self._matrix[1] % columns]]
        self._padded = [extent + pad[1] for extent, pad in zip(self._matrix, self._pad, strict=True)]
        self._blocks = [self._padded[0] // tall, tall, self._padded[1] // wide, wide]
        self.sizes = tf.cast(self._summed(tf.ones(shape)), tf.int32)
        """Elements of each unit; none in those that lie in the padding."""
        groups = -(-depth // self._of) if self._of else 0
        self.spare = rows * window * (depth - sum(min(self._kept, depth - self._of * g) for g in range(groups)))
        """Elements that an N:M pattern makes zero."""

    def energies(self, kernel: Any) -> Any:
        """Return the mean square of each unit's weights, ``[units]``; below zero in the padding."""
        sizes = tf.cast(self.sizes, tf.float32)
        return tf.where(sizes > 0, self._summed(tf.square(kernel)) / tf.maximum(sizes, 1), -1.0)

    def may_go(self, kernel: Any) -> Any:
        """Return which units the pattern lets become zero, ``[units]``."""
        if not self._of:
            return tf.ones_like(self.sizes, tf.bool)
        # The padding counts among the smallest, so that the last group, if it is short, loses fewer.
        groups = tf.reshape(self.energies(kernel), [-1, self._of])
        ranks = tf.argsort(tf.argsort(groups, stable=True), stable=True)
        return tf.reshape(ranks < self._of - self._kept, [-1])

    def spread(self, units: Any) -> Any:
        """Return an array of the kernel's shape from one value per unit."""
        tall, wide = self._blocks[1], self._blocks[3]
        cells = tf.reshape(units, [self._blocks[0], 1, self._blocks[2], 1])
        padded = tf.reshape(tf.tile(cells, [1, tall, 1, wide]), self._padded)
        matrix = padded[: self._matrix[0], : self._matrix[1]]
        back = sorted(range(len(self._order)), key=self._order.__getitem__)
        return tf.transpose(tf.reshape(matrix, self._shape), back)

    def _summed(self, kernel: Any) -> Any:
        matrix = tf.reshape(tf.transpose(kernel, self._order), self._matrix)
        blocks = tf.reshape(tf.pad(matrix, self._pad), self._blocks)
        return tf.reshape(tf.reduce_sum(blocks, axis=[1, 3]), [-1])
