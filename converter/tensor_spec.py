"""What a network takes and gives, without TensorFlow."""

from __future__ import annotations

import msgspec


class TensorSpec(msgspec.Struct, frozen=True):
    """One input or output of a network.

    ``shape`` is one sample's, without the batch axis; ``dtype`` is NumPy's name of the type.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
