"""Output files: whole or not at all, and never an input."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from midge.runtime.errors import InputError
from midge.tools.outputs import Outputs, check_folder


def test_nothing_is_written_before_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with Outputs() as outputs:
        outputs.add("-o", target)
        outputs.write(target, b"content")

        assert not target.exists()

    assert target.read_bytes() == b"content"


def test_an_error_leaves_the_old_file_and_nothing_new(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError), Outputs() as outputs:
        outputs.write(target, b"new")
        raise RuntimeError

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_published_stays_when_the_answer_is_no(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Outputs() as outputs:
        outputs.write_json(tmp_path / "a.json", {"schema": 1})
        outputs.publish()
        outputs.write_json(tmp_path / "b.json", {"schema": 1})
        raise RuntimeError

    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with Outputs() as outputs:
            outputs.write(tmp_path / "out", b"")
    finally:
        os.umask(old)

    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with Outputs() as outputs:
        outputs.write(tmp_path / "link", b"new")

    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


def test_inputs_other_outputs_folders_and_missing_folders_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"")
    (tmp_path / "hard").hardlink_to(source)
    outputs = Outputs([source, None])
    outputs.add("-o", tmp_path / "out")

    for path in (source, tmp_path / "hard", tmp_path / "x" / ".." / "in", tmp_path, tmp_path / "no" / "out"):
        with pytest.raises(InputError, match="--json"):
            outputs.add("--json", path)
    with pytest.raises(InputError, match="-o writes there too"):
        outputs.add("--json", tmp_path / "." / "out")


def test_a_file_inside_an_input_folder_is_an_input(tmp_path: Path) -> None:
    """A SavedModel is a folder: nothing in it may be overwritten."""
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")

    with pytest.raises(InputError):
        Outputs([tmp_path / "saved"]).add("-o", tmp_path / "saved" / "saved_model.pb")


def test_devices_are_written_to_and_not_replaced(tmp_path: Path) -> None:
    with Outputs() as outputs:
        outputs.add("--json", Path(os.devnull))
        outputs.write_json(Path(os.devnull), {"schema": 1})

    assert not Path(os.devnull).is_file()


def test_an_output_folder_may_not_be_an_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="-o"):
        check_folder("-o", tmp_path, [None, tmp_path])
