"""Data sets: what is accepted, in which units, and what is refused before any work begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter.data import Dataset, bind, check_units, stand_in
from midge.converter.data_sources import read
from midge.converter.tensor_spec import TensorSpec
from midge.runtime.errors import DataError

IMAGE = TensorSpec("image", (2, 2, 1), "float32")
EXTRA = TensorSpec("extra", (3,), "float32")
TOKENS = TensorSpec("tokens", (4,), "int32")


def images(count: int = 5) -> Any:
    return np.arange(count * 4, dtype=np.uint8).reshape(count, 2, 2, 1)


def bound(arrays: Any, *inputs: TensorSpec, scale: float = 1.0, offset: float = 0.0) -> Dataset:
    return bind(read(arrays, "calibration"), "calibration", inputs or (IMAGE,), scale, offset)


@pytest.mark.parametrize("key", ["x", "images", "specs", "image"])
def test_a_single_input_goes_by_its_synonyms_or_its_name(key: str) -> None:
    assert len(bound({key: images()})) == 5


@pytest.mark.parametrize("key", ["y", "labels"])
def test_labels_go_by_their_synonyms(key: str) -> None:
    labels = bound({"x": images(), key: np.arange(5)}).labels

    assert labels is not None
    assert labels.tolist() == [0, 1, 2, 3, 4]


def test_a_file_an_array_a_pair_and_a_dict_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "data.npz"
    np.savez(file, images=images(), labels=np.arange(5))
    forms = (file, str(file), {"x": images(), "y": np.arange(5)}, (images(), np.arange(5)))

    for form in forms:
        data = bound(form)
        assert (data.inputs[0] == images()).all()
        assert data.labels is not None
    assert bound(images()).labels is None


def test_values_are_scaled_and_then_shifted() -> None:
    """255 * (1 / 255) - 0.5 is 0.5, and the type is the network's."""
    data = bound(np.full((1, 2, 2, 1), 255, np.uint8), scale=1 / 255, offset=-0.5)

    assert data.inputs[0].dtype == np.float32
    assert (data.inputs[0] == 0.5).all()


def test_an_array_of_one_samples_shape_is_one_sample() -> None:
    assert bound(np.zeros((2, 2, 1))).inputs[0].shape == (1, 2, 2, 1)


def test_several_inputs_go_by_their_names_only() -> None:
    data = bound({"extra": np.ones((5, 3)), "image": images()}, IMAGE, EXTRA)

    assert [array.shape for array in data.inputs] == [(5, 2, 2, 1), (5, 3)]
    with pytest.raises(DataError, match=r"no array for input 'extra': expected 'extra', found 'image', 'x'"):
        bound({"image": images(), "x": np.ones((5, 3))}, IMAGE, EXTRA)


def test_integer_inputs_take_whole_numbers_of_their_range_unscaled() -> None:
    assert bound(np.full((1, 4), 7.0), TOKENS).inputs[0].dtype == np.int32
    with pytest.raises(DataError, match="fractions"):
        bound(np.full((1, 4), 7.5), TOKENS)
    with pytest.raises(DataError, match="range of int32"):
        bound(np.full((1, 4), 2**31), TOKENS)
    with pytest.raises(DataError, match="scale"):
        bound(np.full((1, 4), 7), TOKENS, scale=2.0)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({}, "no arrays"),
        ({"x": np.zeros((0, 2, 2, 1))}, r"'x' in the calibration data is empty \(shape \(0, 2, 2, 1\)\)"),
        ({"x": np.full((3, 2, 2, 1), np.nan)}, r"12 NaN or infinite values, the first at \(0, 0, 0, 0\)"),
        ({"x": np.array([[[[1.0], [2.0]], [[3.0], [-np.inf]]]])}, r"1 NaN or infinite values.*\(0, 1, 1, 0\)"),
        ({"x": np.full((1, 2, 2, 1), "cat")}, "expected numbers"),
        ({"x": np.zeros((5, 2, 3, 1))}, r"shape \(5, 2, 3, 1\); input 'image' expects \(samples, 2, 2, 1\)"),
        ({"x": np.zeros((5, 2, 2))}, r"expects \(samples, 2, 2, 1\)"),
        ({"y": np.zeros(5)}, r"no array for input 'image': expected 'x' or 'images' or 'specs' or 'image', found 'y'"),
        ({"x": images(), "y": np.zeros(4)}, "4 labels for 5 samples"),
        ({"x": np.full((1, 2, 2, 1), 1e300)}, "range of float32"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_wrong_data_is_refused_with_what_was_expected(arrays: Any, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        bound(arrays)


def test_inputs_must_have_the_same_number_of_samples() -> None:
    with pytest.raises(DataError, match="'image' 5, 'extra' 4"):
        bound({"image": images(), "extra": np.ones((4, 3))}, IMAGE, EXTRA)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04broken", b"\x93NUMPY"])
def test_files_that_are_no_archives_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "broken.npz"
    file.write_bytes(content)

    with pytest.raises(DataError, match=r"calibration data .*broken\.npz"):
        read(file, "calibration")


def test_damaged_archives_are_refused_by_name(tmp_path: Path) -> None:
    """A flipped byte anywhere in the file gives our error or is harmless, never another exception."""
    file = tmp_path / "data.npz"
    np.savez_compressed(file, x=images(), y=np.arange(5))
    whole = file.read_bytes()
    for position in range(len(whole)):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            read(file, "calibration")
        except DataError as error:
            assert "calibration" in str(error)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    """Unpickling would run code from the file."""
    file = tmp_path / "objects.npz"
    np.savez(file, x=np.array([{}], dtype=object))

    with pytest.raises(DataError, match=r"objects\.npz"):
        read(file, "calibration")


def test_a_missing_file_and_a_single_array_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read(tmp_path / "gone.npz", "training")
    np.save(tmp_path / "one.npy", images())
    with pytest.raises(DataError, match=r"single \.npy array"):
        read(tmp_path / "one.npy", "training")


@pytest.mark.parametrize(
    ("scale", "offset"), [(0.0, 0.0), (float("nan"), 0.0), (float("inf"), 0.0), (1.0, float("nan"))]
)
def test_units_must_be_finite_and_the_scale_not_zero(scale: float, offset: float) -> None:
    with pytest.raises(DataError, match="finite"):
        check_units(scale, offset)


def test_part_of_a_set_is_spread_over_all_of_it() -> None:
    """Three of five samples, evenly: the first, the middle and the last."""
    part = bound((images(), np.arange(5))).first(3)

    assert part.labels is not None
    assert part.labels.tolist() == [0, 2, 4]


def test_random_samples_are_the_same_for_the_same_seed() -> None:
    one, two, other = (stand_in((IMAGE, TOKENS), 4, seed) for seed in (1, 1, 2))

    assert all((a == b).all() for a, b in zip(one.inputs, two.inputs, strict=True))
    assert (one.inputs[0] != other.inputs[0]).any()
