"""Where the zeros of a sparse matrix may lie."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Unstructured:
    """Anywhere."""


@dataclass(frozen=True)
class NOfM:
    """At most ``n`` weights of every ``m`` consecutive input channels are not zero; counted from the first channel."""

    n: int
    m: int


@dataclass(frozen=True)
class Blocks:
    """Whole blocks of ``outputs`` times ``inputs`` weights are zero; those at the ends may be cut off.

    Block (i, j) begins at output channel ``i * outputs`` and at input ``j * inputs``, where the inputs of a convolution
    are counted as a `.tflite` file has them: row, column, channel.
    """

    outputs: int
    inputs: int


Pattern = Unstructured | NOfM | Blocks


def parse_pattern(text: str) -> Pattern:
    """Read a pattern: "unstructured", "N:M" such as "2:4", or "OUTPUTSxINPUTS" such as "4x2".

    Raises:
        ValueError: it is none of these, or makes no zeros.
    """
    if text == "unstructured":
        return Unstructured()
    if found := re.fullmatch(r"(\d+):(\d+)", text):
        n, m = int(found[1]), int(found[2])
        if 0 < n < m <= 64:
            return NOfM(n, m)
        raise ValueError(f"the pattern N:M needs 0 < N < M <= 64, found {text!r}")
    if found := re.fullmatch(r"(\d+)x(\d+)", text):
        outputs, inputs = int(found[1]), int(found[2])
        if 0 < outputs <= 64 and 0 < inputs <= 64:
            return Blocks(outputs, inputs)
        raise ValueError(f"the sides of a block must be from 1 to 64, found {text!r}")
    raise ValueError(
        f'pattern must be "unstructured", "N:M" (at most N of M inputs, such as "2:4") or "OUTPUTSxINPUTS" (blocks, '
        f'such as "4x2"), found {text!r}'
    )
