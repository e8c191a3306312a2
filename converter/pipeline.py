"""`midge.convert`: everything is checked, a child process works, and only then are files written."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from midge.converter import data as data_sets
from midge.converter import data_sources
from midge.converter.job import TFLITE_FILE, Job
from midge.converter.live import save_live
from midge.converter.model_source import check_path, keras_of, require_tensorflow
from midge.converter.process import run_job
from midge.converter.recipe import Recipe, load_recipe
from midge.converter.report import ConversionResult, Provenance, Report, beside, sha256
from midge.runtime.errors import DataError, InputError
from midge.runtime.toolchain import cache_directory

PathLike = str | os.PathLike[str]


def convert(
    model: Any,
    recipe: str | Path | Recipe = "int8",
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
        recipe: The name of a recipe (`midge.converter.recipe_names`), the path of a recipe file, or a `Recipe`.
        output: The file to write. ``OUT.recipe.toml`` and ``OUT.report.json`` are written beside it.
        train: Training data; used by recipes that train. Every data set is the path of an ``.npz``, arrays, a
            `tf.data.Dataset`, a generator, or a function that returns one: see `midge.converter.data_sources.Source`.
        calibration: Samples on which the ranges of activations are observed, all of them; integer recipes need them.
        evaluate: Samples with labels on which the accuracy is measured before and after.
        input_scale: The network sees ``value * input_scale + input_offset`` of all data.
        input_offset: See ``input_scale``.
        seed: Makes everything that is random repeatable.
        work: Folder for work in progress of recipes that train: an interrupted conversion that is started again with
            the same arguments goes on where it was. None takes the user's cache. It is removed when all is done.
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
    sources = {"training": train, "calibration": calibration, "evaluation": evaluate}
    if chosen.needs_calibration and calibration is None:
        raise DataError(
            f"the recipe {chosen.name} needs calibration data: 100 to 500 typical inputs, without labels "
            "(--calibration FILE.npz, or calibration= in Python)"
        )
    if chosen.needs_training and train is None and calibration is None:
        raise DataError(
            f"the recipe {chosen.name} trains and needs data: training samples with labels (--train FILE.npz, or "
            "train= in Python), or at least calibration data, on which it learns to agree with the original network"
        )
    family = "" if isinstance(model, (str, os.PathLike)) else keras_of(model)
    if not family:
        check_path(Path(model))
    files = [Path(s) for s in sources.values() if isinstance(s, (str, os.PathLike)) and not data_sources.is_function(s)]
    _check_output(output, [*files, *([] if family else [Path(model)])], recipe)
    with tempfile.TemporaryDirectory(prefix="midge-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        arrays = {
            role: data_sources.read(source, role, folder / role)
            for role, source in sources.items()
            if source is not None
        }
        require_tensorflow()
        path, input_names, output_names = Path(str(model)).absolute(), list[str](), list[str]()
        if family:
            path, input_names, output_names = save_live(model, family, folder)
        paths = _data_files(sources, arrays, folder)
        job = Job(
            model=str(path),
            name=f"the model {model.name!r}" if family else str(model),
            recipe=chosen,
            train=paths.get("training"),
            calibration=paths.get("calibration"),
            evaluate=paths.get("evaluation"),
            input_scale=float(input_scale),
            input_offset=float(input_offset),
            seed=seed,
            input_names=input_names,
            output_names=output_names,
        )
        if chosen.needs_training:
            job = msgspec.structs.replace(job, checkpoints=str(work or _checkpoint_folder(job)))
        outcome = run_job(job, folder, progress)
        made = folder / TFLITE_FILE
        report_file, recipe_file = beside(output, ".report.json"), beside(output, ".recipe.toml")
        result = ConversionResult(
            schema=1,
            recipe=chosen.name,
            output=str(output),
            bytes=made.stat().st_size,
            operators=outcome.operators,
            layers=outcome.layers,
            report=str(report_file),
            recipe_file=str(recipe_file),
            accuracy=outcome.accuracy,
            steps=outcome.notes,
        )
        provenance = Provenance(
            midge=version("midge"),
            versions=outcome.versions,
            model="live model" if family else Path(model).name,
            model_sha256=sha256(path),
            output_sha256=sha256(made),
            seed=seed,
            input_scale=float(input_scale),
            input_offset=float(input_offset),
            data_sha256={role: sha256(Path(file)) for role, file in paths.items()},
        )
        report = Report(1, result, provenance)
        contents = {report_file: report.json().encode(), recipe_file: chosen.toml(), output: made.read_bytes()}
        if _same(recipe_file, recipe):
            del contents[recipe_file]  # converted by the very recipe that an earlier run left here
        _write_all(contents)
    if job.checkpoints is not None:
        shutil.rmtree(job.checkpoints, ignore_errors=True)
    return result


def _checkpoint_folder(job: Job) -> Path:
    """Name a folder in the user's cache by all that the result depends on: the same conversion finds it again."""
    files = [job.model, job.train, job.calibration, job.evaluate]
    parts = [version("midge"), job.recipe.toml().decode(), str(job.seed), str(job.input_scale), str(job.input_offset)]
    parts += ["-" if file is None else sha256(Path(file)) for file in files]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    return cache_directory() / "convert" / key


def _check_output(output: Path, inputs: list[Path], recipe: str | Path | Recipe) -> None:
    if output.is_dir():
        raise InputError(f"the output {output} is a directory; expected the name of a .tflite file")
    if not output.parent.is_dir():
        raise InputError(f"the folder of the output {output} does not exist")
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"the folder of the output {output} cannot be written to")
    written = (output, beside(output, ".report.json"), beside(output, ".recipe.toml"))
    for path in written:
        for other in inputs:
            inside = other.is_dir() and other.resolve() in path.resolve().parents
            if inside or _same(path, other):
                raise InputError(f"the output {path} would overwrite the input {other}; choose another name")
    if any(_same(path, recipe) for path in written[:2]):
        raise InputError(f"the output {output} would overwrite the recipe {recipe}; choose another name")


def _same(path: Path, other: object) -> bool:
    if not isinstance(other, (str, os.PathLike)):
        return False
    try:
        return path.samefile(other)
    except OSError:
        return False


def _data_files(sources: Mapping[str, Any], arrays: Mapping[str, data_sources.Arrays], folder: Path) -> dict[str, str]:
    """Return each data set's path; arrays are written below ``folder`` first, streams lie there already."""
    paths = {}
    for role, contents in arrays.items():
        source = sources[role]
        if contents.folder is not None:
            paths[role] = str(contents.folder)
        elif isinstance(source, (str, os.PathLike)) and not data_sources.is_function(source):
            paths[role] = str(Path(source).absolute())
        else:
            file = folder / f"{role}.npz"
            np.savez(file, allow_pickle=False, **dict(contents.by_name))
            paths[role] = str(file)
    return paths


def _write_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files or none: each under a temporary name in its folder first, then all renamed."""
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
