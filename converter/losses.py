"""What training minimises: against labels, and against a teacher. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from midge.converter.accuracy import ACCURACY, choose_judge
from midge.converter.data import Dataset
from midge.converter.network import Network

EPSILON = 1e-6


class Task:
    """What a network is to do, told from its outputs and the labels; see `accuracy.choose_judge`.

    Args:
        network: whose outputs are compared.
        data: samples with or without labels; a few of them are run to see whether outputs are probabilities.

    Raises:
        DataError: The labels do not fit the network.
    """

    def __init__(self, network: Network, data: Dataset) -> None:
        rebuilds = len(network.inputs) == 1 and network.inputs[0].shape == network.outputs[0].shape
        judge = choose_judge(data, network.outputs, network.inputs) if data.labels is not None or rebuilds else None
        self._judged = None if judge is None else judge.metric
        self._own_input = data.labels is None and rebuilds
        self._binary = network.outputs[0].shape[-1] == 1
        self._probabilities = [_are_probabilities(out) for out in network.predict(data.first(16).inputs)]

    @property
    def has_labels(self) -> bool:
        """Whether `against_labels` can be used."""
        return self._judged is not None

    def against_labels(self, outputs: Sequence[Any], inputs: Sequence[Any], labels: Any) -> Any:
        """Return the mean loss of a batch: cross-entropy for classes, else the mean squared error; scalar float32.

        Args:
            outputs: the network's, ``[n, *shape]`` each; the first is judged.
            inputs: what the network saw.
            labels: as in the data set, or None where the network rebuilds its input.
        """
        found = outputs[0]
        if self._judged != ACCURACY:
            wanted = inputs[0] if self._own_input else tf.cast(labels, tf.float32)
            return tf.reduce_mean(tf.square(found - tf.reshape(wanted, tf.shape(found))))
        if self._binary:
            wanted = tf.reshape(tf.cast(labels, tf.float32), tf.shape(found))
            if self._probabilities[0]:
                p = tf.clip_by_value(found, EPSILON, 1 - EPSILON)
                return -tf.reduce_mean(wanted * tf.math.log(p) + (1 - wanted) * tf.math.log(1 - p))
            return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=found))
        if labels.shape.rank == found.shape.rank and labels.shape[-1] == found.shape[-1]:
            target = tf.cast(labels, tf.float32)
        else:
            target = tf.one_hot(tf.reshape(tf.cast(labels, tf.int32), tf.shape(found)[:-1]), found.shape[-1])
        return -tf.reduce_mean(tf.reduce_sum(target * self._log(found, 0), axis=-1))

    def against_teacher(
        self, outputs: Sequence[Any], taught: Sequence[Any], temperature: float = 1.0, teacher: Task | None = None
    ) -> Any:
        """Return the mean loss against a teacher's outputs for the same batch; scalar float32.

        Distributions over classes: cross-entropy of the two softened by ``temperature``, times its square (Hinton,
        Vinyals and Dean 2015); other outputs: mean squared error over the teacher's variance. ``teacher`` is the
        teacher's own task where the two networks may differ in whether they end in a softmax.
        """
        other = teacher or self
        total = tf.constant(0.0)
        for number, (found, wanted) in enumerate(zip(outputs, taught, strict=True)):
            classes = self._judged == ACCURACY and number == 0 and not self._binary
            if classes or other._is_distribution(number, wanted):
                soft = tf.nn.softmax(other._log(wanted, number) / temperature)
                logs = tf.nn.log_softmax(self._log(found, number) / temperature)
                total += -tf.reduce_mean(tf.reduce_sum(soft * logs, axis=-1)) * temperature**2
            else:
                spread = tf.math.reduce_variance(wanted) + EPSILON
                total += tf.reduce_mean(tf.square(found - wanted)) / spread
        return total

    def _is_distribution(self, number: int, tensor: Any) -> bool:
        return bool(self._probabilities[number]) and tensor.shape[-1] > 1

    def _log(self, tensor: Any, number: int) -> Any:
        """Return the logarithm of probabilities, or log-softmax of scores."""
        if self._probabilities[number]:
            return tf.math.log(tf.clip_by_value(tensor, EPSILON, 1.0))
        return tf.nn.log_softmax(tensor)


def _are_probabilities(output: Any) -> bool:
    """Whether every row is a distribution, or every single value lies from 0 to 1."""
    if output.min() < 0 or output.max() > 1 + 1e-4:
        return False
    return bool(output.shape[-1] == 1 or abs(output.sum(axis=-1) - 1).max() < 1e-2)
