"""Every form in which a model comes: old and new files, directories, live models with code of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter.job import Job
from midge.converter.live import save_live
from midge.converter.model_source import keras_of
from midge.converter.recipe import load_recipe
from midge.converter.worker import work
from midge.runtime.errors import ConversionError, DataError, InputError

# TensorFlow and its friends use what NumPy and Python are about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

INPUT = (5, 3)


def operators(path: Path, folder: Path, recipe: str = "int8", names: tuple[list[str], list[str]] = ([], [])) -> Any:
    """Convert in this process; the worker itself checks the exported network against the loaded one."""
    data = folder / "x.npz"
    np.savez(data, x=np.random.default_rng(0).normal(size=(16, *INPUT)))
    job = Job(
        model=str(path),
        name=path.name,
        recipe=load_recipe(recipe),
        calibration=str(data),
        input_names=names[0],
        output_names=names[1],
    )
    return work(job, folder, lambda stage: None).operators


def keras_net() -> Any:
    import keras

    return keras.Sequential([keras.Input(INPUT, name="x"), keras.layers.LSTM(4), keras.layers.Dense(2)])


def tf_keras_net() -> Any:
    import tf_keras

    layers = tf_keras.layers
    return tf_keras.Sequential([tf_keras.Input(INPUT, name="x"), layers.LSTM(4), layers.Dense(2)])


def keras_file(folder: Path) -> Path:
    keras_net().save(folder / "m.keras")
    return folder / "m.keras"


def keras_h5(folder: Path) -> Path:
    keras_net().save(folder / "m.h5")
    return folder / "m.h5"


def tf_keras_file(folder: Path) -> Path:
    tf_keras_net().save(folder / "m.keras")
    return folder / "m.keras"


def tf_keras_h5(folder: Path) -> Path:
    tf_keras_net().save(folder / "m.h5")
    return folder / "m.h5"


def tf_keras_directory(folder: Path) -> Path:
    tf_keras_net().save(folder / "m")
    return folder / "m"


@pytest.mark.parametrize("form", [keras_file, keras_h5, tf_keras_file, tf_keras_h5, tf_keras_directory])
def test_recurrent_layers_of_every_file_form_convert_without_a_loop(
    form: Callable[[Path], Path], tmp_path: Path
) -> None:
    counts = operators(form(tmp_path), tmp_path)

    assert "WHILE" not in counts
    assert counts["TANH"] == 2 * INPUT[0]


def test_a_loop_that_cannot_be_unrolled_is_refused(tmp_path: Path) -> None:
    """A SavedModel of Keras 3 is a graph without layers: nothing is left to unroll."""
    keras_net().export(tmp_path / "m", verbose=False)

    with pytest.raises(ConversionError, match=r"holds a loop.*unroll=True"):
        operators(tmp_path / "m", tmp_path)


def test_a_loop_is_refused_for_integers_before_tensorflow_dies_of_it(tmp_path: Path) -> None:
    """Keras cannot unroll a convolutional LSTM; in float it converts."""
    import keras

    images = keras.Sequential([keras.Input(INPUT), keras.layers.Reshape((5, 3, 1, 1)), keras.layers.ConvLSTM2D(2, 1)])
    images.save(tmp_path / "m.keras")

    with pytest.raises(ConversionError, match=r"m\.keras: the network holds a loop.*float32, float16 and dynamic work"):
        operators(tmp_path / "m.keras", tmp_path)
    assert "WHILE" in operators(tmp_path / "m.keras", tmp_path, "float32")


def test_a_saved_model_of_keras_3_converts(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input(INPUT), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.export(tmp_path / "m", verbose=False)

    assert operators(tmp_path / "m", tmp_path) == {"FULLY_CONNECTED": 1, "RESHAPE": 1}


def custom_layer() -> Any:
    import keras

    class Twice(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2 + 1

    return keras.Sequential([keras.Input(INPUT), Twice(), keras.layers.LSTM(2)])


def lambda_layer() -> Any:
    import keras

    return keras.Sequential([keras.Input(INPUT), keras.layers.Lambda(lambda x: x * 2), keras.layers.Flatten()])


def own_activation() -> Any:
    import keras

    return keras.Sequential([keras.Input(INPUT), keras.layers.Dense(2, activation=lambda x: x * x)])


def subclassed() -> Any:
    import keras

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    net = Net()
    net(np.zeros((1, *INPUT), np.float32))
    return net


@pytest.mark.parametrize("make", [custom_layer, lambda_layer, own_activation, subclassed])
def test_live_models_with_code_of_their_own_convert(make: Callable[[], Any], tmp_path: Path) -> None:
    """Their code stays in the user's process: what the other one gets is a graph."""
    model = make()

    path, *names = save_live(model, keras_of(model), tmp_path)

    assert path.is_dir()
    assert operators(path, tmp_path, names=(names[0], names[1]))


@pytest.mark.parametrize("make", [custom_layer, lambda_layer])
def test_files_with_code_of_their_own_point_to_the_live_way(make: Callable[[], Any], tmp_path: Path) -> None:
    import keras

    make().save(tmp_path / "m.keras")
    keras.saving.get_custom_objects().clear()

    with pytest.raises(ConversionError, match=r"m\.keras holds .*midge\.convert\(\)"):
        operators(tmp_path / "m.keras", tmp_path)


def test_models_that_cannot_be_fixed_in_shape_say_why(tmp_path: Path) -> None:
    import keras

    open_ended = keras.Sequential([keras.Input((None, 3)), keras.layers.GlobalAveragePooling1D()])
    stateful = keras.Sequential([keras.Input(batch_shape=(1, *INPUT)), keras.layers.GRU(2, stateful=True)])
    unbuilt = keras.Sequential([keras.layers.Dense(2)])

    for model, kind, complaint in (
        (open_ended, ConversionError, "every dimension but the batch must be known"),
        (stateful, ConversionError, "is stateful"),
        (unbuilt, InputError, "no input shape yet"),
    ):
        model.save(tmp_path / "m.keras")
        with pytest.raises(kind, match=complaint):
            operators(tmp_path / "m.keras", tmp_path)


def test_weights_without_an_architecture_are_refused(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input(INPUT), keras.layers.Dense(2)])
    model.save_weights(tmp_path / "m.weights.h5")

    with pytest.raises(InputError, match="weights only"):
        operators(tmp_path / "m.weights.h5", tmp_path)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"])
def test_damaged_files_are_refused_by_name(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_bytes(start + b"\0" * 100)

    with pytest.raises(InputError, match=r"m\.bin"):
        operators(tmp_path / "m.bin", tmp_path)


def test_mixed_precision_computes_in_float32(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input(INPUT), keras.layers.Dense(2, dtype="mixed_float16")])
    model.save(tmp_path / "m.keras")

    assert operators(tmp_path / "m.keras", tmp_path) == {"FULLY_CONNECTED": 1}


def test_a_network_that_gives_nan_is_refused(tmp_path: Path) -> None:
    """Its ranges mean nothing; TensorFlow would write a file all the same."""
    import keras

    model = keras.Sequential([keras.Input(INPUT), keras.layers.Dense(2)])
    model.set_weights([np.full((3, 2), np.nan), np.zeros(2)])
    model.save(tmp_path / "m.keras")

    with pytest.raises(DataError, match="is NaN or infinite on the calibration data"):
        operators(tmp_path / "m.keras", tmp_path)
