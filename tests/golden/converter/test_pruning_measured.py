"""Pruning to a share of what the board was measured to need: built results keep to it, and nothing more goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter import Recipe, convert, load_recipe
from midge.converter.cost import check_measurable, measure_cost
from midge.converter.steps import Prune
from midge.converter.steps.step import Training
from midge.runtime.board import load_board
from midge.runtime.errors import InputError, MissingToolError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

BOARD = "mps2-an386"
DIGITS = Path(__file__).parents[3] / "examples" / "digits"


@pytest.fixture(autouse=True)
def measurable() -> None:
    try:
        check_measurable(load_board(BOARD))
    except MissingToolError as error:
        pytest.skip(str(error))


def test_a_built_result_runs_in_the_share_of_instructions_and_in_little_less(tmp_path: Path) -> None:
    """Widths are multiples of 4, of which few channels have many: that is how far below the share it may end."""
    (int8,) = load_recipe("int8").steps
    step = Prune(remove=0.3, budget="instructions", board=BOARD, rounds=1, training=Training(epochs=1))
    recipe = Recipe(1, "smaller", "70 % of the instructions.", (step, int8))
    model, samples = DIGITS / "digits.keras", DIGITS / "calibration.npz"

    plain = convert(model, "int8", output=tmp_path / "int8.tflite", calibration=samples)
    result = convert(model, recipe, output=tmp_path / "smaller.tflite", calibration=samples)
    before, after = (measure_cost(Path(made.output), BOARD).instructions for made in (plain, result))

    assert 0.55 * before <= after <= 0.7 * before
    (note,) = json.loads((tmp_path / "smaller.report.json").read_text())["result"]["steps"]
    assert (note["kind"], note["budget"], note["board"]) == ("prune", "instructions", BOARD)
    assert set(note["before"]) == set(note["after"]) == {"macs", "parameters", "instructions", "ram", "flash"}
    assert note["after"]["instructions"] <= 0.7 * note["before"]["instructions"]
    assert any(group["after"] < group["before"] for group in note["groups"])


def recurrent() -> tuple[Any, Any, Any]:
    import keras

    from midge.converter.live_context import live_context

    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    layers = [keras.Input((6, 8), name="rows"), keras.layers.GRU(32), keras.layers.Dense(4, "softmax")]
    model = keras.Sequential(layers)
    samples = np.random.default_rng(0).normal(size=(32, 6, 8)).astype(np.float32)
    return model, *live_context(model, samples, 0, None)


def test_a_recurrent_network_keeps_to_a_share_of_instructions() -> None:
    from midge.converter.prune.measured import measure
    from midge.converter.prune.schedule import run

    model, state, context = recurrent()
    step = Prune(remove=0.4, budget="instructions", board=BOARD, rounds=1, training=Training(epochs=0))
    smaller = run(step, state, context).network.keras_model
    before, after = (measure(one, BOARD, context).instructions for one in (model, smaller))

    assert 0.45 * before <= after <= 0.6 * before


def test_a_share_that_no_width_reaches_is_refused_with_the_most_that_can_go_before_any_training() -> None:
    """The input alone is much of the RAM of a network this small."""
    from midge.converter.prune.schedule import run

    _, state, context = recurrent()
    with pytest.raises(InputError, match=r"95% of the ram of .* cannot be removed: at most [0-9.]+ % can"):
        run(Prune(remove=0.95, budget="ram", board=BOARD, least=0.2), state, context)
    assert context.notes == []
