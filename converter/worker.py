"""The process that does the work which TensorFlow may not survive: ``python -m midge.converter.worker FOLDER``.

It reads ``job.json`` in the folder, says each stage on standard output as a line of JSON, and leaves ``out.tflite``
and ``outcome.json``, or ``failure.json``. Whatever TensorFlow prints goes to standard error, which the parent
keeps in a file. Its standard input is a pipe that the parent holds open: when it closes, the parent is gone and
so is the reason to go on.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import msgspec
import numpy as np

from midge.converter import data as data_sets
from midge.converter.checkpoints import Checkpoints
from midge.converter.data import Dataset
from midge.converter.data_sources import read
from midge.converter.job import (
    FAILURE_FILE,
    JOB_FILE,
    OUTCOME_FILE,
    TFLITE_FILE,
    Accuracy,
    Failure,
    Job,
    Outcome,
    Progress,
)
from midge.converter.steps import NETWORK_STEPS, Step
from midge.runtime.errors import ConversionError, DataError, Error

if TYPE_CHECKING:
    from midge.converter.context import Context, State
    from midge.converter.network import Network

VERIFY_SAMPLES = 8
# Float arithmetic in another order moves the last bits; a wrong export is off by far more.
VERIFY_TOLERANCE = 1e-3


def main() -> int:
    """Do the job in the folder that the command line names; the exit code is 0, or 1 with a failure file."""
    folder = Path(sys.argv[1])
    channel = _claim_stdout()
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    job = msgspec.json.decode((folder / JOB_FILE).read_bytes(), type=Job)

    def say(stage: str) -> None:
        channel.write(msgspec.json.encode(Progress(stage)).decode() + "\n")
        channel.flush()

    try:
        outcome = work(job, folder, say)
    except Error as error:
        failure = Failure(type(error).__name__, str(error))
    except MemoryError:
        failure = Failure("ConversionError", f"the memory of this machine does not suffice to convert {job.name}")
    except Exception:
        failure = Failure("", traceback.format_exc())
    else:
        (folder / OUTCOME_FILE).write_bytes(msgspec.json.encode(outcome))
        return 0
    (folder / FAILURE_FILE).write_bytes(msgspec.json.encode(failure))
    return 1


def _claim_stdout() -> TextIO:
    """Keep standard output for the protocol; whatever else is printed, from C too, goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


