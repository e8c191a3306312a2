"""The process behind a conversion: its death, our interruption, and what the terminal sees of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from midge.converter import convert, process
from midge.runtime.errors import ConversionError, DataError

DIGITS = Path(__file__).parents[3] / "examples" / "digits"


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[subprocess.Popen[bytes]]:
    """Collect the processes that a conversion starts; its temporary files go below ``tmp_path / "tmp"``."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    started: list[subprocess.Popen[bytes]] = []

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*arguments, **options))
        return started[-1]

    class Recorder:
        PIPE = subprocess.PIPE
        Popen = staticmethod(popen)

    monkeypatch.setattr(process, "subprocess", Recorder)
    return started


def convert_digits(folder: Path, progress: Any, **options: Any) -> None:
    options.setdefault("calibration", DIGITS / "calibration.npz")
    convert(DIGITS / "digits.keras", output=folder / "out.tflite", progress=progress, **options)


def assert_nothing_is_left(folder: Path, children: list[subprocess.Popen[bytes]]) -> None:
    assert [child.poll() is None for child in children] == [False]
    assert sorted(p.name for p in folder.rglob("*")) == ["tmp"]


def test_a_crash_becomes_an_error_that_names_the_stage(children: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    def crash(stage: str) -> None:
        if stage == "loading the model":
            children[0].send_signal(signal.SIGSEGV)

    with pytest.raises(ConversionError, match=r"crashed \(SIGSEGV\) while .* .*digits\.keras; nothing was written"):
        convert_digits(tmp_path, crash)

    assert_nothing_is_left(tmp_path, children)


def test_an_interruption_ends_the_process_and_leaves_nothing(
    children: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    def interrupt(stage: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_digits(tmp_path, interrupt)

    assert_nothing_is_left(tmp_path, children)


def test_the_process_ends_with_its_parent(children: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    """A parent that is killed cannot clean up: the closing of the pipe that it held tells the child to."""

    def vanish(stage: str) -> None:
        assert children[0].stdin is not None
        children[0].stdin.close()

    with pytest.raises(ConversionError, match="exit code 1"):
        convert_digits(tmp_path, vanish)

    assert_nothing_is_left(tmp_path, children)


def test_data_that_does_not_fit_the_model_is_refused_before_it_is_exported(
    children: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    stages: list[str] = []

    with pytest.raises(DataError, match=r"has shape \(300, 8, 8, 1\); .*|labels") as caught:
        convert_digits(tmp_path, stages.append, evaluate=([[[[0.0]] * 8] * 8], [10]))

    assert "from 0 to 9" in str(caught.value)
    assert stages == ["starting TensorFlow", "loading the model"]
    assert_nothing_is_left(tmp_path, children)


def test_the_digits_convert_silently_repeatably_and_well(tmp_path: Path) -> None:
    """A conversion writes nothing to either stream, gives the same bytes twice, and costs no accuracy to speak of."""
    code = (
        "import sys; from midge.converter import convert;"
        "convert(sys.argv[1], calibration=sys.argv[2], output=sys.argv[3])"
    )
    command = [sys.executable, "-c", code, DIGITS / "digits.keras", DIGITS / "calibration.npz", tmp_path / "a.tflite"]
    done = subprocess.run(command, capture_output=True, check=True)
    result = convert(
        DIGITS / "digits.keras",
        output=tmp_path / "b.tflite",
        calibration=DIGITS / "calibration.npz",
        evaluate=DIGITS / "test.npz",
    )

    assert done.stdout == done.stderr == b""
    assert (tmp_path / "a.tflite").read_bytes() == (tmp_path / "b.tflite").read_bytes()
    assert result.accuracy is not None
    assert result.accuracy.before > 0.98
    assert abs(result.accuracy.after - result.accuracy.before) <= 0.01
    assert [layer.name for layer in result.layers[:3]] == ["re_lu", "re_lu_1", "re_lu_2"]
