"""A client of the GDB remote serial protocol, as far as stopping a core and looking at it needs.

The protocol is described in the GDB manual, appendix "GDB Remote Serial Protocol".
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

from midge.runtime.errors import DeviceError

_CHUNK = 1024
"""Bytes of memory in one packet: QEMU takes packets of up to 4096 characters."""


class GdbClient:
    """One conversation with a stub, whose core is stopped at the start."""

    def __init__(self, connection: socket.socket, *, timeout_s: float = 20.0) -> None:
        """Talk over `connection`; a stub that is silent for `timeout_s` while the core is stopped counts as dead."""
        self._connection = connection
        self._timeout = timeout_s
        self._received = b""
        # QEMU answers for single registers only after somebody has asked for their description.
        self._description = self._read_feature("target.xml")

    def read_memory(self, address: int, size: int) -> bytes:
        """Return `size` bytes at `address`."""
        parts = []
        for at in range(address, address + size, _CHUNK):
            length = min(_CHUNK, address + size - at)
            parts.append(bytes.fromhex(self._ask(f"m{at:x},{length:x}")))
        return b"".join(parts)

    def write_memory(self, address: int, data: bytes) -> None:
        """Write `data` to `address`."""
        for at in range(0, len(data), _CHUNK):
            chunk = data[at : at + _CHUNK]
            self._command(f"M{address + at:x},{len(chunk):x}:{chunk.hex()}")

    def read_register(self, number: int) -> int:
        """Return the 32-bit register with the target's own `number`."""
        reply = self._ask(f"p{number:x}")
        if not reply:
            raise DeviceError(f"QEMU does not know register {number} of this core")
        return int.from_bytes(bytes.fromhex(reply), "little")

    def register_number(self, name: str) -> int:
        """Return the number of a register for which the stub's description gives one, such as a RISC-V CSR.

        Raises:
            DeviceError: the description does not have it.
        """
        for file in re.findall(r'href="([^"]+)"', self._description):
            for register in re.findall(r"<reg [^>]*>", self._read_feature(file)):
                number = re.search(r'regnum="(\d+)"', register)
                if f'name="{name}"' in register and number:
                    return int(number.group(1))
        raise DeviceError(f"QEMU does not describe the register {name}")

    def insert_breakpoint(self, address: int, size: int) -> None:
        """Stop before the instruction at `address`, of `size` bytes, is executed."""
        self._command(f"Z0,{address:x},{size}")

    def remove_breakpoint(self, address: int, size: int) -> None:
        """Undo `insert_breakpoint`."""
        self._command(f"z0,{address:x},{size}")

    def resume(self, still_fine: Callable[[], bool]) -> bool:
        """Let the core run until it stops; return whether it did so by itself.

        `still_fine` is asked several times a second; as soon as it says no, the core is stopped.
        """
        self._send("c")
        asked_to_stop = False
        while True:
            try:
                reply = self._receive(0.1 if not asked_to_stop else self._timeout)
            except TimeoutError:
                if asked_to_stop:
                    raise DeviceError("QEMU does not answer; it has been ended") from None
                if not still_fine():
                    self._connection.sendall(b"\x03")
                    asked_to_stop = True
                continue
            if reply[:1] in ("T", "S"):
                return not asked_to_stop
            if reply[:1] in ("W", "X"):
                raise DeviceError(f"QEMU ended while the firmware was running (stop reply {reply!r})")

    def _read_feature(self, file: str) -> str:
        text = ""
        while True:
            reply = self._ask(f"qXfer:features:read:{file}:{len(text):x},{_CHUNK:x}")
            text += reply[1:]
            if reply[:1] != "m":  # "l": that was the last part
                return text

    def _command(self, text: str) -> None:
        reply = self._ask(text)
        if reply != "OK":
            raise DeviceError(f"QEMU refuses the debugger's request {text[:40]!r}: {reply or 'not supported'}")

    def _ask(self, text: str) -> str:
        self._send(text)
        try:
            reply = self._receive(self._timeout)
        except TimeoutError:
            raise DeviceError(f"QEMU does not answer the debugger's request {text[:40]!r}") from None
        if len(reply) == 3 and reply[0] == "E":
            raise DeviceError(f"QEMU answers the debugger's request {text[:40]!r} with error {reply[1:]}")
        return reply

    def _send(self, text: str) -> None:
        body = text.encode("ascii")
        try:
            self._connection.sendall(b"$%b#%02x" % (body, sum(body) & 0xFF))
        except OSError as error:
            raise DeviceError(f"QEMU has gone: {error.strerror}") from None

    def _receive(self, timeout_s: float) -> str:
        """Return the next packet's body, acknowledged.

        A half-received packet stays in the buffer when the time is up.
        """
        while True:
            begin = self._received.find(b"$")
            end = self._received.find(b"#", begin + 1)
            if 0 <= begin < end and len(self._received) >= end + 3:
                body = self._received[begin + 1 : end]
                self._received = self._received[end + 3 :]
                self._connection.sendall(b"+")
                return body.decode("latin-1")
            self._connection.settimeout(timeout_s)
            try:
                received = self._connection.recv(65536)
            except TimeoutError:
                raise
            except OSError as error:
                raise DeviceError(f"QEMU has gone: {error.strerror}") from None
            if not received:
                raise DeviceError("QEMU has gone: it closed the debugger's connection")
            self._received += received
