"""What an emulated core can do: the interface that each engine implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from midge.runtime.emulators.trace import Block, Trace

Register = Literal["pc", "sp", "lr"]
"""`lr` is the return address: `ra` on RISC-V. Code addresses come without the Thumb bit."""

STEP_LIMIT = 5_000_000_000
"""Instructions after which a run counts as hung: a minute or two of emulation, far above any inference."""


@dataclass
class FaultError(Exception):
    """The core cannot go on."""

    reason: str
    pc: int
    address: int | None = None
    """The address accessed, where there is one."""


class Engine(ABC):
    """A core that has been reset and stands before its first instruction."""

    name: str
    trace: Trace

    @abstractmethod
    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes of memory."""

    @abstractmethod
    def write(self, address: int, data: bytes) -> None:
        """Change memory."""

    @abstractmethod
    def register(self, name: Register) -> int:
        """Return a register of the stopped core."""

    @abstractmethod
    def run_until(self, address: int, limit: int) -> None:
        """Go on until the instruction at `address` is next; it is not executed.

        It must not be next already.

        Raises:
            FaultError: the core got stuck, or at least `limit` instructions did not lead to `address`.
            DeviceError: the emulator itself failed.
        """

    @abstractmethod
    def watch_arena(self, back: int, limit: int, inputs: Sequence[tuple[int, int]]) -> None:
        """Make sure that `touched` will know what the coming run until `back` accesses; the core stays where it is.

        Args:
            back: where the run will end.
            limit: as for `run_until`.
            inputs: address and bytes of each input, which is in its place.

        Raises:
            FaultError: the core would fault on that way.
        """

    @abstractmethod
    def touched(self) -> npt.NDArray[np.uint8]:
        """Return, for each byte of the arena, 2 if the run wrote it, 1 if it only read it and the engine can say so.

        Not 0 means touched. What an inference reads without having written it is an input, or a mistake.
        """

    def blocks(self) -> tuple[Block, ...]:
        """Return what was recorded since `trace.begin`."""
        return self.trace.blocks()

    @abstractmethod
    def close(self) -> None:
        """Free everything; may be called more than once."""
