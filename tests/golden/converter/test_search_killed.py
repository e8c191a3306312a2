"""A search on a real network, killed without warning: started again, it ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("unicorn", reason="needs midge[emulate]")

DIGITS = Path(__file__).parents[3] / "examples" / "digits"
SEARCH = """
import sys
import msgspec
from midge.converter.recipe import load_recipe
from midge.converter.search import fitting
from midge.converter.search.families import Family, untrained

def student(amount):
    recipe = load_recipe("distill_int8")
    teach, quantize = recipe.steps
    teach = msgspec.structs.replace(teach, width=0.5, training=msgspec.structs.replace(teach.training, epochs=3))
    return msgspec.structs.replace(recipe, name="student", steps=(teach, quantize))

table = Family("int8", lambda _: load_recipe("int8")), Family("student", student, untrained(student))
fitting.families = lambda: table
fitting.fit(
    "digits.keras", "instructions<=250000", "mps2-an386",
    output=sys.argv[1] + "/d.tflite", work=sys.argv[1] + "/work",
    calibration="calibration.npz", evaluate="test.npz", progress=lambda stage: print(stage, flush=True),
)
"""


def search(folder: Path, kill_at: str | None = None) -> Sequence[str]:
    """Search in a process of its own, which is killed when it comes to a stage; return the stages."""
    folder.mkdir(exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    stages = []
    with subprocess.Popen(
        [sys.executable, "-c", SEARCH, str(folder)],
        cwd=DIGITS,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            stages.append(line.strip())
            if kill_at is not None and kill_at in line:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == (0 if kill_at is None else -signal.SIGKILL)
    return stages


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("d.*"))}


def test_a_search_that_was_killed_between_and_within_trials_ends_with_the_same_answer(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole")
    search(tmp_path / "killed", "2: student_untrained: starting TensorFlow")
    search(tmp_path / "killed", "3: student: distilling: epoch 2 of 3")

    assert files(tmp_path / "killed") == {}
    resumed = search(tmp_path / "killed")
    assert any("going on after epoch" in stage for stage in resumed)
    begun = [stage for stage in resumed if "starting TensorFlow" in stage]
    assert begun == ["3: student: starting TensorFlow"]
    assert sum("starting TensorFlow" in stage for stage in whole) == 3
    answer = files(tmp_path / "whole")
    assert set(answer) == {"d.fit.svg", "d.recipe.toml", "d.report.json", "d.tflite"}
    names = str(tmp_path / "whole").encode(), str(tmp_path / "killed").encode()
    assert {name: content.replace(*names) for name, content in answer.items()} == files(tmp_path / "killed")
