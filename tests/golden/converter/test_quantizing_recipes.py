"""The recipes that quantize after training, as the worker runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import midge
from midge.converter.job import TFLITE_FILE, Job, Outcome
from midge.converter.recipe import load_recipe
from midge.converter.worker import work
from midge.runtime.errors import ConversionError

# TensorFlow and its friends use what NumPy and Python are about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def convert(model: Any, recipe: str, folder: Path) -> tuple[Path, Outcome, list[str]]:
    """Do what the worker does, for one recipe."""
    from keras_networks import samples

    path, data, stages = folder / "model.keras", folder / "calibration.npz", list[str]()
    model.save(path)
    np.savez(data, **samples(model, 48))
    options: dict[str, Any] = {
        "train": None,
        "evaluate": None,
        "input_scale": 1.0,
        "input_offset": 0.0,
        "seed": 0,
    }
    job = Job(model=str(path), name=path.name, recipe=load_recipe(recipe), calibration=str(data), **options)
    return folder / TFLITE_FILE, work(job, folder, stages.append), stages


def unknown_to_the_rules() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((8,), name="x"), keras.layers.Dense(8, "gelu"), keras.layers.Dense(3, "softmax")]
    )


def test_an_operator_without_a_rule_leaves_int8_to_tensorflow_and_says_so(tmp_path: Path) -> None:
    path, outcome, stages = convert(unknown_to_the_rules(), "int8", tmp_path)

    assert path.stat().st_size > 0
    (note,) = outcome.notes
    assert note["kind"] == "fallback" and "GELU" in note["reason"]
    assert any("TensorFlow's quantizer" in stage and "GELU" in stage for stage in stages)


@pytest.mark.parametrize("recipe", ["int4", "mixed"])
def test_an_operator_without_a_rule_has_no_four_bits(recipe: str, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"GELU.*use the recipe int8"):
        convert(unknown_to_the_rules(), recipe, tmp_path)


def test_mixed_precision_reports_every_layer_and_its_file_runs(tmp_path: Path) -> None:
    from keras_networks import build, samples

    model = build("vgg")
    inputs = samples(model, 16)["x"]
    expected = np.asarray(model(inputs))

    path, outcome, _ = convert(model, "mixed", tmp_path)

    loaded = midge.load(path)
    found = (loaded.run(inputs)[0].astype(np.float64) + 128) / 256
    (note,) = outcome.notes
    assert note["kind"] == "sensitivity" and note["loss"] <= note["loss_int8"] + note["budget"]
    assert [layer["op"] for layer in note["layers"]] == 4 * ["CONV_2D"] + 2 * ["FULLY_CONNECTED"]
    assert {layer["bits"] for layer in note["layers"]} <= {4, 8}
    names = {layer.name for layer in model.layers}
    assert all(layer["name"] in names for layer in note["layers"])
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.2 * expected.std()
