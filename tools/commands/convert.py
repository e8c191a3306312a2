"""`midge convert`: a Keras model in, a `.tflite` file out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from midge.runtime.errors import InputError
from midge.tools import log, options
from midge.tools.outputs import STANDARD_OUTPUT, Outputs
from midge.tools.tables import count, make_table, short_name

if TYPE_CHECKING:
    from midge.converter import ConversionResult

F = TypeVar("F", bound=Callable[..., Any])

_LAYERS = 10
_WIDTHS = 6
_UNITS = {"macs": "MACs", "ram": "RAM"}


def _file_or_function(_: click.Context, __: click.Parameter, value: str | None) -> Path | str | None:
    from midge.converter.data_sources import is_function

    return value if value is None or is_function(value) else Path(value)


def _data_option(name: str, help_text: str) -> Callable[[F], F]:
    return click.option(
        f"--{name}", callback=_file_or_function, metavar="F.npz|MODULE:FUNCTION", help=f"{help_text} Default: none."
    )


@click.command("convert")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.tflite",
    help="File to write. The recipe and a report are written beside it.",
)  # fmt: skip
@click.option(
    "--recipe", metavar="NAME|FILE",
    help="What to make, such as float32, int8, mixed, int4 or int16x8 (an unknown name lists all), or a recipe file of "
    "your own. Default: int8.",
)  # fmt: skip
@_data_option("train", "Training data, for recipes that train; others ignore it.")
@_data_option("calibration", "Typical inputs (100 to 500 samples), to see the ranges of activations; int8 needs them.")
@_data_option("evaluate", "Inputs with labels, to measure the accuracy before and after.")
@options.unit_options
@click.option("--seed", type=int, default=0, show_default=True, help="Makes everything that is random repeatable.")
@click.option(
    "--fit", "budget", metavar='"BOUNDS"',
    help='Search for a recipe whose model meets bounds on the board, such as "accuracy>=0.85 latency_us<=50000 '
    'ram<=64000 flash<=256000"; also instructions and mean_squared_error. Needs --board and --evaluate. Default: none.',
)  # fmt: skip
@options.board_option(required=False)
@click.option(
    "--trainings", type=click.IntRange(min=0), metavar="N",
    help="Most recipes that --fit trains; 0 tries only what can be had without. Default: 8.",
)  # fmt: skip
@click.option(
    "--work", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Folder for work in progress: after an interruption the same command goes on from there, and searches for "
    "other boards use its trials. Default: the cache.",
)  # fmt: skip
@options.json_option
def command(
    model: Path,
    output: Path,
    recipe: str | None,
    train: Path | str | None,
    calibration: Path | str | None,
    evaluate: Path | str | None,
    input_scale: float,
    input_offset: float,
    seed: int,
    budget: str | None,
    board: str | None,
    trainings: int | None,
    work: Path | None,
    json_path: Path | None,
) -> None:
    """Turn a trained Keras model into a .tflite file.

    MODEL is a .keras or .h5 file, or a SavedModel folder. Data files are .npz with `x` (or `images`, `specs`, or the
    inputs' names) and `y` (or `labels`), in the model's own units. MODULE:FUNCTION names a function in a Python module
    on the path or in the current folder, which returns arrays, a tf.data.Dataset or a generator of samples or batches.
    """
    files = [data for data in (train, calibration, evaluate) if isinstance(data, Path)]
    arguments = {
        "output": output,
        "train": train,
        "calibration": calibration,
        "evaluate": evaluate,
        "input_scale": input_scale,
        "input_offset": input_offset,
        "seed": seed,
        "work": work,
    }
    with Outputs([model, *files, _recipe_file(recipe), options.board_file(board)]) as outputs:
        outputs.add("--json", json_path)
        _keep_apart(json_path, output)
        if budget is not None:
            _fit(model, budget, board, recipe, trainings, arguments, outputs, json_path)
            return
        if trainings is not None:
            raise InputError("--trainings belongs to --fit, which is not given")
        result = _convert(model, recipe or "int8", **arguments)
        _print(result, model)
        outputs.write_json(json_path, _document(result))


def _fit(
    model: Path,
    budget: str,
    board: str | None,
    recipe: str | None,
    trainings: int | None,
    arguments: dict[str, Any],
    outputs: Outputs,
    json_path: Path | None,
) -> None:
    from midge.converter.search.fitting import TRAININGS, refusal
    from midge.tools.fit import print_nearest, print_trials, search

    if recipe is not None:
        raise InputError("--recipe and --fit exclude each other: --fit finds the recipe")
    if board is None:
        raise InputError("--fit needs --board: `midge boards` lists them")
    result = search(model, budget, board, trainings=TRAININGS if trainings is None else trainings, **arguments)
    print_trials(result)
    if result.conversion is None:
        print_nearest(result)
        outputs.write_json(json_path, {"schema": 1, "fit": result.document()})
        outputs.publish()
        raise refusal(result)
    log.result("")
    _print(result.conversion, model)
    if result.picture is not None:
        log.result(log.printable(f"The trade-off as a picture: {result.picture.name}"))
    outputs.write_json(json_path, _document(result.conversion) | {"fit": result.document()})


def _recipe_file(recipe: str | None) -> Path | None:
    return Path(recipe) if recipe is not None and Path(recipe).is_file() else None


def _keep_apart(json_path: Path | None, output: Path) -> None:
    """Refuse a JSON file that is one of those the converter writes."""
    if json_path is None or json_path == STANDARD_OUTPUT:
        return
    from midge.converter.report import beside

    written = Outputs()
    for path in (output, *(beside(output, suffix) for suffix in (".report.json", ".recipe.toml", ".fit.svg"))):
        written.add("-o", path)
    written.add("--json", json_path)


def _convert(model: Path, recipe: str, **arguments: Any) -> ConversionResult:
    from midge.converter import convert

    with log.progress("converting") as bar:

        def tell(stage: str) -> None:
            bar.describe(stage)
            log.detail(stage)

        return convert(model, recipe, progress=tell, **arguments)


def _document(result: ConversionResult) -> dict[str, Any]:
    accuracy = result.accuracy
    return {
        "schema": 1,
        "recipe": result.recipe,
        "output": result.output,
        "bytes": result.bytes,
        "operators": result.operators,
        "layers": [{"name": layer.name, "op": layer.op, "rms_error": layer.rms_error} for layer in result.layers],
        "accuracy": None if accuracy is None else {"before": accuracy.before, "after": accuracy.after},
    }


def _print(result: ConversionResult, model: Path) -> None:
    before = f" (the Keras model: {count(model.stat().st_size)})" if model.is_file() else ""
    log.result(log.printable(f"{result.output}: {count(result.bytes)} bytes{before}, recipe {result.recipe}"))
    operators = ", ".join(f"{number} {name}" for name, number in sorted(result.operators.items()))
    log.result_wrapped(f"operators: {operators}", hanging=2)
    if result.accuracy is not None:
        accuracy = result.accuracy
        engine = "" if accuracy.on == "host" else f", the file run by {accuracy.on}"
        log.result(
            f"{accuracy.metric}: {accuracy.before:.4f} before, {accuracy.after:.4f} after "
            f"({accuracy.samples} samples{engine})"
        )
    for note in result.steps:
        if note["kind"] == "prune":
            _print_pruning(note)
    _print_layers(result)
    log.result(log.printable(f"Beside it: {Path(result.report).name}, {Path(result.recipe_file).name}"))


def _print_pruning(note: dict[str, Any]) -> None:
    """Say what a network lost: its costs, and its layers' channels, those that lost the largest share first."""
    costs = ", ".join(
        f"{_UNITS.get(kind, kind)} {count(before)} to {count(note['after'][kind])} "
        f"(-{1 - note['after'][kind] / max(before, 1):.1%})"
        for kind, before in note["before"].items()
    )
    log.result_wrapped(f"pruned: {costs}", hanging=2)
    narrower = [group for group in note["groups"] if group["after"] < group["before"]]
    narrower.sort(key=lambda group: group["after"] / group["before"])
    shown = narrower if log.is_verbose() else narrower[:_WIDTHS]
    parts = [f"{short_name(group['name'])} {group['before']} to {group['after']}" for group in shown]
    if len(shown) < len(narrower):
        parts.append(f"{len(narrower) - len(shown)} more (--verbose lists all)")
    gone = f"; branches removed: {', '.join(note['blocks'])}" if note["blocks"] else ""
    log.result_wrapped(log.printable(f"channels: {', '.join(parts) or 'as before'}{gone}"), hanging=2)


def _print_layers(result: ConversionResult) -> None:
    if not result.layers:
        return
    layers = sorted(result.layers, key=lambda layer: -layer.rms_error)
    shown = layers if log.is_verbose() else layers[:_LAYERS]
    log.result("")
    log.result("Quantization error of each layer's output, the worst first; 1 % means 1/100 of its spread.")
    table = make_table(">Error", "Operator", "~Layer")
    for layer in shown:
        table.add_row(f"{layer.rms_error:.2%}", layer.op, short_name(layer.name, 60))
    log.result(table)
    if len(shown) < len(layers):
        log.result(f"{len(layers) - len(shown)} more layers; --verbose lists all.")
    for sentence in result.advice:
        log.result_wrapped(log.printable(sentence), hanging=2)
    log.result("")
