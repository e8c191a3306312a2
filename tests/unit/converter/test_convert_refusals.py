"""What `convert` refuses at once: no process is started, no file is left."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter import convert, process
from midge.converter.job import Job
from midge.converter.keras_config import drop_legacy_arguments, refuse_code
from midge.converter.recipe import load_recipe
from midge.runtime.errors import ConversionError, DataError, Error, InputError, MissingToolError

DATA = np.zeros((2, 4), np.float32)


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal that comes too late fails the test."""

    def run_job(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr("midge.converter.prepare.run_job", run_job)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The first bytes of a Keras file: enough to be taken for one."""
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04 and so on")
    return path


def refuse(kind: type[Error], complaint: str, tmp_path: Path, *arguments: Any, **options: Any) -> None:
    before = sorted(tmp_path.rglob("*"))
    options.setdefault("output", tmp_path / "out.tflite")
    with pytest.raises(kind, match=complaint):
        convert(*arguments, **options)

    assert sorted(tmp_path.rglob("*")) == before


def test_an_unknown_recipe(model: Path, tmp_path: Path) -> None:
    refuse(InputError, r"expected one of .*dynamic, .*int8", tmp_path, model, "int9", calibration=DATA)


def test_missing_calibration_data(model: Path, tmp_path: Path) -> None:
    refuse(DataError, "recipe int8 needs calibration data", tmp_path, model, train=DATA)


@pytest.mark.parametrize("role", ["train", "calibration", "evaluate"])
def test_bad_data_even_where_the_recipe_has_no_use_for_it(role: str, model: Path, tmp_path: Path) -> None:
    refuse(DataError, "NaN", tmp_path, model, "float32", **{role: DATA * np.nan})
    refuse(DataError, r"gone\.npz", tmp_path, model, "float32", **{role: tmp_path / "gone.npz"})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\x1c\0\0\0TFL3....", r"is a \.tflite file already"),
        (b"", r"neither a \.keras nor an \.h5 file; expected a \.keras"),
        (b"some text", r"neither a \.keras nor an \.h5"),
    ],
)
def test_files_that_are_no_keras_models(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)

    refuse(InputError, complaint, tmp_path, path, "float32")


def test_what_is_not_there_or_no_model(tmp_path: Path) -> None:
    refuse(
        InputError, r"cannot read the model .*gone\.keras: No such file", tmp_path, tmp_path / "gone.keras", "float32"
    )
    refuse(InputError, r"has no saved_model\.pb", tmp_path, tmp_path, "float32")
    refuse(InputError, r"found an object of type builtins\.int", tmp_path, 3, "float32")
    part = tmp_path / "saved_model.pb"
    part.write_bytes(b"\x08\x01")
    refuse(InputError, "one file of a SavedModel; give the directory", tmp_path, part, "float32")


def test_outputs_that_are_inputs(model: Path, tmp_path: Path) -> None:
    """The files beside the output count as outputs; links are followed."""
    link = tmp_path / "link.tflite"
    link.symlink_to(model)
    data = tmp_path / "out.report.json"
    np.savez(tmp_path / "a.npz", x=DATA)
    (tmp_path / "a.npz").rename(data)
    recipe = tmp_path / "r.tflite"
    recipe.write_bytes(load_recipe("float32").toml())

    refuse(InputError, "would overwrite the input", tmp_path, model, "float32", output=model)
    refuse(InputError, "would overwrite the input", tmp_path, model, "float32", output=link)
    refuse(InputError, "would overwrite the input", tmp_path, model, "float32", train=data)
    refuse(InputError, "would overwrite the recipe", tmp_path, model, recipe, output=recipe)


def test_outputs_inside_a_saved_model(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"\x08\x01")

    refuse(InputError, "would overwrite the input", tmp_path, folder, "float32", output=folder / "out.tflite")


def test_outputs_that_cannot_be(model: Path, tmp_path: Path) -> None:
    refuse(InputError, "is a directory", tmp_path, model, "float32", output=tmp_path)
    refuse(InputError, "does not exist", tmp_path, model, "float32", output=tmp_path / "no" / "out.tflite")


def test_units_that_cannot_be(model: Path, tmp_path: Path) -> None:
    refuse(DataError, "input scale must be finite", tmp_path, model, "float32", input_scale=0.0)


def test_a_missing_extra_names_the_way_to_install_it(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    refuse(MissingToolError, r"pip install midge\[convert\]", tmp_path, model, "float32")


def test_importing_the_converter_does_not_import_tensorflow() -> None:
    """Asked in a process of its own: other tests may have imported it here."""
    import subprocess

    code = "import sys, midge.converter; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_dead_process_is_explained_by_how_and_where_it_died() -> None:
    job = Job(model="/m.keras", name="m.keras", recipe=load_recipe("int8"))

    assert "crashed (SIGSEGV) while quantizing m.keras" in process.explain_death(-11, "quantizing", job)
    assert "out of memory" in process.explain_death(-9, "quantizing", job)
    assert "exit code 3" in process.explain_death(3, "quantizing", job)


def test_arguments_of_old_keras_go_only_with_their_neutral_value() -> None:
    def layer(groups: int) -> dict[str, Any]:
        return {"class_name": "DepthwiseConv2D", "config": {"name": "d", "groups": groups}}

    assert drop_legacy_arguments({"layers": [layer(1)]})["layers"][0]["config"] == {"name": "d"}
    assert drop_legacy_arguments({"layers": [layer(2)]}) == {"layers": [layer(2)]}
    conv = {"class_name": "Conv2D", "config": {"groups": 1}}
    assert drop_legacy_arguments(conv) == conv


def test_code_inside_a_model_file_is_not_run() -> None:
    config = {"config": {"layers": [{"class_name": "Lambda", "config": {"function": ["4wAAAA==", None, None]}}]}}

    with pytest.raises(ConversionError, match=r"m\.h5 holds a Lambda.*midge\.convert\(\)"):
        refuse_code(config, Path("m.h5"))
