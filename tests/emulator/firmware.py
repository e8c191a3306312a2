"""Builds the test's hand-written model into firmware, with the product's own start-up code and toolchains."""

from __future__ import annotations

import shutil
from pathlib import Path

from midge.runtime.backends.c.build import build as build_project
from midge.runtime.backends.c.manifest import Buffer, Layer, Manifest
from midge.runtime.backends.c.platform import write_platform
from midge.runtime.board import load_board
from midge.runtime.toolchain import find_toolchain

HERE = Path(__file__).parent
STACK_BYTES = 2048


def manifest() -> Manifest:
    """Return what a generated project would say about model.c."""
    return Manifest(
        schema=1,
        name="model",
        model_file="model.tflite",
        model_sha256="0" * 64,
        board="test",
        optimize="default",
        arena=128,
        scratch=64,
        weights=0,
        macs=63,
        inputs=(Buffer("x", 0, 64, "int8", (1, 64)),),
        outputs=(Buffer("y", 64, 4, "int8", (1, 4)),),
        layers=tuple(Layer(i, "OP", f"step{i}", f"model_layer_{i}", "test", 0) for i in range(3)),
    )


def build(board: str, compiler: str | None, folder: Path, source: Path) -> Path:
    """Build a model's source and return the path of the ELF file.

    Raises:
        MissingToolError: the compiler is not installed.
    """
    target = load_board(board)
    toolchain = find_toolchain(target, compiler)
    shutil.copy(HERE / "model.h", folder)
    shutil.copy(source, folder / "model.c")
    write_platform(target, folder, "model", STACK_BYTES)
    return build_project(folder, target, toolchain).elf
