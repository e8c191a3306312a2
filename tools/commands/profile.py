"""`midge profile`: what one inference costs, layer by layer, and where every figure comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from midge.runtime.board import load_board
from midge.runtime.cpus import CPUS
from midge.tools import log, options
from midge.tools.errors import DifferentError
from midge.tools.outputs import Outputs
from midge.tools.tables import count, duration, make_table, quantity, short_name

if TYPE_CHECKING:
    from midge.runtime.measure import LayerCost, Measurement


@click.command("profile")
@options.model_argument
@options.board_option(required=True)
@options.on_option(("emulator",), "emulator")
@options.build_options
@options.input_option(
    help_text="The sample to run (the first, where there are several). Default: random, NumPy's default_rng(0)."
)
@options.json_option
def command(
    model: Path,
    board: str,
    on: str,
    build: options.BuildOptions,
    inputs: tuple[Path, ...],
    json_path: Path | None,
) -> None:
    """Count what one inference costs on a board: instructions, memory, and time and energy where they can be modelled.

    Builds the firmware and runs the very ELF on the emulator of the board's core. Ends with 1 if the outputs are not
    the host's, bit for bit.
    """
    from midge.runtime.arrays import random_inputs
    from midge.runtime.firmware import emulated
    from midge.runtime.measure import measure
    from midge.tools.arrays import read_inputs, read_interface
    from midge.tools.firmware import temporary_firmware

    with Outputs([model, *inputs, build.tuning, options.board_file(board)]) as outputs:
        outputs.add("--json", json_path)
        described = load_board(board)
        takes, _ = read_interface(model)
        arrays = read_inputs(inputs, takes) if inputs else random_inputs(takes, 1, seed=0)
        with (
            temporary_firmware(model, described, build) as firmware,
            emulated(firmware) as backend,
            log.progress("running"),
        ):
            measured = measure(backend, arrays, on)
        _print(measured)
        outputs.write_json(json_path, measured.document())
        outputs.publish()
        if measured.difference is not None:
            raise DifferentError(log.printable(f"{described.name} differs from the host.\n{measured.difference}"))


def _print(measured: Measurement) -> None:
    from midge.tools.firmware import describe_build

    firmware = measured.firmware
    board, manifest = firmware.board, firmware.compiled.manifest
    core = f"{CPUS[board.cpu].title}, {quantity(board.clock_hz, 'Hz')}"
    built = describe_build(firmware.build, manifest.optimize)
    log.result(log.printable(f"{manifest.model_file} on {board.name} ({core}), {built}"))
    log.result("")
    _print_layers(measured)
    log.result("")
    _print_totals(measured)
    log.result("")
    _print_memory(measured)
    log.result("")
    _print_sources(measured)


def _print_layers(measured: Measurement) -> None:
    timed = measured.cycles is not None
    table = make_table(
        ">#", "Operator", ">MACs", ">Instructions", ">per MAC", ">Share", *([">Time"] if timed else []), "~Kernel"
    )
    for layer in measured.layers:
        table.add_row(
            str(layer.index),
            log.printable(layer.op),
            count(layer.macs) if layer.macs else "",
            count(layer.instructions),
            f"{layer.instructions / layer.macs:.2f}" if layer.macs else "",
            f"{layer.instructions / measured.instructions:.1%}",
            *([duration(layer.latency_us)] if layer.latency_us is not None else []),
            _short_kernel(layer),
        )
        if log.is_verbose():
            blank = [""] * (6 + timed)
            table.add_row(*blank, f"  {short_name(layer.name)}")
    macs = measured.firmware.compiled.manifest.macs
    table.add_section()
    table.add_row(
        "",
        "all",
        count(macs),
        count(measured.instructions),
        f"{measured.instructions / macs:.2f}" if macs else "",
        "100.0%",
        *([duration(measured.latency_us)] if measured.latency_us is not None else []),
        "",
    )
    log.result(table)


def _short_kernel(layer: LayerCost) -> str:
    """Leave out of a kernel's name what the operator's says already, where something is left."""
    name = layer.kernel.removeprefix("midge_")
    rest = name.removeprefix(f"{layer.op.lower()}_")
    return rest if "_" in rest else name


def _print_totals(measured: Measurement) -> None:
    table = make_table("One inference", ">", "~Range")
    table.add_row("instructions", count(measured.instructions), "exact")
    if measured.cycles is not None and measured.cycles_range is not None:
        low, high = measured.cycles_range
        table.add_row("cycles", count(measured.cycles), f"{low:,} to {high:,}")
    if measured.latency_us is not None and measured.latency_range_us is not None:
        shortest, longest = measured.latency_range_us
        table.add_row("latency", duration(measured.latency_us), f"{duration(shortest)} to {duration(longest)}")
    if measured.energy is not None:
        least, most = measured.energy.range
        table.add_row("energy", f"{measured.energy.microjoules:,.4g} uJ", f"{least:,.4g} to {most:,.4g} uJ")
    table.add_row("outputs", f"{measured.output_sha256[:16]}…", _verdict(measured))
    log.result(table)


def _verdict(measured: Measurement) -> str:
    return "sha256; the host's, bit for bit" if measured.difference is None else "sha256; DIFFERENT from the host's"


def _print_memory(measured: Measurement) -> None:
    board, flash = measured.firmware.board, measured.flash
    arena = {"arena": measured.arena, "scratch": measured.scratch}
    variables = {"stack": measured.stack, "data": measured.data}
    rom = {"code": flash.code, "weights": flash.weights, "other": flash.other}
    place = board.arena_memory(sum(arena.values()))
    rams = [(board.ram, arena | variables)] if place == board.ram else [(place, arena), (board.ram, variables)]
    table = make_table("Bytes", ">All", ">of the board's", "~")
    for name, memory, parts in (*(("RAM", *ram) for ram in rams), ("flash", board.flash, rom)):
        total = sum(parts.values())
        listed = ", ".join(f"{part} {size:,}" for part, size in parts.items())
        table.add_row(f"{name} ({memory.name})", count(total), f"{total / memory.size:.1%}", listed)
    log.result(table)


def _print_sources(measured: Measurement) -> None:
    firmware = measured.firmware
    board, build = firmware.board, firmware.build
    lines = [
        f"instructions: counted on the emulator of {board.cpu}, from entering the inference function to leaving it",
        f"arena, scratch: the memory plan, equal to the linker's; data, flash: the ELF made by {build.compiler}",
        f"stack: what the inference wrote below its stack pointer; the linker reserves {build.ram.stack:,} bytes",
    ]
    program = firmware.compiled.program
    if program.executed_macs != program.macs:
        lines.append(
            f"MACs: the model file's; {program.executed_macs:,} are executed, the others cannot change any output"
        )
    if measured.cycles is not None:
        lines.append(
            "cycles: the core's reference manual applied to the executed instructions, without wait states; unproven "
            "for neural networks, hence the range"
        )
        if not board.emulated:
            lines.append(
                "latency: cycles at the clock; the range goes up by 1.4, the most that flash waits were seen to cost"
            )
        lines.append(f"clock: {board.clock_source}")
    else:
        lines.append(f"no latency: there is no proven cycle model of {board.cpu}; instructions are no cycles")
    if measured.energy is not None:
        lines.append(f"energy: {measured.energy.source}")
    elif measured.cycles is not None:
        lines.append("no energy: nobody has measured this board's mean power")
    log.result("Where the figures come from")
    for line in lines:
        log.result_wrapped(log.printable(f"- {line}"), hanging=2)
