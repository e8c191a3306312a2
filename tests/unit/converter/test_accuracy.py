"""What labels mean is decided by shapes; scores follow from arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from midge.converter.accuracy import choose_judge
from midge.converter.data import Dataset
from midge.converter.tensor_spec import TensorSpec
from midge.runtime.errors import DataError

INPUT = TensorSpec("x", (2,), "float32")
CLASSES = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3]])
"""Four samples' outputs whose largest are 1, 0, 2, 1."""


def score(labels: Any, outputs: Any) -> tuple[str, float]:
    outputs = np.asarray(outputs, np.float32)
    data = Dataset(
        "evaluation", (np.zeros((len(outputs), 2), np.float32),), None if labels is None else np.array(labels)
    )
    judge = choose_judge(data, [TensorSpec("y", outputs.shape[1:], "float32")], [INPUT])
    return judge.metric, judge.score([outputs])


@pytest.mark.parametrize(
    "labels",
    [
        [1, 0, 2, 0],
        [1.0, 0.0, 2.0, 0.0],
        [[1], [0], [2], [0]],
        [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]],
    ],
)
def test_class_numbers_and_one_hot_labels_give_the_share_that_is_right(labels: Any) -> None:
    """Three of four: the last sample's class is 0, not 1."""
    assert score(labels, CLASSES) == ("accuracy", 0.75)


@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [[0], [1], [1], [0]]])
def test_a_single_output_above_a_half_is_class_one(labels: Any) -> None:
    """0.2, 0.9, 0.4 and 0.6 mean 0, 1, 0, 1: two of four are right."""
    assert score(labels, [[0.2], [0.9], [0.4], [0.6]]) == ("accuracy", 0.5)


def test_a_label_for_every_time_step_is_compared_step_by_step() -> None:
    outputs = [[[0.9, 0.1], [0.2, 0.8]], [[0.3, 0.7], [0.4, 0.6]]]

    assert score([[0, 1], [1, 0]], outputs) == ("accuracy", 0.75)


def test_values_of_the_outputs_shape_give_the_mean_squared_error() -> None:
    """Errors 0.5, 0, 1, 0.5 squared and averaged: (0.25 + 0 + 1 + 0.25) / 4."""
    assert score([[1.5, 2.0], [2.0, 4.5]], [[1.0, 2.0], [3.0, 4.0]]) == ("mean squared error", 0.375)
    assert score([1.5, 3.0], [[1.0], [2.0]]) == ("mean squared error", 0.625)


def test_without_labels_an_output_like_the_input_is_compared_with_it() -> None:
    """The inputs are zero, so the error is the mean square of the outputs: (1 + 4 + 9 + 4) / 4."""
    assert score(None, [[1.0, 2.0], [3.0, -2.0]]) == ("mean squared error", 4.5)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (None, "no labels"),
        ([1, 0, 3, 0], "from 0 to 2.*found 3 at 2"),
        ([1, -1, 2, 0], "found -1 at 1"),
        ([1, 0.5, 2, 0], "found 0.5 at 1"),
        (
            [[1, 0]] * 4,
            r"shape \(4, 2\); output 'y' expects class numbers of shape \(4,\), or values of shape \(4, 3\)",
        ),
    ],
)
def test_labels_that_fit_nothing_are_refused(labels: Any, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        score(labels, CLASSES)
