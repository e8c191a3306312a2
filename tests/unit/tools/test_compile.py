"""`midge compile`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from midge.runtime.backends.c.manifest import read_manifest

Midge = Callable[..., Any]


def test_the_project_is_described_as_it_is(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    outcome = midge(
        "compile", digits, "--board", "mps2-an386", "-o", tmp_path / "p", "--name", "digits",
        "--json", tmp_path / "c.json",
    )  # fmt: skip
    document, manifest = load_json(tmp_path / "c.json"), read_manifest(tmp_path / "p")

    assert outcome.code == 0 and outcome.err == ""
    assert (tmp_path / "p" / "digits.c").is_file() and (tmp_path / "p" / "digits.h").is_file()
    for key in ("arena", "scratch", "weights", "name", "optimize", "board"):
        assert document[key] == getattr(manifest, key)
    assert "flash" not in document  # only a build knows


def test_build_makes_the_firmware_and_its_sizes(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    outcome = midge(
        "compile", digits, "--board", "mps2-an386", "-o", tmp_path / "p", "--build", "--json", tmp_path / "c.json"
    )
    document = load_json(tmp_path / "c.json")

    assert outcome.code == 0, outcome.err
    assert Path(document["elf"]).read_bytes()[:4] == b"\x7fELF"
    assert document["flash"]["weights"] == document["weights"]


def test_what_cannot_be_compiled_leaves_no_folder(
    midge: Midge, unsupported: Path, digits: Path, tmp_path: Path, contents: Callable[[], set[str]]
) -> None:
    before = contents()
    refusals = {
        1: [(unsupported, "mps2-an386"), (digits, "esp32-devkitc")],
        2: [(tmp_path / "absent.tflite", "mps2-an386"), (digits, "no-board")],
    }
    for code, cases in refusals.items():
        for model, board in cases:
            outcome = midge("compile", model, "--board", board, "-o", tmp_path / "new" / "p", "--build")

            assert outcome.code == code, outcome.err
            assert 1 <= len(outcome.err.splitlines()) <= 10
            assert contents() == before


def test_a_folder_with_other_files_is_refused(midge: Midge, digits: Path, tmp_path: Path) -> None:
    outcome = midge("compile", digits, "--board", "mps2-an386", "-o", tmp_path)

    assert outcome.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["digits.tflite"]


def test_the_model_is_never_the_output(midge: Midge, digits: Path) -> None:
    before = digits.read_bytes()

    assert midge("compile", digits, "--board", "mps2-an386", "-o", digits).code == 2
    assert digits.read_bytes() == before
