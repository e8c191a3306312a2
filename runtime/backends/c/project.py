"""Writes a generated project: the model, the kernels it needs, the board's start-up, and how to build it."""

from __future__ import annotations

import shutil
from importlib.metadata import version as package_version
from pathlib import Path

import msgspec

from midge.runtime.backends.c.buffers import InterfaceBuffer, buffers
from midge.runtime.backends.c.build import BUILD_FOLDER
from midge.runtime.backends.c.cmake import write_cmake
from midge.runtime.backends.c.emit import emit
from midge.runtime.backends.c.emit_constants import constant_bytes, layer_names
from midge.runtime.backends.c.manifest import MANIFEST_NAME, Buffer, Layer, Manifest, read_manifest
from midge.runtime.backends.c.names import check_prefix
from midge.runtime.backends.c.platform import write_platform
from midge.runtime.backends.c.readme import project_readme
from midge.runtime.backends.c.replace_folder import Replacement
from midge.runtime.backends.c.sources import kernel_sources
from midge.runtime.board import Board
from midge.runtime.decisions import TUNING_NAME, Decisions
from midge.runtime.errors import InputError
from midge.runtime.native import KERNELS
from midge.runtime.passes.plan_memory import Plan
from midge.runtime.program import Program

KERNEL_FOLDER = "midge"
"""Folder of a project that the kernels' sources lie in, as in Midge itself: `include/`, `src/`, `arch/`."""


def write_project(
    program: Program,
    plan: Plan,
    board: Board,
    directory: Path,
    name: str,
    *,
    model_file: str,
    platform: bool = True,
) -> Manifest:
    """Write a project into `directory`, whole or not at all.

    An existing project there is replaced: the files that Midge wrote, and the `build` folder; other files stay.

    Args:
        program: the lowered model.
        plan: its memory.
        board: what it is for.
        directory: made where it is missing.
        name: prefix of every symbol, and name of the model's files.
        model_file: the model's file name, for comments and the manifest.
        platform: whether to add the board's start-up, linker script and `main`.

    Raises:
        InputError: `name` is no usable C identifier, or `directory` has files but is not a project.
        UnsupportedError: there is no start-up for the board's core.
    """
    with replace_project(directory) as replacement:
        manifest = stage_project(
            program, plan, board, replacement.staging, name, model_file=model_file, platform=platform
        )
        replacement.install()
    return manifest


def replace_project(directory: Path) -> Replacement:
    """Prepare to replace the project in `directory`, or to make one.

    Raises:
        InputError: `directory` is a file, or has files in it but no manifest of Midge's.
    """
    stale: tuple[str, ...] = ()
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory}: expected a folder to write the project into, found a file")
    if directory.is_dir() and any(directory.iterdir()):
        if not (directory / MANIFEST_NAME).is_file():
            raise InputError(
                f"{directory} has files in it, but no {MANIFEST_NAME}: expected an empty or new folder, or a project"
                " made by `midge compile`; choose another output folder"
            )
        stale = read_manifest(directory).files
    return Replacement(directory, (*stale, BUILD_FOLDER), last=MANIFEST_NAME)


def stage_project(
    program: Program,
    plan: Plan,
    board: Board,
    directory: Path,
    name: str,
    *,
    model_file: str,
    platform: bool = True,
    decisions: Decisions | None = None,
) -> Manifest:
    """Write all files of a project into an empty folder; arguments and errors as for `write_project`."""
    check_prefix(name)
    version = package_version("midge")
    if platform:
        write_platform(board, directory, name, arena_bytes=plan.total)
    for file, text in emit(program, plan, name, model_file).items():
        _write(directory / file, text)
    sources = kernel_sources({call.kernel for step in program.steps for call in step.calls}, program.target.arch)
    for path in sources:
        target = directory / KERNEL_FOLDER / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(KERNELS / path, target)
    if decisions is not None:
        decisions.write(directory / TUNING_NAME)
    manifest = describe(program, plan, board, name, model_file)
    if platform:
        write_cmake(directory, board, optimize=_mode(program))
    kernels = tuple(f"{KERNEL_FOLDER}/{path.as_posix()}" for path in sources if path.suffix == ".c")
    _write(directory / "README.md", project_readme(manifest, board, version, kernels, platform=platform))
    written = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    manifest = msgspec.structs.replace(manifest, files=(*written, MANIFEST_NAME))
    manifest.write(directory)
    return manifest


def describe(program: Program, plan: Plan, board: Board, name: str, model_file: str) -> Manifest:
    """Return the manifest of a project, apart from its list of files."""
    graph = program.graph
    every = buffers(program, plan, name)
    layers = tuple(
        Layer(
            index=step.index,
            op=step.kind,
            name=step.name,
            function=layer.function,
            kernel=step.kernel,
            macs=step.macs,
        )
        for layer in layer_names(program, name)
        for step in (program.steps[layer.step],)
    )
    return Manifest(
        schema=1,
        name=name,
        model_file=model_file,
        model_sha256=graph.sha256,
        board=board.name,
        optimize=program.target.optimize,
        arena=plan.arena,
        scratch=plan.scratch,
        weights=constant_bytes(program),
        macs=program.macs,
        inputs=tuple(_buffer(buffer) for buffer in every[: len(graph.inputs)]),
        outputs=tuple(_buffer(buffer) for buffer in every[len(graph.inputs) :]),
        layers=layers,
    )


def _mode(program: Program) -> str | None:
    """Return the program's mode as `--optimize` takes it."""
    return None if program.target.optimize == "default" else program.target.optimize


def _buffer(buffer: InterfaceBuffer) -> Buffer:
    tensor = buffer.tensor
    quantization = tensor.quantization if buffer.quantized else None
    return Buffer(
        name=tensor.name,
        offset=buffer.offset,
        bytes=tensor.nbytes,
        dtype=tensor.dtype.value,
        shape=tensor.shape,
        scale=None if quantization is None else quantization.scale,
        zero_point=None if quantization is None else quantization.zero_point,
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
