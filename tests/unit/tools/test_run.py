"""`midge run`, and the arrays it reads and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import midge as package

Midge = Callable[..., Any]


def save(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def test_outputs_are_those_of_the_python_api(midge: Midge, digits: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(5).random((7, 8, 8, 1), np.float32)
    outcome = midge("run", digits, "--input", save(tmp_path / "x.npy", x), "--output", tmp_path / "y.npy")

    assert outcome.code == 0 and outcome.out == ""
    (expected,) = package.load(digits).run(x)
    found = np.load(tmp_path / "y.npy")
    assert found.dtype == expected.dtype and (found == expected).all()


def test_one_sample_keeps_the_declared_shape(midge: Midge, digits: Path, tmp_path: Path) -> None:
    midge("run", digits, "--input", save(tmp_path / "x.npy", np.zeros((1, 8, 8, 1), np.int8)), "-o", tmp_path / "y.npy")

    assert np.load(tmp_path / "y.npy").shape == (1, 10)


def test_several_inputs_and_outputs_go_by_order_or_by_name(midge: Midge, two_of_each: Path, tmp_path: Path) -> None:
    """The model computes file = a + b and rest = a - b; an output may even be called `file`."""
    a, b = np.array([[1, 2, 3]], np.float32), np.array([[10, 20, 30]], np.float32)
    in_order = ("--input", save(tmp_path / "a.npy", a), "--input", save(tmp_path / "b.npy", b))
    np.savez(tmp_path / "ab.npz", b=b, a=a, labels=np.zeros(1))

    for inputs in (in_order, ("--input", tmp_path / "ab.npz")):
        outcome = midge("run", two_of_each, *inputs, "--output", tmp_path / "y.npz")
        assert outcome.code == 0, outcome.err
        with np.load(tmp_path / "y.npz") as written:
            assert set(written.files) == {"file", "rest"}
            assert (written["file"] == a + b).all() and (written["rest"] == a - b).all()


def test_without_output_a_summary_is_printed(midge: Midge, digits: Path, tmp_path: Path) -> None:
    outcome = midge("run", digits, "--input", save(tmp_path / "x.npy", np.zeros((3, 8, 8, 1), np.int8)))

    assert outcome.code == 0
    assert "digit: int8 3x10" in outcome.out


def test_json_holds_values_and_quantization(midge: Midge, digits: Path, tmp_path: Path) -> None:
    outcome = midge("run", digits, "--input", save(tmp_path / "x.npy", np.zeros((1, 8, 8, 1), np.int8)), "--json", "-")
    document = json.loads(outcome.out)

    assert document["schema"] == 1 and document["on"] == "host"
    (output,) = document["outputs"]
    assert output["values"] == package.load(digits).run(np.zeros((1, 8, 8, 1), np.int8))[0].tolist()


def test_not_a_number_is_text_in_json(midge: Midge, two_of_each: Path, tmp_path: Path) -> None:
    """JSON has no NaN."""
    np.savez(tmp_path / "ab.npz", a=np.array([[np.nan, 2, 1]], np.float32), b=np.zeros((1, 3), np.float32))
    outcome = midge("run", two_of_each, "--input", tmp_path / "ab.npz", "--json", "-")

    assert json.loads(outcome.out)["outputs"][0]["values"] == [["nan", 2.0, 1.0]]


def bad_inputs(folder: Path) -> dict[str, tuple[Path, ...]]:
    good = save(folder / "good.npy", np.zeros((2, 8, 8, 1), np.float32))
    (folder / "cut.npy").write_bytes(good.read_bytes()[:200])
    (folder / "text.npy").write_text("hello")
    np.save(folder / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(folder / "names.npz", other=np.zeros((1, 8, 8, 1), np.float32))
    return {
        "absent": (folder / "absent.npy",),
        "folder": (folder,),
        "cut short": (folder / "cut.npy",),
        "no array": (folder / "text.npy",),
        "Python objects": (folder / "objects.npy",),
        "names": (folder / "names.npz",),
        "too many": (good, good),
        "type": (save(folder / "type.npy", np.zeros((1, 8, 8, 1), np.uint8)),),
        "shape": (save(folder / "shape.npy", np.zeros((1, 9, 8, 1), np.float32)),),
        "no samples": (save(folder / "none.npy", np.zeros((0, 8, 8, 1), np.float32)),),
        "NaN": (save(folder / "nan.npy", np.full((1, 8, 8, 1), np.nan, np.float32)),),
    }


BAD = ("absent|folder|cut short|no array|Python objects|names|too many|type|shape|no samples|NaN").split("|")


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("engine", ["host", "litert"])
def test_bad_arrays_end_with_2(
    midge: Midge, digits: Path, tmp_path: Path, kind: str, engine: str, contents: Callable[[], set[str]]
) -> None:
    files = bad_inputs(tmp_path)[kind]
    before = contents()
    arguments = [part for file in files for part in ("--input", file)]
    outcome = midge("run", digits, *arguments, "--on", engine, "--output", tmp_path / "y.npy")

    assert outcome.code == 2, outcome.err
    assert outcome.out == "" and 1 <= len(outcome.err.splitlines()) <= 10
    assert "Traceback" not in outcome.err
    assert contents() == before


@pytest.mark.parametrize("word", ["nonsense", "/dev/ttyACM0", "COM3", "socket://localhost:1"])
def test_what_is_no_engine_of_this_version_ends_with_2(midge: Midge, digits: Path, tmp_path: Path, word: str) -> None:
    """A port is refused by its own reason, any other word with the choices."""
    x = save(tmp_path / "x.npy", np.zeros((1, 8, 8, 1), np.int8))
    outcome = midge("run", digits, "--input", x, "--on", word)

    assert outcome.code == 2
    assert "emulator" in outcome.err and word in outcome.err
    assert ("this version" in outcome.err) == (word != "nonsense")


def test_the_emulator_needs_a_board(midge: Midge, digits: Path, tmp_path: Path) -> None:
    x = save(tmp_path / "x.npy", np.zeros((1, 8, 8, 1), np.int8))

    assert midge("run", digits, "--input", x, "--on", "emulator").code == 2


def test_litert_answers_without_its_chatter(midge: Midge, digits: Path, tmp_path: Path) -> None:
    x = save(tmp_path / "x.npy", np.zeros((2, 8, 8, 1), np.int8))
    outcome = midge("run", digits, "--input", x, "--on", "litert")

    assert outcome.code == 0 and outcome.err == ""
    assert "digit: int8 2x10" in outcome.out


def test_the_emulated_board_gives_the_hosts_bits(midge: Midge, digits: Path, tmp_path: Path) -> None:
    x = save(tmp_path / "x.npy", np.random.default_rng(1).integers(-128, 128, (2, 8, 8, 1), np.int8))
    outcome = midge(
        "run", digits, "--input", x, "--on", "emulator", "--board", "mps2-an386", "--output", tmp_path / "y.npy"
    )

    assert outcome.code == 0, outcome.err
    assert (np.load(tmp_path / "y.npy") == package.load(digits).run(np.load(x))[0]).all()


@pytest.mark.parametrize("output", ["digits.tflite", "x.npy", "./x.npy", "link.npy"])
def test_an_output_is_never_an_input(midge: Midge, digits: Path, tmp_path: Path, output: str) -> None:
    x = save(tmp_path / "x.npy", np.zeros((1, 8, 8, 1), np.int8))
    (tmp_path / "link.npy").symlink_to(x)
    before = {path: path.read_bytes() for path in (digits, x)}
    outcome = midge("run", digits, "--input", x, "--output", f"{tmp_path}/{output}")

    assert outcome.code == 2 and "input" in outcome.err
    assert all(path.read_bytes() == content for path, content in before.items())


def test_the_format_follows_the_number_of_outputs(midge: Midge, digits: Path, tmp_path: Path) -> None:
    x = save(tmp_path / "x.npy", np.zeros((1, 8, 8, 1), np.int8))
    outcome = midge("run", digits, "--input", x, "--output", tmp_path / "y.npz")

    assert outcome.code == 2 and ".npy" in outcome.err
    assert not (tmp_path / "y.npz").exists()
