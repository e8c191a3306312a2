"""Class labels in the archive behind a model."""

import io
import zipfile
from pathlib import Path

import pytest

from midge.runtime.backends.c.emit import emit
from midge.runtime.model import compile_graph
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.program import Target
from midge.runtime.tflite.reader import read_model

MODEL = (Path(__file__).parents[2] / "models" / "digits_int8.tflite").read_bytes()
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def with_file(name: str, content: str) -> bytes:
    """The digits model with one more file behind it, as TFLite metadata stores label lists."""
    stream = io.BytesIO(MODEL)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def test_labels_are_read_and_reach_the_generated_header() -> None:
    graph = read_model(with_file("labels.txt", "\n".join(NAMES)), "digits")
    program = compile_graph(graph, Target())
    header = emit(program, plan_memory(program), "digits")["digits.h"]

    assert graph.labels == NAMES
    assert all(name in header or name in emit(program, plan_memory(program), "digits")["digits.c"] for name in NAMES)


def test_a_list_of_another_length_is_not_taken() -> None:
    assert read_model(with_file("labels.txt", "cat\ndog"), "digits").labels == ()


def test_a_model_without_an_archive_has_none() -> None:
    assert read_model(MODEL, "digits").labels == ()


@pytest.mark.parametrize("position", range(-60, 0, 3))
def test_a_damaged_archive_means_no_labels_or_other_ones_but_never_an_error(position: int) -> None:
    data = bytearray(with_file("labels.txt", "\n".join(NAMES)))
    data[position] ^= 0x55

    assert len(read_model(bytes(data), "digits").labels) in (0, len(NAMES))
