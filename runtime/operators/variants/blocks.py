"""Weights that are zero in whole blocks of output channels and inputs."""

from __future__ import annotations

BLOCKS = ((4, 2),)
"""Block shapes that the kernels exploit, the best first: (output channels, inputs).

Block (i, j) of a matrix of shape (outputs, inputs) is what lies in rows 4i to 4i + 3 and columns 2j and 2j + 1; blocks at
the ends may be cut off. A matrix whose zeros fill whole blocks costs flash and time for its other blocks only. Wherever
the zeros lie else, lists of single weights exploit them."""
