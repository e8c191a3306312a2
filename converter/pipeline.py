"""`midge.convert`: everything is checked, a child process works, and only then are files written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from midge.converter import data as data_sets
from midge.converter import data_sources
from midge.converter.advice import advise
from midge.converter.prepare import Made, Sources, input_files, prepare, require_data
from midge.converter.recipe import Recipe, load_recipe
from midge.converter.report import ConversionResult, Report, beside
from midge.converter.steps import Step
from midge.runtime.errors import InputError
from midge.runtime.toolchain import cache_directory

PathLike = str | os.PathLike[str]


def convert(
    model: Any,
    recipe: str | Path | Recipe | Sequence[Step] = "int8",
    *,
    output: PathLike,
    train: data_sources.Source | None = None,
    calibration: data_sources.Source | None = None,
    evaluate: data_sources.Source | None = None,
    input_scale: float = 1.0,
    input_offset: float = 0.0,
    seed: int = 0,
    work: PathLike | None = None,
    progress: Callable[[str], None] | None = None,
) -> ConversionResult:
    """Convert a trained Keras model to a `.tflite` file.

    Args:
        model: A Keras 3 or tf_keras model, or the path of a ``.keras`` or ``.h5`` file or a SavedModel directory.
        recipe: The name of a recipe (`midge.converter.recipe_names`), the path of a recipe file, a `Recipe`, or
            steps in order (`midge.converter.steps`).
        output: The file to write. ``OUT.recipe.toml`` and ``OUT.report.json`` are written beside it.
        train: Training data; used by recipes that train. Every data set is the path of an ``.npz``, arrays, a
            `tf.data.Dataset`, a generator, or a function that returns one: see `midge.converter.data_sources.Source`.
        calibration: Samples on which the ranges of activations are observed, all of them; integer recipes need them.
        evaluate: Samples with labels on which the accuracy is measured before and after.
        input_scale: The network sees ``value * input_scale + input_offset`` of all data.
        input_offset: See ``input_scale``.
        seed: Makes everything that is random repeatable.
        work: Folder in which recipes that train keep work in progress: an interrupted conversion that is started again
            with the same arguments goes on where it was. None takes the user's cache. What it keeps there is removed
            when all is done.
        progress: Called with each stage of the work as it begins.

    Returns:
        Size, operators, errors layer by layer and accuracy of what was written.

    Raises:
        InputError: The model, the recipe, the output or an option is wrong; nothing was written.
        DataError: A data set does not fit or is missing.
        MissingToolError: ``midge[convert]`` is not installed.
        ConversionError: The network cannot be converted.
    """
    output = Path(output)
    chosen = load_recipe(recipe)
    data_sets.check_units(input_scale, input_offset)
    sources: Sources = {"training": train, "calibration": calibration, "evaluation": evaluate}
    require_data(chosen, sources)
    inputs = input_files(model, sources)
    check_output(output, inputs, ("", ".report.json", ".recipe.toml"))
    if any(_same(path, recipe) for path in (output, beside(output, ".report.json"))):
        raise InputError(f"the output {output} would overwrite the recipe {recipe}; choose another name")
    with (
        work_folder(work, "convert") if chosen.needs_training else nullcontext() as folder,
        prepare(model, sources, input_scale, input_offset, seed) as prepared,
    ):
        checkpoints = None if folder is None else folder / prepared.key(chosen)
        made = prepared.run(chosen, checkpoints, progress)
        result, contents = describe(made, output)
        recipe_file = beside(output, ".recipe.toml")
        if _same(recipe_file, recipe):
            del contents[recipe_file]  # converted by the very recipe that an earlier run left here
        write_all(contents)
        if checkpoints is not None:
            shutil.rmtree(checkpoints, ignore_errors=True)
    return result


def describe(made: Made, output: Path) -> tuple[ConversionResult, dict[Path, bytes]]:
    """Return the result of a conversion, and the contents of its three files, the `.tflite` file last.

    Args:
        made: what the worker made.
        output: what the `.tflite` file is to be called; the others lie beside it.
    """
    report_file, recipe_file = beside(output, ".report.json"), beside(output, ".recipe.toml")
    result = ConversionResult(
        schema=1,
        recipe=made.recipe.name,
        output=str(output),
        bytes=len(made.content),
        operators=made.outcome.operators,
        layers=made.outcome.layers,
        report=str(report_file),
        recipe_file=str(recipe_file),
        accuracy=made.outcome.accuracy,
        steps=made.outcome.notes,
        advice=advise(made.recipe.quantize, made.outcome.layers, made.outcome.notes),
    )
    report = Report(1, result, made.provenance).json().encode()
    return result, {report_file: report, recipe_file: made.recipe.toml(), output: made.content}


def check_output(output: Path, inputs: Sequence[Path], suffixes: Sequence[str]) -> None:
    """Check that a `.tflite` file and what lies beside it can be written.

    Args:
        output: the `.tflite` file.
        inputs: files and folders that must not be overwritten.
        suffixes: of all files that are written, as `beside` takes them; empty stands for the output itself.

    Raises:
        InputError: they cannot.
    """
    if output.is_dir():
        raise InputError(f"the output {output} is a directory; expected the name of a .tflite file")
    if not output.parent.is_dir():
        raise InputError(f"the folder of the output {output} does not exist")
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"the folder of the output {output} cannot be written to")
    for suffix in suffixes:
        path = beside(output, suffix) if suffix else output
        for other in inputs:
            inside = other.is_dir() and other.resolve() in path.resolve().parents
            if inside or _same(path, other):
                raise InputError(f"the output {path} would overwrite the input {other}; choose another name")


@contextmanager
def work_folder(work: PathLike | None, name: str) -> Iterator[Path]:
    """Give the folder for work in progress, which is there and can be written to; take it away if it stays empty.

    Args:
        work: as the user gave it; None means the cache.
        name: of the folder in the cache.

    Raises:
        InputError: it cannot be made or written to.
    """
    folder = cache_directory() / name if work is None else Path(work)
    found = True
    try:
        found = folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "no permission to write there"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise InputError(f"cannot keep work in progress in {folder}: {reason}; name another folder with --work (work=)")
    try:
        yield folder
    finally:
        if not found:
            with suppress(OSError):  # work in progress lies there
                folder.rmdir()


def _same(path: Path, other: object) -> bool:
    if not isinstance(other, (str, os.PathLike)):
        return False
    try:
        return path.samefile(other)
    except OSError:
        return False


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files or none: each under a temporary name in its folder first, then all renamed.

    Raises:
        InputError: a file cannot be written.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        for path, content in contents.items():
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            ready.append((Path(name), path))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)  # mkstemp's 0600 would stay
        for temporary, path in ready:
            temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {error.filename or 'the output'}: {error.strerror or error}") from None
    finally:
        for temporary, _ in ready:
            temporary.unlink(missing_ok=True)
