"""Where data come from: streams, functions, files that do not fit in memory; and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.converter import data as data_sets
from midge.converter import data_sources, samples
from midge.converter.data import Dataset, bind
from midge.converter.data_sources import read
from midge.converter.samples import Samples
from midge.converter.tensor_spec import TensorSpec
from midge.runtime.errors import DataError

VECTOR = TensorSpec("vector", (3,), "float32")


def bound(source: Any, folder: Path, scale: float = 1.0) -> Dataset:
    return bind(read(source, "training", folder), "training", (VECTOR,), scale)


def pairs(count: int) -> Iterator[tuple[np.ndarray, int]]:
    for i in range(count):
        yield np.full(3, i, np.float32), i % 2


def batches(*sizes: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for number, size in enumerate(sizes):
        yield np.full((size, 3), number, np.float32), np.full(size, number)


def test_a_generator_of_samples_is_read_sample_by_sample(tmp_path: Path) -> None:
    data = bound(pairs(5), tmp_path / "spool")

    assert np.asarray(data.inputs[0]).tolist() == [[i] * 3 for i in range(5)]
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("sizes", [(2, 2, 2), (4, 4, 1)])
def test_a_generator_of_batches_is_read_as_samples(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    data = bound(batches(*sizes), tmp_path / "spool")

    wanted = [number for number, size in enumerate(sizes) for _ in range(size)]
    assert [row[0] for row in np.asarray(data.inputs[0])] == wanted
    assert data.labels is not None
    assert data.labels.tolist() == wanted


def test_a_function_may_return_any_other_source(tmp_path: Path) -> None:
    assert len(bound(lambda: pairs(4), tmp_path / "a")) == 4
    assert len(bound(lambda: {"x": np.ones((2, 3))}, tmp_path / "b")) == 2


def test_a_named_function_is_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_data.py").write_text(
        "import numpy\ndef load():\n    return numpy.ones((6, 3)), numpy.ones(6)\n"
    )
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)

    assert len(bound("my_own_data:load", tmp_path / "spool")) == 6
    assert sys.path == path
    with pytest.raises(DataError, match="has no function 'save'"):
        read("my_own_data:save", "training")
    with pytest.raises(DataError, match=r"importing no_such_module_here failed: ModuleNotFoundError"):
        read("no_such_module_here:load", "training")


def test_an_error_in_a_users_code_is_said_in_one_line(tmp_path: Path) -> None:
    def fail() -> Any:
        yield np.ones(3)
        raise OSError("the disk is gone\nand more")

    with pytest.raises(DataError, match=r"stopped with OSError: the disk is gone$"):
        read(fail(), "training", tmp_path / "spool")


@pytest.mark.parametrize(
    ("elements", "complaint"),
    [
        ([], "no element"),
        ([(np.ones(3), 0, 1.0)], "3 parts"),
        ([np.ones(3), np.ones(4, np.float64).reshape(2, 2)], r"element 1 .* shape \(2, 2\)"),
        ([np.ones(3, np.float32), np.ones(3, np.float64)], "type float64"),
        ([{"x": np.ones(3)}, {"z": np.ones(3)}], "element 1 .* holds 'z'"),
        ([np.array(["a"])], "expected numbers"),
        ([np.array([1.0, np.nan, 1.0])], r"1 NaN or infinite values, the first at \(0, 1\)"),
    ],
)
def test_streams_that_make_no_data_set_are_refused(tmp_path: Path, elements: list[Any], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        read(iter(elements), "training", tmp_path / "spool")


def test_large_data_are_converted_as_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_sources, "LARGE", 100)
    monkeypatch.setattr(data_sets, "IN_MEMORY", 100)
    monkeypatch.setattr(samples, "CHUNK", 64)
    file = tmp_path / "data.npz"
    values = np.arange(300, dtype=np.uint8).reshape(100, 3)
    np.savez_compressed(file, x=values, y=np.arange(100))
    data = bound(file, tmp_path / "spool", scale=0.5)

    assert isinstance(data.inputs[0], Samples)
    np.testing.assert_array_equal(np.asarray(data.inputs[0]), values.astype(np.float32) * np.float32(0.5))
    np.testing.assert_array_equal(data.first(3).inputs[0], values[[0, 50, 99]].astype(np.float32) / 2)
    seen = np.concatenate([inputs[0] for inputs, _ in data.batches(7, order=(1, 2))])
    assert sorted(seen[:, 0].tolist()) == sorted((values[:, 0] / 2).tolist())


def test_values_beyond_a_chunk_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "CHUNK", 64)
    values = np.zeros((100, 3))
    values[77, 1] = np.inf

    with pytest.raises(DataError, match=r"1 NaN or infinite values, the first at \(77, 1\)"):
        read(values, "training")


def test_batches_are_shuffled_by_seed_and_epoch() -> None:
    data = bind(read(np.arange(30.0).reshape(10, 3), "training"), "training", (VECTOR,))

    def order(seed: int, epoch: int) -> list[float]:
        return [float(row[0]) for inputs, _ in data.batches(4, (seed, epoch)) for row in inputs[0]]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert sorted(order(2, 5)) == [3.0 * i for i in range(10)]