def _end_with_parent(folder: Path) -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock the interpreter's end would wait for
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def work(job: Job, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Do a job in this process, leaving ``out.tflite`` in ``folder``; ``say`` is told each stage.

    Raises:
        Error: Something is wrong that the user can act on.
    """
    say("starting TensorFlow")
    import tensorflow as tf

    from midge.converter import accuracy, export
    from midge.converter.context import Context, State
    from midge.converter.interpreter import run_tflite
    from midge.converter.layer_errors import LayerNames, layer_errors
    from midge.converter.tflite_file import count_operators

    tf.keras.utils.set_random_seed(job.seed)
    tf.config.experimental.enable_op_determinism()
    say("loading the model")
    network = export.compute_in_float32(_load(job, folder))
    sets = _read_data(job, network, folder)
    evaluate, calibration = sets["evaluation"], sets["calibration"]
    samples = calibration or evaluate or sets["training"]
    if samples is None:
        samples = data_sets.stand_in(network.inputs, VERIFY_SAMPLES, job.seed)
    judge = None if evaluate is None else accuracy.choose_judge(evaluate, network.outputs, network.inputs)
    context = Context(
        name=job.name,
        original=network,
        train=sets["training"],
        calibration=calibration,
        evaluation=evaluate,
        seed=job.seed,
        checkpoints=Checkpoints(None if job.checkpoints is None else Path(job.checkpoints)),
        say=say,
    )
    if job.recipe.needs_training and context.training_data().labels is not None:
        accuracy.choose_judge(context.training_data(), network.outputs, network.inputs)  # labels out of range end here
    state = State(network)
    steps = [(step, context.for_step(number)) for number, step in enumerate(job.recipe.steps)]
    for step, surroundings in steps:
        step.check(state, surroundings)
    for step, surroundings in steps:
        if isinstance(step, NETWORK_STEPS):
            state = _change_network(step, state, surroundings)
    state = _export(state, samples, job.name, say)
    for step, surroundings in steps:
        if not isinstance(step, NETWORK_STEPS):
            state = step.run(state, surroundings)
    content = state.file()
    (folder / TFLITE_FILE).write_bytes(content)

    say("comparing layer by layer")
    assert state.exported is not None
    names = LayerNames(*state.network.layer_names())
    layers = layer_errors(state.exported.content, content, samples, names)
    found = None
    if judge is not None and evaluate is not None:
        say(f"measuring accuracy on {len(evaluate)} samples")
        on, after = run_tflite(folder / TFLITE_FILE, evaluate.inputs)
        before = judge.score(network.predict(evaluate.inputs))
        found = Accuracy(before, judge.score(after), judge.metric, len(evaluate), on)
    versions = {"tensorflow": tf.__version__, "keras": _keras_version()}
    return Outcome(count_operators(content), layers, found, versions, [dict(note) for note in context.notes])


def _change_network(step: Step, state: State, context: Context) -> State:
    """Run a step that changes the float network, unless an earlier, interrupted run has finished it."""
    from midge.converter.network import from_keras

    done, notes = context.checkpoints.load_model("done"), context.checkpoints.load("done")
    if done is not None and notes is not None:
        context.say("taking up an interrupted conversion")
        context.notes.extend(notes[1]["notes"])
        return state.replace(network=from_keras(done))
    before = len(context.notes)
    state = step.run(state, context)
    context.checkpoints.save_model("done", state.network.keras_model)
    context.checkpoints.save("done", {}, {"notes": context.notes[before:]})
    return state


def _export(state: State, samples: Dataset, name: str, say: Callable[[str], None]) -> State:
    """Export the float network and compare the file with it."""
    from midge.converter import export, quantize
    from midge.converter.context import Exported

    say("exporting")
    straight = export.unroll_recurrent(state.network)
    function, module = export.export(straight)
    content = quantize.to_tflite(straight, function, module, None, None)
    _verify(state.network, content, samples.first(VERIFY_SAMPLES), name)
    return state.replace(exported=Exported(straight, function, module, content))


def _load(job: Job, folder: Path) -> Network:
    import tensorflow as tf

    from midge.converter.load import load
    from midge.converter.network import from_saved_model

    if job.input_names:
        return from_saved_model(tf.saved_model.load(job.model), job.input_names, job.output_names)
    return load(Path(job.model), folder)


def _read_data(job: Job, network: Network, folder: Path) -> dict[str, Dataset | None]:
    sources = {"training": job.train, "calibration": job.calibration, "evaluation": job.evaluate}
    units = job.input_scale, job.input_offset
    return {
        role: None
        if source is None
        else data_sets.bind(read(source, role, folder / f"data-{role}"), role, network.inputs, *units)
        for role, source in sources.items()
    }


def _verify(network: Network, float_file: bytes, samples: Dataset, name: str) -> None:
    """Compare the exported float file with the network as it was loaded."""
    from midge.converter.interpreter import Interpreter

    exact = network.predict(samples.inputs)
    found = Interpreter(float_file).run(samples.inputs)
    for spec, a, b in zip(network.outputs, exact, found, strict=True):
        if not np.isfinite(a).all():
            raise DataError(
                f"output {spec.name!r} of {name} is NaN or infinite on the {samples.role} data: check the input's "
                "units (input scale and offset) and the training"
            )
        error = float(np.abs(a.astype(np.float64) - b).max())
        limit = VERIFY_TOLERANCE * float(np.abs(a).max())
        if not error <= limit:
            raise ConversionError(
                f"the exported float network differs from {name} at output {spec.name!r} by {error:.3g} (allowed "
                f"{limit:.3g}): a layer behaves differently when exported; if it is a class of your own, see that it "
                "does not depend on the batch size or on training=True"
            )


def _keras_version() -> str:
    import keras

    return str(keras.__version__)


if __name__ == "__main__":
    sys.exit(main())
