"""Which groups of channels a step may shrink. Imports neither Keras nor TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from midge.converter.prune.analysis import find_groups, unprunable
from midge.converter.prune.groups import Group
from midge.converter.prune.keras_graph import layers_by_path
from midge.runtime.errors import InputError

_LISTED = 8


def candidates(model: Any, exclude: Sequence[str] = ()) -> list[Group]:
    """Return the groups of a functional or sequential Keras 3 model whose channels no excluded layer computes.

    Args:
        model: the model.
        exclude: names or paths of layers whose channels stay, ``*`` and ``?`` standing for what file names let them;
            one that fits no layer excludes nothing.

    Raises:
        ConversionError: the model is subclassed, or one of tf_keras.
        InputError: it was never built.
    """
    return [
        group
        for group in find_groups(model)
        if not any(_fits(part.layer, pattern) for part in group.produces for pattern in exclude)
    ]


def check_candidates(model: Any, exclude: Sequence[str], name: str) -> list[Group]:
    """Return `candidates` of a model that messages call ``name``.

    Raises:
        InputError: there are none, or an excluded layer does not exist; or as `candidates`.
        ConversionError: as `candidates`.
    """
    paths = list(layers_by_path(model))
    for pattern in exclude:
        if not any(_fits(path, pattern) for path in paths):
            raise InputError(f"there is no layer {pattern!r} to exclude in {name}; expected one of {_list(paths)}")
    found = candidates(model, exclude)
    if not found:
        reasons = list(dict.fromkeys(unprunable(model).values()))
        if exclude and find_groups(model):
            reasons = [f"'exclude' is {list(exclude)}"]
        raise InputError(
            f"there is nothing to prune in {name}: no channels between its inputs and its outputs can go"
            + (f" ({'; '.join(reasons[:_LISTED])})" if reasons else "")
        )
    return found


def _fits(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern) or fnmatchcase(path.rpartition("/")[2], pattern)


def _list(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_LISTED]) + (f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else "")
