"""The debugger's protocol against a stub of a few lines; packets are written out with their checksums."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from midge.runtime.emulators.gdb import GdbClient
from midge.runtime.errors import DeviceError

DESCRIPTION = '<target><xi:include href="csr.xml"/></target>'
CSRS = '<feature><reg name="mstatus" bitsize="32" regnum="100"/><reg name="mepc" bitsize="32" regnum="107"/></feature>'


def packet(body: str) -> bytes:
    return f"${body}#{sum(body.encode()) % 256:02x}".encode()


class Stub(threading.Thread):
    """Answers each request by the first rule whose beginning fits."""

    def __init__(self, connection: socket.socket, rules: dict[str, Callable[[str], str | None]]) -> None:
        super().__init__(daemon=True)
        self.connection = connection
        self.rules = rules
        self.requests: list[str] = []

    def run(self) -> None:
        data = b""
        while received := self.connection.recv(65536):
            data += received.replace(b"+", b"")
            if b"\x03" in data:
                data = data.replace(b"\x03", b"")
                self.connection.sendall(packet("T02thread:01;"))
            while (end := data.find(b"#")) >= 0 and len(data) >= end + 3:
                body = data[1:end].decode()
                assert data[: end + 3] == packet(body)
                data = data[end + 3 :]
                self.requests.append(body)
                answer = next((rule for start, rule in self.rules.items() if body.startswith(start)), lambda _: "")
                reply = answer(body)
                if reply is not None:
                    self.connection.sendall(b"+" + packet(reply))


def describe(request: str) -> str:
    name, part = request.removeprefix("qXfer:features:read:").split(":")
    begin, length = (int(number, 16) for number in part.split(","))
    text = {"target.xml": DESCRIPTION, "csr.xml": CSRS}[name]
    return ("l" if begin + length >= len(text) else "m") + text[begin : begin + length]


@pytest.fixture
def connect() -> Iterator[Callable[..., tuple[GdbClient, Stub]]]:
    sockets: list[socket.socket] = []
    stubs: list[Stub] = []

    def start(**rules: Callable[[str], str | None]) -> tuple[GdbClient, Stub]:
        ours, theirs = socket.socketpair()
        sockets.extend((ours, theirs))
        stubs.append(Stub(theirs, {"qXfer": describe, **rules}))
        stubs[-1].start()
        return GdbClient(ours, timeout_s=5), stubs[-1]

    yield start
    sockets[0].close()
    stubs[0].join(timeout=5)
    sockets[1].close()


Connect = Callable[..., tuple[GdbClient, Stub]]


def test_memory_is_read_in_pieces(connect: Connect) -> None:
    """2500 bytes are three packets of at most 1024."""

    def read(request: str) -> str:
        address, size = (int(number, 16) for number in request[1:].split(","))
        return bytes((address + i) % 251 for i in range(size)).hex()

    client, stub = connect(m=read)

    assert client.read_memory(0x1000, 2500) == bytes((0x1000 + i) % 251 for i in range(2500))
    assert [r for r in stub.requests if r[0] == "m"] == ["m1000,400", "m1400,400", "m1800,1c4"]


def test_memory_is_written_in_pieces(connect: Connect) -> None:
    client, stub = connect(M=lambda _: "OK")
    client.write_memory(0x20, bytes(1024) + b"\x12\xab")

    assert stub.requests[-1] == "M420,2:12ab"


def test_registers_are_little_endian(connect: Connect) -> None:
    client, _ = connect(p=lambda _: "78563412")

    assert client.read_register(15) == 0x12345678


def test_a_named_register_is_looked_up_in_the_description(connect: Connect) -> None:
    client, _ = connect()

    assert client.register_number("mepc") == 107
    with pytest.raises(DeviceError, match="does not describe the register mtval"):
        client.register_number("mtval")


def test_error_replies_are_errors(connect: Connect) -> None:
    client, _ = connect(m=lambda _: "E14", Z0=lambda _: "")

    with pytest.raises(DeviceError, match=r"'m0,4' with error 14"):
        client.read_memory(0, 4)
    with pytest.raises(DeviceError, match="not supported"):
        client.insert_breakpoint(0x100, 2)


def test_the_core_stops_by_itself(connect: Connect) -> None:
    client, _ = connect(c=lambda _: "T05thread:01;")

    assert client.resume(lambda: True)


def test_the_core_is_stopped_when_it_is_no_longer_fine(connect: Connect) -> None:
    """The stub says nothing until it gets the interrupt byte."""
    client, _ = connect(c=lambda _: None)

    assert not client.resume(lambda: False)


def test_a_stub_that_hangs_up_is_an_error(connect: Connect) -> None:
    client, stub = connect(c=lambda _: stub.connection.shutdown(socket.SHUT_RDWR))

    with pytest.raises(DeviceError, match="QEMU has gone"):
        client.resume(lambda: True)
