"""Damaging model files: bit flips, words, truncations and splices, mostly where the structure is."""

from __future__ import annotations

import numpy as np

from midge.runtime.errors import Error
from midge.runtime.tflite import schema
from midge.runtime.tflite.flatbuffer import FlatBuffer

WORDS = (0, 1, 2, 3, 4, 8, 16, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4)


def structure(data: bytes) -> np.ndarray:
    """Return the positions of all bytes that are not inside a large constant."""
    keep = np.ones(len(data), bool)
    try:
        for table in FlatBuffer(data).root().tables(schema.Model.BUFFERS, 100_000):
            array = table.array(schema.Buffer.DATA, "uint8")
            if array is not None and len(array) > 32:
                start = array.ctypes.data - np.frombuffer(data, np.uint8).ctypes.data
                keep[start : start + len(array)] = False
    except Error:
        pass  # a seed that is not a model is damaged all over
    return np.flatnonzero(keep)


def mutate(data: bytes, places: np.ndarray, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Return `data` with one to four random damages."""
    mutant = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        if len(mutant) < 16:
            break
        position = int(rng.choice(places)) if rng.random() < 0.85 else int(rng.integers(0, len(mutant)))
        position = min(position, len(mutant) - 8)
        kind = rng.random()
        if kind < 0.35:
            mutant[position] ^= 1 << int(rng.integers(0, 8))
        elif kind < 0.75:
            word = int(rng.choice(WORDS)) if rng.random() < 0.6 else int(rng.integers(0, 2**32))
            position -= position % 4
            mutant[position : position + 4] = word.to_bytes(4, "little")
        elif kind < 0.85:
            del mutant[int(rng.integers(0, len(mutant))) :]
        else:
            other = others[int(rng.integers(0, len(others)))]
            size = int(rng.integers(1, 256))
            start = int(rng.integers(0, max(1, len(other) - size)))
            piece = other[start : start + size]
            if rng.random() < 0.5:
                mutant[position : position + len(piece)] = piece
            else:
                mutant[position:position] = piece
    return bytes(mutant)
