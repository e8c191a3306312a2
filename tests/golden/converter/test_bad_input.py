"""Bad input to recipes that train: one error that says what is wrong, before anything is trained or written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter import convert
from midge.converter.job import Job, Outcome
from midge.converter.recipe import load_recipe, recipe_names
from midge.runtime.errors import DataError, Error, InputError
from midge.tools import cli

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

DIGITS = Path(__file__).parents[3] / "examples" / "digits" / "digits.keras"
IMAGES = np.random.default_rng(0).random((12, 8, 8, 1), np.float32)
LABELS = np.arange(12) % 10
TRAINING = ("prune50_int8", "distill_int8", "sparse75_int8", "cluster16_int8", "qat_int8")
BEFORE_WORK = {"starting TensorFlow", "loading the model"}
INT8 = '[[steps]]\nkind = "quantize"\nweights = "int8"\nactivations = "int8"\ninterface = "int8"\n'


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do a conversion's work in this process: it would take seconds to start another each time."""
    from midge.converter.worker import work

    def run_job(job: Job, folder: Path, progress: Callable[[str], None] | None) -> Outcome:
        return work(job, folder, progress or (lambda stage: None))

    monkeypatch.setattr("midge.converter.prepare.run_job", run_job)


def refuse(kind: type[Error], complaint: str, folder: Path, model: Any, recipe: Any, **data: Any) -> None:
    """Convert, and see that it ends before any work that takes long."""
    stages: list[str] = []
    before = sorted(folder.rglob("*"))
    with pytest.raises(kind, match=complaint):
        convert(model, recipe, output=folder / "out.tflite", work=folder / "work", progress=stages.append, **data)

    assert set(stages) <= BEFORE_WORK
    assert sorted(folder.rglob("*")) == before


