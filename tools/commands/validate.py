"""`midge validate`: the same bits on the board as on this host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midge.runtime.board import load_board
from midge.tools import log, options
from midge.tools.errors import DifferentError
from midge.tools.outputs import Outputs

if TYPE_CHECKING:
    from midge.runtime.comparison import ComparingBackend
    from midge.runtime.graph import Array
    from midge.tools.evaluation import Evaluation

_SAMPLES = 20


@click.command("validate")
@options.model_argument
@options.board_option(required=True)
@options.on_option(("emulator",), "emulator")
@options.input_option(name="--inputs", help_text="Samples to run. Default: random ones.")
@click.option(
    "--evaluate",
    type=click.Path(path_type=Path),
    metavar="F.npz",
    help="Labelled samples to run and to measure the board's accuracy on: x and y (or images or specs, and labels), "
    "in the Keras model's units. Default: none.",
)
@options.unit_options
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=_SAMPLES,
    show_default=True,
    help="Number of random samples, where no others are given.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random samples.")
@options.build_options
@options.json_option
def command(
    model: Path,
    board: str,
    on: str,
    inputs: tuple[Path, ...],
    evaluate: Path | None,
    input_scale: float,
    input_offset: float,
    samples: int,
    seed: int,
    build: options.BuildOptions,
    json_path: Path | None,
) -> None:
    """Prove that a board computes the same bits as this host.

    Builds the firmware, runs every sample on it and on the host, and compares the outputs bit for bit. Ends with 1 and
    names the first layer that differs if they are not equal.
    """
    from midge.runtime.arrays import random_inputs
    from midge.runtime.comparison import ComparingBackend
    from midge.runtime.firmware import emulated
    from midge.tools.arrays import read_inputs, read_interface
    from midge.tools.evaluation import read_evaluation
    from midge.tools.firmware import describe_build, temporary_firmware

    with Outputs([model, *inputs, evaluate, build.tuning, options.board_file(board)]) as outputs:
        outputs.add("--json", json_path)
        described = load_board(board)
        takes, gives = read_interface(model)
        sets: list[Sequence[Array]] = [read_inputs(inputs, takes, "--inputs")] if inputs else []
        evaluation = None
        if evaluate is not None:
            evaluation = read_evaluation(evaluate, takes, gives, input_scale, input_offset)
        elif not inputs:
            sets.append(random_inputs(takes, samples, seed))
        with (
            temporary_firmware(model, described, build) as firmware,
            emulated(firmware) as backend,
        ):
            comparison, accuracy = _run(sets, evaluation, ComparingBackend(backend))
        where = f"{described.name} ({on}, {describe_build(firmware.build, firmware.compiled.manifest.optimize)})"
        outputs.write_json(json_path, _document(described.name, on, comparison, accuracy))
        outputs.publish()
        _judge(comparison, where, evaluation, accuracy)


def _run(
    sets: list[Sequence[Array]], evaluation: Evaluation | None, comparing: ComparingBackend
) -> tuple[ComparingBackend, float | None]:
    from midge.runtime.model import Model
    from midge.tools.arrays import count_samples

    everything = [*sets, *([evaluation.inputs] if evaluation is not None else [])]
    model = Model(comparing)
    accuracy = None
    with log.progress("running", sum(count_samples(arrays, comparing.inputs) for arrays in everything)) as bar:
        comparing.after_sample = bar.advance
        for arrays in sets:
            model.run(*arrays)
        if evaluation is not None:
            accuracy = evaluation.score(model.run(*evaluation.inputs))
    return comparing, accuracy


def _document(board: str, on: str, comparison: ComparingBackend, accuracy: float | None) -> dict[str, Any]:
    return {
        "schema": 1,
        "board": board,
        "on": on,
        "samples": comparison.samples,
        "equal": comparison.equal,
        "first_difference": None if comparison.first is None else comparison.first.document(),
        "accuracy": accuracy,
    }


def _judge(comparison: ComparingBackend, where: str, evaluation: Evaluation | None, accuracy: float | None) -> None:
    if evaluation is not None and accuracy is not None:
        log.result(f"{evaluation.metric} on {where}: {accuracy:.4g} ({evaluation.samples} samples)")
    if comparison.first is not None:
        raise DifferentError(log.printable(f"{where} differs from the host.\n{comparison.first}"))
    log.result(f"equal: {comparison.samples} samples give the same bits on {where} as on the host.")
