"""A student derived from a teacher: fewer channels in every hidden layer, fewer repeated blocks. Imports TensorFlow."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from midge.converter.data import Dataset
from midge.converter.prune.blocks import find_blocks
from midge.converter.prune.compensate import compensate
from midge.converter.prune.groups import Block, Group
from midge.converter.prune.importance import Importance
from midge.converter.prune.keras_graph import layers_by_path
from midge.converter.prune.rebuild import remove_blocks, remove_channels
from midge.runtime.errors import ConversionError

MULTIPLE = 4
"""Channels come in multiples of this, as kernels like them; no group shrinks below it."""


@dataclass(frozen=True)
class Derived:
    """A student, and what it has of its teacher."""

    model: Any
    keep: Mapping[str, Sequence[int]]
    """The channels that stayed, by the name of their group in the teacher."""
    blocks: Sequence[str]
    """The residual branches that went."""


def derive(
    teacher: Any, groups: Sequence[Group], importance: Importance, width: float, depth: float, data: Dataset
) -> Derived:
    """Make a student with the weights of the teacher's most important channels.

    Its layers are then solved anew, so that they make the best of what is left; see `compensate`.

    Args:
        teacher: a functional or sequential Keras 3 model.
        groups: its groups of channels.
        importance: of each channel, by group.
        width: share of each group's channels that stays, rounded up to a multiple of 4.
        depth: share of each stage's residual branches that stays, rounded up; the last ones go. A stage is what has
            one shape.
        data: samples on which the layers are solved.

    Raises:
        ConversionError: a layer cannot be rebuilt from its configuration.
    """
    keep = {group.name: _most_important(importance[group.name], width) for group in groups}
    gone = blocks_to_remove(teacher, depth)
    narrow = remove_channels(teacher, keep)
    if any(len(keep[group.name]) < group.size for group in groups):
        compensate(teacher, narrow, groups, keep, data)
    return Derived(remove_blocks(narrow, gone) if gone else narrow, keep, gone)


def _most_important(importance: Any, width: float) -> list[int]:
    size = len(importance)
    count = min(size, max(MULTIPLE, MULTIPLE * math.ceil(width * size / MULTIPLE - 1e-9)))
    order = np.argsort(-np.asarray(importance), kind="stable")
    return sorted(int(channel) for channel in order[:count])


def blocks_to_remove(model: Any, depth: float) -> list[str]:
    """Name the residual branches that a depth multiplier takes out."""
    layers = layers_by_path(model)
    stages: dict[tuple[int | None, ...], list[Block]] = defaultdict(list)
    blocks = find_blocks(model)
    for block in blocks:
        inside = any(block.name in other.layers for other in blocks if other is not block)
        if not inside:
            stages[tuple(layers[block.name].output.shape)].append(block)
    return [block.name for stage in stages.values() for block in stage[math.ceil(depth * len(stage) - 1e-9) :]]


def reinitialise(model: Any) -> Any:
    """Return a model of the same layers with newly drawn weights.

    Raises:
        ConversionError: a layer cannot be rebuilt from its configuration.
    """
    import keras

    try:
        return keras.models.clone_model(model)
    except Exception as error:  # a user's own layers raise anything
        why = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise ConversionError(f"the student cannot be built with random weights: {why}") from error
