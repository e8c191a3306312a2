"""`midge compile`: a C project that builds on its own."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midge.runtime.board import Board, load_board
from midge.runtime.decisions import TUNING_NAME
from midge.tools import log, options
from midge.tools.outputs import Outputs, check_folder
from midge.tools.tables import count, make_table

if TYPE_CHECKING:
    from midge.runtime.backends.c import CompileResult


@click.command("compile")
@options.model_argument
@options.board_option(required=True)
@click.option(
    "-o", "--output", "directory", type=click.Path(path_type=Path), required=True, metavar="DIR",
    help="Folder to write the project into: new, empty, or one that an earlier `midge compile` wrote.",
)  # fmt: skip
@click.option(
    "--name", default="model", show_default=True, metavar="PREFIX",
    help="What every symbol begins with and the files are called, so that two models share one firmware.",
)  # fmt: skip
@options.build_options
@click.option("--build", "run_compiler", is_flag=True, help="Build DIR/build/firmware.elf, .bin and .map as well.")
@options.json_option
def command(
    model: Path,
    board: str,
    directory: Path,
    name: str,
    build: options.BuildOptions,
    run_compiler: bool,
    json_path: Path | None,
) -> None:
    """Turn a model into a C project for a board: the model, the kernels that it needs, start-up and linker script.

    The project is self-contained: it builds with CMake, or with --build right here. The inference function takes no
    heap; its memory is one static array.
    """
    from midge.runtime.backends.c import compile_model
    from midge.runtime.toolchain import find_toolchain
    from midge.tools.tuning import decider

    inputs = [model, build.tuning, options.board_file(board)]
    check_folder("-o", directory, inputs)
    described = load_board(board)
    toolchain = find_toolchain(described, build.compiler) if run_compiler else None
    with Outputs(inputs) as outputs:
        outputs.add("--json", json_path)
        with log.progress("writing the project" if toolchain is None else f"building with {toolchain.name}") as shown:
            made = compile_model(
                model,
                described,
                directory,
                name=name,
                optimize=build.optimize,
                toolchain=toolchain,
                build=run_compiler,
                decide=decider(model, described, build, shown.describe),
            )
        _print(made, described)
        outputs.write_json(json_path, _document(made))


def _document(made: CompileResult) -> dict[str, Any]:
    """Return the JSON document; what only a build knows is absent without one."""
    manifest, build = made.manifest, made.build
    document: dict[str, Any] = {
        "schema": 1,
        "model": {"file": manifest.model_file, "sha256": manifest.model_sha256, "macs": manifest.macs},
        "board": manifest.board,
        "output": str(made.directory),
        "name": manifest.name,
        "optimize": manifest.optimize,
        "arena": manifest.arena,
        "scratch": manifest.scratch,
        "weights": manifest.weights,
    }
    if build is not None:
        document["elf"] = str(build.elf)
        document["flash"] = {"code": build.flash.code, "weights": build.flash.weights, "other": build.flash.other}
        document["reserved_stack"], document["data"] = build.ram.stack, build.ram.data
        document["tool"] = {
            "version": version("midge"),
            "compiler": f"{build.compiler} {build.compiler_version}",
            "flags": list(build.flags),
        }
    return document


def _print(made: CompileResult, board: Board) -> None:
    from midge.tools.firmware import describe_build

    manifest, build = made.manifest, made.build
    log.result(log.printable(f"{made.directory}: {manifest.model_file} for {manifest.board}"))
    table = make_table("", "~")
    table.show_header = False
    table.add_row(f"{manifest.name}.c, {manifest.name}.h", "the model and its interface")
    table.add_row("midge/", "the kernels that it needs")
    table.add_row("platform/", "start-up, linker script and main for this board")
    if TUNING_NAME in manifest.files:
        table.add_row(TUNING_NAME, "how each layer is computed, and what the other ways took")
    table.add_row("CMakeLists.txt, README.md", "how to build it into firmware of your own")
    if build is not None:
        table.add_row(f"build/{build.elf.name}", f"built with {describe_build(build, manifest.optimize)}")
    log.result(table)
    sizes = make_table("Bytes", ">arena", ">scratch", ">stack", ">data", ">code", ">weights", ">other")
    flash = ["-", count(manifest.weights), "-"]
    if build is not None:
        flash = [count(build.flash.code), count(build.flash.weights), count(build.flash.other)]
    ram = ["-", "-"] if build is None else [count(build.ram.stack), count(build.ram.data)]
    sizes.add_row("", count(manifest.arena), count(manifest.scratch), *ram, *flash)
    log.result(sizes)
    total, plan = manifest.arena + manifest.scratch, made.plan
    bound = "the least possible" if plan.total == plan.lower_bound else f"the lower bound is {plan.lower_bound:,}"
    log.result_wrapped(
        f"arena and scratch, {total:,} bytes together ({bound} with these lifetimes), lie in "
        f"{board.arena_memory(total).name}; stack and data in {board.ram.name}; code and weights in {board.flash.name}."
    )
    if build is None:
        log.result("`--build` builds it and adds the sizes that are known only then.")
    else:
        log.result("stack: what the linker script reserves. code, weights and other are flash; the rest is RAM.")
