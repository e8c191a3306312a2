"""Class labels that travel with a model: a text file in the ZIP archive that TFLite metadata appends to the file."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

LARGEST_LIST = 1 << 20
"""Bytes: a longer file is no list of labels."""


def read_labels(data: bytes, classes: int) -> tuple[str, ...]:
    """Return the labels of a classifier, or nothing where the file carries none that fit.

    Args:
        data: the whole model file.
        classes: elements of the model's output; a list of any other length is not taken.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not entry.filename.lower().endswith(".txt") or entry.file_size > LARGEST_LIST:
                    continue
                with archive.open(entry) as stream:
                    lines = stream.read(LARGEST_LIST).decode("utf-8", "replace").splitlines()
                if len(lines) == classes:
                    return tuple(line.strip() for line in lines)
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        OSError,
        RuntimeError,
        ValueError,
    ):
        # Labels are a comment on the model: without an archive that can be read, there are none.
        return ()
    return ()
