"""What the long fuzz promises of this machine: wrong results, writes outside and wrong leads are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from core_fuzz import HostCore
from core_host import run_way
from core_layers import Layer, Way, make_layer

from midge.runtime.operators import OPERATORS
from midge.runtime.program import Target


@pytest.fixture(scope="module")
def layer() -> Layer:
    """An int8 convolution with padding, and so with a scratch buffer, whose output varies."""
    for number in range(1000):
        layer = make_layer("CONV_2D", "int8", 9, number)
        (wanted,) = layer.wanted.values()
        if plain(layer).calls[0].scratch and len(np.unique(wanted)) > 20 and wanted.size > 100:
            return layer
    raise AssertionError("no such layer")


def plain(layer: Layer, overlap: tuple[int, int] | None = None) -> Way:
    """Return the way that serves every layer."""
    return Way("plain", OPERATORS[layer.node.operator.kind].lower(layer.node, Target()), overlap)


def test_every_way_is_run_and_equals_the_oracle(layer: Layer) -> None:
    """The ways of this host include working over the input, where the kernel allows it."""
    tally = HostCore().run([layer], True, np.random.default_rng(1))

    assert not tally.differences
    assert tally.runs["plain:conv_2d_s8"] == 1
    assert tally.runs["plain:conv_2d_s8 overlapping"] > 0


def test_a_wrong_element_is_found(layer: Layer) -> None:
    """One expected bit that differs is one difference."""
    (index,) = layer.wanted
    wrong = layer.wanted[index].copy()
    wrong.flat[3] ^= 1

    found = run_way(replace(layer, wanted={index: wrong}), plain(layer))

    assert found is not None
    assert f"1 of {wrong.size} elements differ, the first at 3" in found


def test_a_wrong_lead_is_found(layer: Layer) -> None:
    """A kernel that reads what it has overwritten gives another result."""
    found = run_way(layer, plain(layer, (layer.node.operator.inputs[0] or 0, 0)))

    assert found is not None
    assert "elements differ" in found


def test_a_write_outside_is_found_and_told(layer: Layer) -> None:
    """A kernel that uses more scratch memory than its call says breaks the fence behind it."""
    (call,) = plain(layer).calls
    way = Way("plain", (replace(call, scratch=call.scratch - 1),))

    with pytest.raises(AssertionError, match="wrote outside its scratch"):
        run_way(layer, way)
