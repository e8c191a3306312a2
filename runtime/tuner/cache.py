"""Counts that were made before, on disk: one small file for each core, compiler and version of the kernels."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from midge.runtime.native import KERNELS
from midge.runtime.program import KernelCall, ParamValue


class Cost(msgspec.Struct, frozen=True):
    """What one way to compute a layer costs."""

    instructions: int
    code: int
    """Bytes of the layer's function; a specialised one holds its own copy of the kernel."""
    cycles: int | None = None
    """Modelled, where the core has a model."""

    @property
    def time(self) -> int:
        """What stands for the time it takes: cycles, or instructions where there is no model of the core's cycles."""
        return self.instructions if self.cycles is None else self.cycles


def signature(calls: Iterable[KernelCall], specialised: bool) -> str:
    """Return what tells a layer's kernel calls from all others: parameters and constants, not tensors' places."""
    digest = hashlib.sha256(b"own" if specialised else b"common")
    for call in calls:
        digest.update(f"{call.kernel} {call.scratch} {len(call.inputs)} {len(call.outputs)}".encode())
        _update(digest, call.params)
    return digest.hexdigest()[:32]


def _update(digest: hashlib._Hash, value: ParamValue) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            digest.update(name.encode())
            _update(digest, inner)
    else:
        digest.update(repr(value).encode())


@lru_cache(maxsize=1)
def _kernels_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(KERNELS.rglob("*.[ch]")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class CostCache:
    """Costs by signature. A damaged or unwritable file only costs time."""

    def __init__(self, folder: Path, context: str) -> None:
        """Read what there is.

        Args:
            folder: where the files lie; made when something is to be saved.
            context: all else that the counts depend on: core, compiler and its flags.
        """
        key = hashlib.sha256(f"{context} {_kernels_digest()}".encode()).hexdigest()[:16]
        self._path = folder / f"{key}.json"
        try:
            self._costs = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Cost])
        except (OSError, msgspec.DecodeError):
            self._costs = {}

    def get(self, key: str) -> Cost | None:
        """Return what is known of a signature."""
        return self._costs.get(key)

    def put(self, key: str, cost: Cost) -> None:
        """Remember a count until `save`."""
        self._costs[key] = cost

    def save(self) -> None:
        """Write everything, together with what others have saved meanwhile; whole or not at all."""
        try:
            others = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Cost])
        except (OSError, msgspec.DecodeError):
            others = {}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._path.parent)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(msgspec.json.encode(others | self._costs))
            Path(name).replace(self._path)
        except OSError:
            return
