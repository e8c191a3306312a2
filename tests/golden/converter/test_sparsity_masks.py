"""Which weights masks close, against the rule worked out with NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from midge.converter.sparsity.layers import Kernel, Layout
from midge.converter.sparsity.pattern import Pattern, parse_pattern

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

CONVOLUTION = Layout((3,), (0, 1), (2,))
DENSE = Layout((1,), (), (0,))


class Variable:
    """What of a Keras variable is looked at."""

    def __init__(self, array: np.ndarray) -> None:
        import tensorflow as tf

        self.value = tf.Variable(array)
        self.shape = array.shape


def kernel(shape: tuple[int, ...], layout: Layout, seed: int = 0) -> Kernel:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return Kernel("layer", "kernel", Variable(values), layout, depthwise=False)


def masks(kernels: list[Kernel], sparsity: float, pattern: Pattern, scope: Any = "layer", ramp: int = 1) -> Any:
    from midge.converter.sparsity.masks import Masks

    return Masks(kernels, sparsity, pattern, scope, ramp)


def zeros(one: Kernel) -> np.ndarray:
    return np.asarray(one.variable.value.numpy() == 0)


def test_the_smallest_weights_of_each_layer_go() -> None:
    one, other = kernel((3, 3, 4, 8), CONVOLUTION), kernel((10, 7), DENSE, 1)
    expected = []
    for each in (one, other):
        size = np.abs(each.variable.value.numpy())
        expected.append(size <= np.sort(size.ravel())[math.ceil(0.75 * size.size) - 1])

    masks([one, other], 0.75, parse_pattern("unstructured")).finish()

    assert (zeros(one) == expected[0]).all() and (zeros(other) == expected[1]).all()


def test_two_of_four_inputs_stay_and_a_short_last_group_keeps_two_too() -> None:
    one = kernel((3, 3, 10, 8), CONVOLUTION)
    size = np.abs(one.variable.value.numpy())
    expected = np.zeros(size.shape, bool)
    for first in (0, 4, 8):
        group = size[:, :, first : first + 4]
        ranks = group.argsort(axis=2).argsort(axis=2)
        expected[:, :, first : first + 4] = ranks < group.shape[2] - 2

    masks([one], 0.5, parse_pattern("2:4")).finish()

    assert (zeros(one) == expected).all()


@pytest.mark.parametrize(("shape", "layout"), [((3, 3, 5, 10), CONVOLUTION), ((25, 10), DENSE), ((64, 64), DENSE)])
def test_whole_blocks_of_outputs_and_inputs_go(shape: tuple[int, ...], layout: Layout) -> None:
    one = kernel(shape, layout)
    before = np.moveaxis(one.variable.value.numpy(), -1, 0).reshape(shape[-1], -1)
    energies, sizes = [], []
    for i in range(0, before.shape[0], 4):
        for j in range(0, before.shape[1], 2):
            energies.append(np.mean(before[i : i + 4, j : j + 2].astype(np.float64) ** 2))
            sizes.append(before[i : i + 4, j : j + 2].size)
    order = np.argsort(energies)
    enough = int(np.searchsorted(np.cumsum(np.array(sizes)[order]), math.ceil(0.6 * before.size))) + 1
    gone = set(order[:enough].tolist())

    masks([one], 0.6, parse_pattern("4x2")).finish()

    after = np.moveaxis(zeros(one), -1, 0).reshape(before.shape)
    number = 0
    for i in range(0, before.shape[0], 4):
        for j in range(0, before.shape[1], 2):
            assert (after[i : i + 4, j : j + 2] == (number in gone)).all()
            number += 1


def test_the_whole_network_has_its_share_and_a_layer_of_another_scale_has_the_same() -> None:
    one, other = kernel((40, 50), DENSE), kernel((40, 50), DENSE)
    other.variable.value.assign(1000 * other.variable.value)

    masks([one, other], 0.7, parse_pattern("unstructured"), "global").finish()

    assert int(zeros(one).sum() + zeros(other).sum()) == 2800
    assert (zeros(one) == zeros(other)).all()


def test_one_piece_of_a_layer_stays() -> None:
    one = kernel((3, 2), DENSE)

    masks([one], 0.99, parse_pattern("unstructured")).finish()

    assert zeros(one).sum() == 5


def test_zeros_come_along_a_cubic_curve_and_stay() -> None:
    import tensorflow as tf

    one = kernel((100, 100), DENSE)
    closing = masks([one], 0.8, parse_pattern("unstructured"), ramp=20)
    step = tf.function(closing.after_step, autograph=False)
    before = zeros(one)
    for number in range(1, 31):
        one.variable.value.assign_add(tf.fill((100, 100), 0.3))  # training changes every weight
        step()
        progress = min(1.0, number / 20)
        assert zeros(one).sum() == math.ceil(10000 * 0.8 * (1 - (1 - progress) ** 3) - 1e-2)
        assert zeros(one)[before].all()
        before = zeros(one)
