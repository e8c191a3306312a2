"""What conversions of one model share: its sources are checked and read once, then recipes run on them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from midge.converter import data_sources
from midge.converter.job import FAILURE_FILE, OUTCOME_FILE, TFLITE_FILE, Job, Outcome
from midge.converter.live import save_live
from midge.converter.model_source import check_path, keras_of, require_tensorflow
from midge.converter.process import run_job
from midge.converter.recipe import Recipe
from midge.converter.report import Provenance, sha256
from midge.runtime.errors import DataError

Sources = Mapping[str, data_sources.Source | None]
"""The data sets of a conversion by their roles: ``training``, ``calibration`` and ``evaluation``."""

_NOTHING_DONE = Recipe(schema=1, name="float32", summary="", steps=())


@dataclass(frozen=True)
class Made:
    """What a recipe made of a model."""

    recipe: Recipe
    content: bytes
    """The `.tflite` file."""
    outcome: Outcome
    provenance: Provenance


@dataclass(frozen=True)
class Prepared:
    """A model and its data, ready for any recipe."""

    _job: Job
    _folder: Path
    _model_file: str
    """The model's name in reports."""
    _hashes: Mapping[str, str]
    """SHA-256 of the model and of each data set."""

    def key(self, recipe: Recipe | None = None) -> str:
        """Return what tells this work from all other: the result depends on nothing else.

        Args:
            recipe: to run on it; None leaves that open.
        """
        job = self._job
        parts = [version("midge"), str(job.seed), str(job.input_scale), str(job.input_offset)]
        parts += [f"{name} {digest}" for name, digest in sorted(self._hashes.items())]
        parts += [] if recipe is None else [recipe.toml().decode()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    def run(self, recipe: Recipe, checkpoints: Path | None, progress: Callable[[str], None] | None) -> Made:
        """Run a recipe in a process of its own.

        Args:
            recipe: its data must be there, see `require_data`.
            checkpoints: folder for work in progress, or None to keep none.
            progress: called with each stage of the work as it begins.

        Raises:
            Error: see `midge.converter.process.run_job`.
        """
        for left_over in (FAILURE_FILE, OUTCOME_FILE, TFLITE_FILE):
            (self._folder / left_over).unlink(missing_ok=True)
        job = msgspec.structs.replace(
            self._job, recipe=recipe, checkpoints=None if checkpoints is None else str(checkpoints.absolute())
        )
        outcome = run_job(job, self._folder, progress)
        content = (self._folder / TFLITE_FILE).read_bytes()
        provenance = Provenance(
            midge=version("midge"),
            versions=outcome.versions,
            model=self._model_file,
            model_sha256=self._hashes["model"],
            output_sha256=hashlib.sha256(content).hexdigest(),
            seed=job.seed,
            input_scale=job.input_scale,
            input_offset=job.input_offset,
            data_sha256={role: digest for role, digest in self._hashes.items() if role != "model"},
        )
        return Made(recipe, content, outcome, provenance)


def require_data(recipe: Recipe, sources: Sources) -> None:
    """Check that a recipe has the data that it needs.

    Raises:
        DataError: it has not.
    """
    if recipe.needs_calibration and sources["calibration"] is None:
        raise DataError(
            f"the recipe {recipe.name} needs calibration data: 100 to 500 typical inputs, without labels "
            "(--calibration FILE.npz, or calibration= in Python)"
        )
    if recipe.needs_training and sources["training"] is None and sources["calibration"] is None:
        raise DataError(
            f"the recipe {recipe.name} trains and needs data: training samples with labels (--train FILE.npz, or "
            "train= in Python), or at least calibration data, on which it learns to agree with the original network"
        )


def input_files(model: Any, sources: Sources) -> list[Path]:
    """Return the files that a conversion reads, after checking that the model is one.

    Raises:
        InputError: it is not.
    """
    files = [
        Path(source)
        for source in sources.values()
        if isinstance(source, (str, os.PathLike)) and not data_sources.is_function(source)
    ]
    if not isinstance(model, (str, os.PathLike)):
        keras_of(model)
        return files
    check_path(Path(model))
    return [*files, Path(model)]


@contextmanager
def prepare(model: Any, sources: Sources, input_scale: float, input_offset: float, seed: int) -> Iterator[Prepared]:
    """Read and check a model's data, and keep both at hand until the block ends; arguments as those of `convert`.

    Raises:
        InputError: the model is none.
        DataError: a data set is unreadable, empty, or holds NaN or infinity.
        MissingToolError: ``midge[convert]`` is not installed.
    """
    family = "" if isinstance(model, (str, os.PathLike)) else keras_of(model)
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
            recipe=_NOTHING_DONE,
            train=paths.get("training"),
            calibration=paths.get("calibration"),
            evaluate=paths.get("evaluation"),
            input_scale=float(input_scale),
            input_offset=float(input_offset),
            seed=seed,
            input_names=input_names,
            output_names=output_names,
        )
        hashes = {"model": sha256(path)} | {role: sha256(Path(file)) for role, file in paths.items()}
        yield Prepared(job, folder, "live model" if family else Path(model).name, hashes)


def _data_files(sources: Sources, arrays: Mapping[str, data_sources.Arrays], folder: Path) -> dict[str, str]:
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
