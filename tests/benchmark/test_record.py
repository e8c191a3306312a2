"""No figure is more than 1 % worse than in `record.json`, which `make_record.py` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from reference import INT8_MODELS, model_path

from midge.runtime.board import board_names, load_board
from midge.tools.bench import SHIPPED_MODELS, Row, make_cases, run_cases
from midge.tools.bench_record import Comparison, compare, read_record

pytest.importorskip("unicorn", reason="needs midge[emulate]")

RECORD = Path(__file__).parent / "record.json"
EMULATED = [name for name in board_names() if load_board(name).emulated]


def run_and_compare(models: Sequence[Path], board: str, mode: str) -> Comparison:
    """Measure models on a board; skip where nothing of them can be compared here, and say why."""
    rows = list(run_cases(make_cases(models, [board], None, [mode])))

    assert all(row.equal for row in rows if isinstance(row, Row))
    comparison = compare(read_record(RECORD, "record"), rows)
    if not comparison.compared:
        pytest.skip("; ".join(comparison.left_out))
    return comparison


@pytest.mark.parametrize("board", EMULATED)
def test_the_shipped_models_cost_no_more_than_the_record_says(board: str) -> None:
    models = sorted(SHIPPED_MODELS.glob("*.tflite"))

    assert run_and_compare(models, board, "default").worse == []


@pytest.mark.parametrize("mode", ["default", "size"])
@pytest.mark.parametrize("model", INT8_MODELS)
def test_the_reference_models_cost_no_more_on_a_cortex_m4(model: str, mode: str) -> None:
    assert run_and_compare([model_path(model)], "mps2-an386", mode).worse == []
