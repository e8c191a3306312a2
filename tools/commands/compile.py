"""`midge compile`: a C project that builds on its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from midge.runtime.board import load_board
from midge.tools import log, options
from midge.tools.outputs import check_folder
from midge.tools.tables import count, make_table

if TYPE_CHECKING:
    from midge.tools.firmware import Firmware


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
@options.verbose_option
def command(
    model: Path,
    board: str,
    directory: Path,
    name: str,
    optimize: str | None,
    compiler: str | None,
    run_compiler: bool,
) -> None:
    """Turn a model into a C project for a board: the model, the kernels that it needs, start-up and linker script.

    The project is self-contained: it builds with CMake, or with --build right here. The inference function takes no
    heap; its memory is one static array.
    """
    from midge.tools.firmware import compile_model

    check_folder("-o", directory, [model])
    firmware = compile_model(
        model, load_board(board), directory, optimize=optimize, compiler=compiler, name=name, run_compiler=run_compiler
    )
    _print(firmware)


def _print(firmware: Firmware) -> None:
    manifest, build = firmware.manifest, firmware.build
    log.result(log.printable(f"{firmware.directory}: {manifest.model_file} for {firmware.board.name}"))
    table = make_table("", "~")
    table.show_header = False
    table.add_row(f"{manifest.name}.c, {manifest.name}.h", "the model and its interface")
    table.add_row("midge/", "the kernels that it needs")
    table.add_row("platform/", "start-up, linker script and main for this board")
    table.add_row("CMakeLists.txt, README.md", "how to build it into firmware of your own")
    if build is not None:
        table.add_row(f"build/{build.elf.name}", f"built with {firmware.describe_build()}")
    log.result(table)
    sizes = make_table("Bytes", ">arena", ">scratch", ">stack", ">data", ">code", ">weights", ">other")
    flash = ["-", count(manifest.weights), "-"]
    if build is not None:
        flash = [count(build.flash.code), count(build.flash.weights), count(build.flash.other)]
    ram = ["-", "-"] if build is None else [count(build.ram.stack), count(build.ram.data)]
    sizes.add_row("", count(manifest.arena), count(manifest.scratch), *ram, *flash)
    log.result(sizes)
    if build is None:
        log.result("`--build` builds it and adds the sizes that are known only then.")
    else:
        log.result("stack: what the linker script reserves. code, weights and other are flash; the rest is RAM.")
