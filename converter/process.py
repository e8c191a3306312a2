"""Run a conversion's worker process and turn whatever becomes of it into an outcome or an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from midge.converter.job import FAILURE_FILE, JOB_FILE, OUTCOME_FILE, Failure, Job, Outcome, Progress
from midge.runtime import errors

_LOG_FILE = "log.txt"


def run_job(job: Job, folder: Path, progress: Callable[[str], None] | None) -> Outcome:
    """Run a job in a child process with ``folder`` for its files, and wait for it.

    ``progress`` is called with each stage as it begins. An exception in the parent, Ctrl-C included, kills the child.

    Raises:
        Error: Whatever the child found wrong.
        ConversionError: The child died, as TensorFlow does on some networks.
        KilledError: The child was killed.
        RuntimeError: The child has a bug of ours; its traceback is the message.
    """
    (folder / JOB_FILE).write_bytes(msgspec.json.encode(job))
    stage = "starting"
    with (folder / _LOG_FILE).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "midge.converter.worker", str(folder)],
            stdin=subprocess.PIPE,  # never written to: its closing tells the child that we are gone
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
            start_new_session=True,  # Ctrl-C at the terminal is ours to handle
        )
        try:
            assert child.stdout is not None
            for line in child.stdout:
                stage = msgspec.json.decode(line, type=Progress).stage
                if progress is not None:
                    progress(stage)
            code = child.wait()
        finally:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()

    if code == 0:
        return msgspec.json.decode((folder / OUTCOME_FILE).read_bytes(), type=Outcome)
    if not (folder / FAILURE_FILE).exists():
        kind = errors.KilledError if code == -signal.SIGKILL else errors.ConversionError
        raise kind(explain_death(code, stage, job))
    failure = msgspec.json.decode((folder / FAILURE_FILE).read_bytes(), type=Failure)
    if not failure.error:
        raise RuntimeError(f"while {stage}:\n{failure.message}")
    error: type[errors.Error] = getattr(errors, failure.error)
    raise error(failure.message)


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONSAFEPATH": "1",  # a keras.py in the user's folder is not ours to import
        "TF_CPP_MIN_LOG_LEVEL": "1",
        # The same numbers on every processor, so that the same inputs make the same file.
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }


def explain_death(code: int, stage: str, job: Job) -> str:
    """Say how a worker died, at which stage, the likely cause and the way out."""
    if code == -signal.SIGKILL:
        return (
            f"the conversion of {job.name} was killed while {stage}, most likely because the machine ran out of "
            "memory; close other programs or use fewer calibration samples"
        )
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    text = f"TensorFlow crashed ({how}) while {stage} {job.name}; nothing was written"
    if job.recipe.needs_calibration:
        text += (
            ". The usual cause is a loop (a recurrent layer that is not unrolled) or an operator without an integer "
            "form: build recurrent layers with unroll=True, or find the layer with the recipe float32 or dynamic"
        )
    return text
