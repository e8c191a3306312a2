"""What the two processes of a conversion tell each other: a job goes in, progress and an outcome come out."""

from __future__ import annotations

from typing import Any

import msgspec

from midge.converter.recipe import Recipe


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One conversion, as the worker is asked for it. All paths are absolute.

    ``model`` is what to load, ``name`` what messages call it. ``input_names`` and ``output_names`` give the order
    of a SavedModel's arguments where the order is known. The data are paths of ``.npz`` files or None;
    ``checkpoints`` is a folder for work in progress, or None to keep none.
    """

    model: str
    name: str
    recipe: Recipe
    train: str | None = None
    calibration: str | None = None
    evaluate: str | None = None
    input_scale: float = 1.0
    input_offset: float = 0.0
    seed: int = 0
    checkpoints: str | None = None
    input_names: list[str] = []
    output_names: list[str] = []


class LayerError(msgspec.Struct, frozen=True):
    """One layer's quantization error.

    ``rms_error`` is relative, without unit: over all elements of all samples of the layer's output,
    ``sqrt(mean((quantized - float)^2)) / sqrt(mean((float - mean(float))^2))``: the error's root mean square over
    the spread (standard deviation) of the float output. Where that is constant, its root mean square takes the
    spread's place; where it is zero throughout, the error is absolute. 0.01 is 1 % of the signal; 1 means that
    nothing of the signal is left.
    """

    name: str
    op: str
    rms_error: float


class Accuracy(msgspec.Struct, frozen=True):
    """The same measure of the Keras model (``before``) and of the `.tflite` file (``after``).

    ``metric`` is ``accuracy`` (share of samples that are right, 0 to 1) or ``mean squared error`` (in the square of the
    output's unit); ``samples`` is how many samples were judged; ``on`` is what ran the `.tflite` file: ``host`` for
    Midge's own runtime, ``litert`` where Midge has no kernels for it.
    """

    before: float
    after: float
    metric: str
    samples: int
    on: str = "host"


class Outcome(msgspec.Struct, frozen=True):
    """What the worker found out; the `.tflite` file itself lies beside it.

    ``operators`` counts the file's operators by name; ``accuracy`` is None without evaluation data; ``versions``
    are those of the packages that did the work; ``notes`` is what the recipe's steps found out, see `Context.notes`.
    """

    operators: dict[str, int]
    layers: list[LayerError]
    accuracy: Accuracy | None
    versions: dict[str, str]
    notes: list[dict[str, Any]] = []


class Failure(msgspec.Struct, frozen=True):
    """An error in the worker: the name of a class of `midge.runtime.errors` (empty: our bug) and its message."""

    error: str
    message: str


class Progress(msgspec.Struct, frozen=True):
    """One line of the worker's standard output: the stage that begins."""

    stage: str


JOB_FILE = "job.json"
OUTCOME_FILE = "outcome.json"
FAILURE_FILE = "failure.json"
TFLITE_FILE = "out.tflite"
