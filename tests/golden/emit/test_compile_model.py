"""From a model file to a firmware in one call, or to an error that leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from generated import BOARD
from reference import model_path

from midge.runtime.arches import ARCHES
from midge.runtime.backends.c import compile_model
from midge.runtime.backends.c.target import arch_for
from midge.runtime.board import Board, load_board
from midge.runtime.cpus import CPUS
from midge.runtime.errors import CapacityError, InputError
from midge.runtime.toolchain import find_toolchain


def with_sizes(flash: int, ram: int) -> Board:
    """The emulated Cortex-M4 with other amounts of memory."""
    sizes = {"flash": flash, "ram": ram}
    memories = tuple(msgspec.structs.replace(memory, size=sizes[memory.kind]) for memory in BOARD.memories)
    return msgspec.structs.replace(BOARD, memories=memories)


def test_the_sizes_of_the_manifest_are_those_of_the_firmware(tmp_path: Path) -> None:
    """Arena plus scratch and weights are the linked sections' bytes exactly."""
    result = compile_model(
        model_path("kws_ref_model"), BOARD, tmp_path / "p", name="kws", toolchain=find_toolchain(BOARD), build=True
    )
    assert result.build is not None and result.build.elf.is_file()
    assert result.build.ram.arena == result.manifest.arena + result.manifest.scratch
    assert result.build.flash.weights == result.manifest.weights


@pytest.mark.parametrize(("flash", "ram", "reason"), [(1 << 20, 2048, "RAM"), (32768, 1 << 20, "flash")])
def test_what_cannot_fit_is_refused_before_compiling(flash: int, ram: int, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CapacityError, match=reason):
        compile_model(model_path("str_ww_ref_model"), with_sizes(flash, ram), tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_link_leaves_the_earlier_project(tmp_path: Path) -> None:
    """58,148 bytes of weights fit 58,368 bytes of flash, but the code does not."""
    compile_model(model_path("ad01_int8"), BOARD, tmp_path / "p", name="earlier")
    before = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    board = with_sizes(58_368, 1 << 20)
    with pytest.raises(CapacityError):
        compile_model(
            model_path("str_ww_ref_model"), board, tmp_path / "p", toolchain=find_toolchain(board), build=True
        )
    assert {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_file_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.tflite"):
        compile_model(tmp_path / "missing.tflite", BOARD, tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cpu", CPUS)
def test_every_core_has_kernels(cpu: str) -> None:
    assert arch_for(cpu) in ARCHES


@pytest.mark.parametrize("board", ["microbit", "mps2-an385", "mps3-an547", "qemu-rv32"])
def test_a_model_builds_for_other_cores(board: str, tmp_path: Path) -> None:
    target = load_board(board)
    result = compile_model(
        model_path("str_ww_ref_model"), target, tmp_path / "p", toolchain=find_toolchain(target), build=True
    )
    assert result.build is not None and result.build.flash.weights == result.manifest.weights
