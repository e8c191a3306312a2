"""Pruning a live Keras model from Python. TensorFlow is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from midge.converter.steps import Prune
from midge.converter.steps.settings import settings
from midge.converter.steps.step import Training

if TYPE_CHECKING:
    from midge.converter.data_sources import Source


def prune(
    model: Any,
    train: Source,
    remove: float,
    *,
    budget: Literal["macs", "parameters", "instructions", "ram", "flash"] = "macs",
    board: str | None = None,
    importance: Literal["magnitude", "batch_norm", "taylor", "activation"] = "taylor",
    scope: Literal["global", "layer"] = "global",
    least: float | None = None,
    multiple_of: int = 4,
    exclude: Sequence[str] = (),
    blocks: bool = False,
    rounds: int | None = None,
    training: Training | None = None,
    seed: int = 0,
    say: Callable[[str], None] | None = None,
) -> Any:
    """Return a smaller Keras model that does what ``model`` does, trained again.

    Args:
        model: a functional or sequential Keras 3 model; it is left alone.
        train: samples in the model's units, with labels or without, in any form that `midge.convert` takes.
        remove: as all settings down to ``training``: see `midge.converter.steps.Prune`, whose defaults they have.
        budget: what ``remove`` is a share of.
        board: where instructions, RAM and flash are measured.
        importance: by which measure channels are judged.
        scope: "global" or "layer".
        least: share of its channels that every layer keeps at least.
        multiple_of: what widths are multiples of.
        exclude: names of layers whose channels stay.
        blocks: whether residual branches may go too.
        rounds: in how many steps.
        training: epochs and so on.
        seed: of all that is random.
        say: told each stage of the work.

    Raises:
        InputError: a setting is out of range, nothing can be removed, or not as much.
        ConversionError: the model has no graph of layers, or its training diverges.
        DataError: the data do not fit the model.
        Error: the model cannot be measured on the board.
    """
    step = settings(
        Prune,
        remove=remove,
        budget=budget,
        board=board,
        importance=importance,
        scope=scope,
        least=least,
        multiple_of=multiple_of,
        exclude=tuple(exclude),
        blocks=blocks,
        rounds=rounds,
        training=training,
    )
    from midge.converter.live_context import live_context
    from midge.converter.prune.schedule import check, run

    state, context = live_context(model, train, seed, say)
    check(step, state, context)
    return run(step, state, context).network.keras_model