def recipe_file(folder: Path, steps: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(f'schema = 1\nname = "mine"\nsummary = ""\n\n{steps}\n{INT8}')
    return path


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("recipe", TRAINING)
def test_labels_out_of_range(recipe: str, tmp_path: Path) -> None:
    wrong = LABELS.copy()
    wrong[5] = 10
    complaint = "labels in the training data must be whole numbers from 0 to 9.*found 10 at 5"
    refuse(DataError, complaint, tmp_path, DIGITS, recipe, train=(IMAGES, wrong), calibration=IMAGES)


@pytest.mark.usefixtures("in_process")
def test_labels_of_calibration_data_that_stand_in_for_training_data(tmp_path: Path) -> None:
    complaint = "labels in the calibration data must be whole numbers from 0 to 9.*found 1.5 at 0"
    refuse(DataError, complaint, tmp_path, DIGITS, "sparse75_int8", calibration=(IMAGES, LABELS + 1.5))


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("recipe", TRAINING)
def test_training_samples_of_another_shape(recipe: str, tmp_path: Path) -> None:
    complaint = r"'x' in the training data has shape \(12, 8, 8\); input .* expects \(samples, 8, 8, 1\)"
    refuse(DataError, complaint, tmp_path, DIGITS, recipe, train=(IMAGES[..., 0], LABELS), calibration=IMAGES)


@pytest.mark.usefixtures("in_process")
def test_labels_of_another_shape_or_number(tmp_path: Path) -> None:
    shape = r"labels in the training data have shape \(12, 3\).*expects class numbers of shape \(12,\)"
    refuse(DataError, shape, tmp_path, DIGITS, "qat_int8", train=(IMAGES, np.eye(12, 3)), calibration=IMAGES)
    number = "the training data holds 7 labels for 12 samples"
    refuse(DataError, number, tmp_path, DIGITS, "qat_int8", train=(IMAGES, LABELS[:7]), calibration=IMAGES)


@pytest.mark.parametrize("role", ["train", "calibration"])
@pytest.mark.parametrize(
    ("data", "complaint"),
    [(IMAGES[:0], r"is empty \(shape \(0, 8, 8, 1\)\)"), (np.where(IMAGES > 0.5, np.nan, IMAGES), "holds .* NaN")],
)
def test_empty_and_nan_data_are_refused_before_tensorflow_starts(
    role: str, data: Any, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midge.converter.prepare.run_job", None)
    both = {"train": (IMAGES, LABELS), "calibration": IMAGES} | {role: data}
    refuse(DataError, complaint, tmp_path, DIGITS, "distill_int8", **both)


def test_a_recipe_that_trains_without_any_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midge.converter.prepare.run_job", None)
    path = tmp_path / "mine.toml"
    path.write_text('schema = 1\nname = "mine"\nsummary = ""\n[[steps]]\nkind = "sparsify"\nsparsity = 0.5\n')
    refuse(DataError, "the recipe mine trains and needs data.*--train FILE.npz", tmp_path, DIGITS, path)


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ('[[steps]]\nkind = "squeeze"', "squeeze"),
        ('[[steps]]\nkind = "sparsify"', "sparsity"),
        ('[[steps]]\nkind = "distill"\nwidht = 0.5', "widht"),
        ('[[steps]]\nkind = "prune"\nremove = 0.5\n[steps.training]\nepoch = 3', "epoch"),
        ('[[steps]]\nkind = "prune"\nremove = "half"', r"\$.steps\[0\].remove"),
        ('[[steps]]\nkind = "prune"\nremove = 1.5', "remove must be 0 or more and below 1, found 1.5"),
        ('[[steps]]\nkind = "distill"\nwidth = 0.0', "width must be above 0"),
        ('[[steps]]\nkind = "sparsify"\nsparsity = 0.75\npattern = "2:4"', "makes 0.5 of the weights zero"),
        ('[[steps]]\nkind = "sparsify"\nsparsity = 0.75\npattern = "some"', 'must be "unstructured", "N:M"'),
        ('[[steps]]\nkind = "sparsify"\nsparsity = 0.5\n[steps.training]\nepochs = -1', "epochs must be 0 or more"),
        ('[[steps]]\nkind = "qat"', "steps must be in this order"),
    ],
)
def test_unknown_keys_and_values_out_of_range_in_a_recipe(
    steps: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midge.converter.prepare.run_job", None)
    path = recipe_file(tmp_path, steps)
    refuse(InputError, f"mine.toml is not a recipe: .*{complaint}", tmp_path, DIGITS, path, calibration=IMAGES)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ('[[steps]]\nkind = "prune"\nremove = 0.5\nexclude = ["conv9"]', "there is no layer 'conv9' to exclude"),
        ('[[steps]]\nkind = "prune"\nremove = 0.5\nexclude = ["*"]', "there is nothing to prune"),
        ('[[steps]]\nkind = "sparsify"\nsparsity = 0.5\nlayers = ["conv9"]', "no layer 'conv9' .* can be made sparse"),
        ('[[steps]]\nkind = "sparsify"\nsparsity = 0.5\nexclude = ["*"]', "there is nothing to make sparse"),
        ('[[steps]]\nkind = "distill"\nstudent = "gone.keras"', "gone.keras: No such file"),
    ],
)
def test_layers_that_a_step_cannot_change(steps: str, complaint: str, tmp_path: Path) -> None:
    path = recipe_file(tmp_path, steps)
    refuse(InputError, complaint, tmp_path, DIGITS, path, train=(IMAGES, LABELS), calibration=IMAGES)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("recipe", "complaint"),
    [("prune50_int8", "nothing to prune"), ("distill_int8", "no student can be derived")],
)
def test_a_network_whose_channels_are_all_inputs_and_outputs(recipe: str, complaint: str, tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(10, "softmax")])
    samples = IMAGES[:, 0, :6, 0]
    refuse(InputError, complaint, tmp_path, model, recipe, train=(samples, LABELS), calibration=samples)


@pytest.mark.usefixtures("in_process")
def test_a_student_of_other_inputs(tmp_path: Path) -> None:
    import keras

    student = keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    student.save(tmp_path / "student.keras")
    path = recipe_file(tmp_path, f'[[steps]]\nkind = "distill"\nstudent = "{tmp_path / "student.keras"}"')
    complaint = r"the inputs of the student .*\[9, 9, 1\].*expected those of its teacher.*\[8, 8, 1\]"
    refuse(InputError, complaint, tmp_path, DIGITS, path, train=(IMAGES, LABELS), calibration=IMAGES)


def test_on_the_command_line_it_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "train.npz", x=IMAGES, y=LABELS + 7)
    before = sorted(tmp_path.rglob("*"))
    arguments = ["convert", DIGITS, "-o", tmp_path / "out.tflite", "--recipe", "distill_int8"]
    data = ["--train", tmp_path / "train.npz", "--calibration", tmp_path / "train.npz"]
    code = cli.run([str(argument) for argument in (*arguments, *data)])
    lines = [line for line in capfd.readouterr().err.splitlines() if line and line not in BEFORE_WORK]

    assert code == 2
    assert "must be whole numbers from 0 to 9" in lines[-1]
    assert not any("epoch" in line or "Traceback" in line for line in lines)
    assert sorted(tmp_path.rglob("*")) == before


def test_every_kind_of_step_that_trains_is_tried_here() -> None:
    def kinds(recipes: Iterable[str]) -> set[type]:
        return {type(step) for name in recipes for step in load_recipe(name).steps if step.needs_training}

    assert kinds(TRAINING) == kinds(recipe_names())
