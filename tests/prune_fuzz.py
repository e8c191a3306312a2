"""Pruning random networks, as many as you like.

    python tests/prune_fuzz.py --count 200 [--first 0] [--convert]

Every network of `random_networks` has to keep its outputs bit for bit when nothing is removed, and up to the order of
additions when channels are removed that nothing reads, or that are zero from end to end; every residual branch can be
removed; and, with `--convert`, what is left after random channels are removed becomes a `.tflite` file that computes
what Keras does. A network that TensorFlow's converter refuses unpruned too (GELU in front of ReLU, say) is counted
apart, and another one is tried in its place.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from midge.converter.job import TFLITE_FILE, Job
from midge.converter.prune import Group, Slice, find_blocks, find_groups, remove_blocks, remove_channels
from midge.converter.prune.keras_graph import functional, variables
from midge.converter.recipe import load_recipe
from midge.runtime.errors import ConversionError

# Against the largest output, or 1 where that is smaller: other widths sum in another order.
TOLERANCE = 1e-5


@dataclass
class Figures:
    """What was checked, summed over networks."""

    networks: int = 0
    inexpressible: int = 0
    groups: int = 0
    blocks: int = 0
    parameters: int = 0
    left: int = 0
    worst: float = 0.0
    steps: Counter[str] = field(default_factory=Counter)


def outputs_of(model: Any, inputs: Mapping[str, Any]) -> list[np.ndarray]:
    """Run a model on inputs in the order of ``model.inputs``; the outputs in the order of ``model.outputs``."""
    import keras

    structure = functional(model).input
    return [
        np.asarray(o) for o in keras.tree.flatten(model(keras.tree.pack_sequence_as(structure, [*inputs.values()])))
    ]


def check(seed: int, figures: Figures, folder: Path | None) -> None:
    """Check network ``seed``; with a folder for its files, the conversion too.

    Raises:
        AssertionError: A property does not hold.
    """
    import keras
    from random_networks import build, samples

    keras.backend.clear_session()
    model, steps = build(seed)
    inputs = samples(model, 2)
    expected = outputs_of(model, inputs)
    groups = find_groups(model)
    chooser = random.Random(seed)
    keep = {g.name: sorted(chooser.sample(range(g.size), chooser.randrange(1, g.size + 1))) for g in groups}

    same = remove_channels(model, {g.name: range(g.size) for g in groups})
    assert type(same) is type(model)
    assert [layer.name for layer in same.layers] == [layer.name for layer in model.layers]
    for a, b in zip(expected, outputs_of(same, inputs), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)

    for kind in ("consumes", "produces"):
        moved = removal_error(model, groups, kind, keep, inputs)
        assert moved <= TOLERANCE, f"outputs move by {moved:.2g} of the largest without what is zero ({kind})"
        figures.worst = max(figures.worst, moved)
    for block in find_blocks(model):
        outputs_of(remove_blocks(model, [block.name]), inputs)
        figures.blocks += 1

    pruned = remove_channels(model, keep)
    if folder is not None and not _converts(pruned, model, folder):
        figures.inexpressible += 1
        return
    figures.networks += 1
    figures.groups += len(groups)
    figures.parameters += model.count_params()
    figures.left += pruned.count_params()
    figures.steps.update(set(steps))


def removal_error(
    model: Any, groups: Sequence[Group], kind: str, keep: Mapping[str, Sequence[int]], inputs: Mapping[str, Any]
) -> float:
    """Zero what computes (``produces``) or reads (``consumes``) channels, then remove them; how far outputs move."""
    before = model.get_weights()
    slices = variables(model)
    for group in groups:
        gone = [k for k in range(group.size) if k not in keep[group.name]]
        for part in getattr(group, kind):
            _zero(slices[part.layer, part.variable], part, gone)
    expected = outputs_of(model, inputs)
    found = outputs_of(remove_channels(model, keep), inputs)
    model.set_weights(before)
    return max(float(np.abs(a - b).max() / max(1.0, np.abs(a).max())) for a, b in zip(expected, found, strict=True))


def _zero(variable: Any, part: Slice, channels: Sequence[int]) -> None:
    value = np.array(variable)
    positions = [p for k in channels for p in part.positions[k]]
    np.moveaxis(value, part.axis, 0)[positions] = 0
    variable.assign(value)


def _converts(pruned: Any, model: Any, folder: Path) -> bool:
    """Check that what is left converts and computes the same; False where the whole network does not convert."""
    from random_networks import samples

    from midge.converter.interpreter import Interpreter

    try:
        _convert(pruned, folder)
    except ConversionError as error:
        try:
            _convert(model, folder)
        except ConversionError:
            return False
        raise AssertionError("the whole network converts, what is left of it does not") from error
    inputs = samples(pruned, 2)
    found = Interpreter((folder / TFLITE_FILE).read_bytes()).run(list(inputs.values()))
    for a, b in zip(outputs_of(pruned, inputs), found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(a).max())))
    return True


def _convert(model: Any, folder: Path) -> None:
    from midge.converter.worker import work

    path = folder / "model.keras"
    model.save(path)
    work(Job(model=str(path), name=path.name, recipe=load_recipe("float32")), folder, lambda stage: None)


def main() -> int:
    """Run the chosen networks and print what was checked; 1 if anything fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="networks (default 200)")
    parser.add_argument("--first", type=int, default=0, help="number of the first network (default 0)")
    parser.add_argument("--convert", action="store_true", help="convert what is left of each, too")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    figures, failed = Figures(), 0
    for seed in itertools.count(arguments.first):
        if figures.networks + failed >= arguments.count:
            break
        try:
            with tempfile.TemporaryDirectory() as folder:
                check(seed, figures, Path(folder) if arguments.convert else None)
        except Exception:
            failed += 1
            print(f"network {seed}:\n{traceback.format_exc(limit=-3)}", file=sys.stderr)
    print(f"{figures.networks} networks held, {failed} failed; {figures.groups} groups, {figures.blocks} blocks")
    print(f"{figures.inexpressible} more that no .tflite file expresses, pruned or not")
    print(f"{figures.parameters} parameters, {figures.left} left; outputs moved by at most {figures.worst:.2g}")
    print(" ".join(f"{name} {count}" for name, count in figures.steps.most_common()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
