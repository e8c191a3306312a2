"""A project is written whole or not at all, and what is not Midge's stays where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from generated import small_program, wide_program, write

from midge.runtime.backends.c import project
from midge.runtime.backends.c.manifest import read_manifest
from midge.runtime.backends.c.project import replace_project, write_project
from midge.runtime.board import load_board
from midge.runtime.errors import InputError, UnsupportedError
from midge.runtime.passes.plan_memory import plan_memory


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_a_project_holds_the_model_the_kernels_it_needs_and_the_platform(tmp_path: Path) -> None:
    expected = {
        "CMakeLists.txt", "README.md", "midge.json", "model.c", "model.h", "cmake/gcc.cmake", "cmake/zig.cmake",
        "midge/include/midge/kernels.h", "midge/src/copy.c", "midge/src/memory_functions.h",
        "platform/firmware.ld", "platform/main.c", "platform/memory.c", "platform/platform.h", "platform/startup.c",
    }  # fmt: skip

    manifest = write(small_program(), tmp_path / "deep" / "p")
    assert set(tree(tmp_path / "deep" / "p")) == expected
    assert set(manifest.files) == expected


def test_the_manifest_says_where_everything_is(tmp_path: Path) -> None:
    """x lies in the arena with 12 bytes, its shape 3x4; the reshape has no function, for it does nothing."""
    plan = plan_memory(small_program())

    manifest = write(small_program(), tmp_path)
    assert read_manifest(tmp_path) == manifest
    assert (manifest.arena, manifest.scratch, manifest.macs) == (plan.arena, plan.scratch, 0)
    (x,) = manifest.inputs
    assert (x.name, x.offset, x.bytes, x.dtype, x.shape) == (
        "serving_default_x:0",
        plan.offsets[0],
        12,
        "int8",
        (1, 3, 4),
    )
    assert x.scale == pytest.approx(0.1) and x.zero_point == -5
    assert [layer.function for layer in manifest.layers] == ["model_layer_00_transpose", "model_layer_02_concatenation"]
    assert [layer.index for layer in manifest.layers] == [0, 2]


def test_no_file_of_a_project_names_this_machine(tmp_path: Path) -> None:
    write(small_program(), tmp_path / "p")
    for name, data in tree(tmp_path / "p").items():
        assert str(tmp_path).encode() not in data, name


def test_a_project_is_replaced_and_the_users_files_stay(tmp_path: Path) -> None:
    """The old model's files and its build go; also where the user's file lies in a folder of ours."""
    write(small_program(), tmp_path, "old")
    for name in ("notes.txt", "platform/uart.c", "build/firmware.elf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    manifest = write(wide_program(), tmp_path, "fresh")
    assert set(tree(tmp_path)) == {*manifest.files, "notes.txt", "platform/uart.c"}
    assert "fresh.c" in manifest.files and "old.c" not in manifest.files


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")

    with pytest.raises(InputError, match=r"thesis|has files in it"):
        write(small_program(), tmp_path)
    assert tree(tmp_path) == {"thesis.tex": b"x"}


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("x")
    with pytest.raises(InputError, match="found a file"):
        write(small_program(), tmp_path / "p")
    with pytest.raises(InputError, match="cannot write"):
        write(small_program(), tmp_path / "p" / "q")


@pytest.mark.parametrize("existing", [False, True], ids=["new", "replaced"])
def test_a_failure_while_writing_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool
) -> None:
    directory = tmp_path / "a" / "b"
    if existing:
        write(small_program(), directory)
    before = tree(tmp_path)

    def fail(*_: object, **__: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(project, "project_readme", fail)
    with pytest.raises(OSError, match="no space"):
        write(wide_program(), directory)
    assert tree(tmp_path) == before
    assert existing or list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", [False, True], ids=["new", "replaced"])
def test_a_failure_after_installing_undoes_it(tmp_path: Path, existing: bool) -> None:
    """As when the linker finds that the firmware does not fit."""
    directory = tmp_path / "p"
    if existing:
        write(small_program(), directory, "old")
        (directory / "build").mkdir()
        (directory / "build" / "firmware.elf").write_text("old")
        (directory / "notes.txt").write_text("mine")
    before = tree(tmp_path)

    with pytest.raises(KeyboardInterrupt), replace_project(directory) as replacement:
        (replacement.staging / "new.c").write_text("new")
        (replacement.staging / "sub").mkdir()
        (replacement.staging / "sub" / "midge.json").write_text("new")
        (replacement.staging / "midge.json").write_text("new")
        replacement.install()
        (directory / "build").mkdir()
        (directory / "build" / "firmware.elf").write_text("new")
        raise KeyboardInterrupt
    assert tree(tmp_path) == before
    assert existing or list(tmp_path.iterdir()) == []


def test_a_manifest_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    """midge.json may have been edited or come from anywhere: nothing outside the folder is ever removed."""
    (tmp_path / "precious").write_text("x")
    write(small_program(), tmp_path / "p")
    text = (tmp_path / "p/midge.json").read_text()
    (tmp_path / "p/midge.json").write_text(text.replace('"README.md"', f'"../precious", "{tmp_path}/precious"'))

    write(small_program(), tmp_path / "p")
    assert (tmp_path / "precious").read_text() == "x"


def test_a_core_without_start_up_is_refused(tmp_path: Path) -> None:
    program = small_program()
    with pytest.raises(UnsupportedError):
        write_project(
            program, plan_memory(program), load_board("esp32-devkitc"), tmp_path / "p", "model", model_file="m.tflite"
        )
    assert not (tmp_path / "p").exists()


def test_a_project_can_do_without_a_platform(tmp_path: Path) -> None:
    """As for a core that Midge has no start-up for."""
    program, board = small_program(), load_board("esp32-devkitc")
    manifest = write_project(
        program, plan_memory(program), board, tmp_path, "model", model_file="m.tflite", platform=False
    )
    assert not any(name.startswith(("platform/", "cmake/", "CMake")) for name in manifest.files)
