"""The core as QEMU models it: any machine that QEMU has, Cortex-M55 with Helium included.

QEMU runs the unchanged program in a process of its own; its debugger stub stops it and reaches its memory, and our
plugin (qemu_plugin.c) records what it executes.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from midge.runtime.board import Board
from midge.runtime.emulators.cores import Core
from midge.runtime.emulators.decode import instruction_bytes
from midge.runtime.emulators.elf import Image, check_fits
from midge.runtime.emulators.engine import Engine, FaultError, Register
from midge.runtime.emulators.gdb import GdbClient
from midge.runtime.emulators.trace import FULL, RUNNING, Block, Layout, Trace, built_library
from midge.runtime.errors import DeviceError

FAULT_HANDLER = "midge_fault"
"""Where the start-up code's fault vectors lead."""

_IDLE_S = 10
"""A core that executes nothing for so long will not go on: no interrupt wakes it up."""

_REGISTERS: dict[str, dict[Register, int]] = {
    # Numbers of QEMU's debugger stub: r13, r14, r15; and x2, x1, pc.
    "cortex_m": {"sp": 13, "lr": 14, "pc": 15},
    "riscv": {"sp": 2, "lr": 1, "pc": 32},
}

# Linux ends a child with its parent only if the child asks for it, and a hook between fork and exec is not safe in a
# program with threads: this runs in a Python of its own, which then becomes QEMU.
_TIED_TO_US = """
import ctypes, os, sys
PR_SET_PDEATHSIG, SIGKILL = 1, 9
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent has ended")
os.execvp(sys.argv[2], sys.argv[2:])
"""


class QemuEngine(Engine):
    """A core in a QEMU process, which ends with this object, with the program, or with its crash."""

    name = "qemu"

    def __init__(self, image: Image, board: Board, core: Core, layout: Layout) -> None:
        """Start QEMU with the core stopped at reset.

        Raises:
            CapacityError: the program has contents outside the board's memories.
            DeviceError: QEMU does not start.
            InputError: the program has no fault handler.
        """
        self._image = image
        self._family = core.family
        self._thumb = core.family == "cortex_m"
        self._registers = _REGISTERS[core.family]
        self._fault_handler = image.symbol(FAULT_HANDLER).address
        self._messages: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `close`)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._gdb: GdbClient | None = None
        try:
            check_fits(image, board)
            # Both sides have mapped the record when QEMU answers: nothing stays behind on the disk, whatever happens.
            with tempfile.TemporaryDirectory(prefix="midge-qemu-") as folder:
                record = Path(folder) / "record"
                self.trace = Trace(layout, file=record)
                self._start(image, board, core, record)
        except BaseException:
            self.close()
            raise

    def _start(self, image: Image, board: Board, core: Core, record: Path) -> None:
        program = shutil.which(core.qemu_program) or core.qemu_program
        plugin = built_library(f"midge_qemu_v{_plugin_version(program)}")
        ours, theirs = socket.socketpair()
        self._socket = ours
        # The machine virt begins at the first address of its memory, the others with the vector table there.
        start = ["-kernel", image.path] if self._thumb else ["-bios", "none", "-device", f"loader,file={image.path}"]
        command = [
            *(program, "-M", str(board.emulation.qemu_machine), *map(str, start)),
            *("-display", "none", "-monitor", "none", "-serial", "null", "-S"),
            *("-chardev", f"socket,id=gdb,fd={theirs.fileno()}", "-gdb", "chardev:gdb"),
            *("-plugin", f"{plugin},record={record}"),
        ]  # fmt: skip
        if sys.platform == "linux":
            command = [sys.executable, "-ISc", _TIED_TO_US, str(os.getpid()), *command]
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._messages,
                stderr=self._messages,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for us; we end QEMU ourselves
            )
        try:
            self._gdb = GdbClient(ours)
        except DeviceError as error:
            raise self._with_messages(error) from None

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes of memory."""
        return self._client.read_memory(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Change memory."""
        self._client.write_memory(address, data)

    def register(self, name: Register) -> int:
        """Return a register of the stopped core."""
        value = self._client.read_register(self._registers[name])
        return value & ~1 if name != "sp" and self._thumb else value

    def named_register(self, name: str) -> int:
        """Return a register that the debugger stub knows by name."""
        return self._client.read_register(self._client.register_number(name))

    def run_until(self, address: int, limit: int) -> None:
        """Go on until the instruction at `address` is next."""
        header = self.trace.header
        header.status, header.slice = RUNNING, 4 * limit
        places = {address, self._fault_handler}
        try:
            for place in places:
                self._client.insert_breakpoint(place, 2)
            by_itself = self._client.resume(self._progress_watch())
            for place in places:
                self._client.remove_breakpoint(place, 2)
            pc = self.register("pc")
        except DeviceError as error:
            raise self._with_messages(error) from None
        if header.status == FULL:
            self.trace.end()
        if not by_itself and header.status == RUNNING:
            raise FaultError(f"the core sleeps or faults without end, executing nothing for {_IDLE_S} s", pc)
        if not by_itself or header.status != RUNNING:
            raise FaultError(f"hung: more than {limit} instructions without reaching 0x{address:08x}; stopped", pc)
        if pc == self._fault_handler and pc != address:
            raise self._fault()
        if pc != address:
            raise DeviceError(f"QEMU stopped at 0x{pc:08x}; expected 0x{address:08x}")

    def blocks(self) -> tuple[Block, ...]:
        """Return what was recorded since `trace.begin`."""
        return tuple(self._without_peek(block) for block in self.trace.blocks())

    def _without_peek(self, block: Block) -> Block:
        """Cut off what QEMU counts to a block that it ends before an instruction across a page border.

        It has read the first half of that instruction to see this, and says that the last one is so much longer. Such
        a block ends without a branch: it always goes on to the next instruction.
        """
        end = block.address
        for _ in range(block.instructions):
            end += instruction_bytes(self._image.code(end, 2), self._family)
        size = end - block.address
        return block if size == block.bytes else replace(block, bytes=size, taken=0)

    def _progress_watch(self) -> Callable[[], bool]:
        """Return a function that says whether the core still executes instructions and may go on."""
        header = self.trace.header
        seen = header.executed_bytes
        since = time.monotonic()

        def still_fine() -> bool:
            nonlocal seen, since
            if header.executed_bytes != seen:
                seen, since = header.executed_bytes, time.monotonic()
            return bool(header.status == RUNNING) and time.monotonic() - since < _IDLE_S

        return still_fine

    def watch_arena(self, back: int, limit: int, inputs: Sequence[tuple[int, int]]) -> None:
        """Do nothing: the plugin always notes accesses to the arena."""

    def touched(self) -> npt.NDArray[np.uint8]:
        """Return how each byte of the arena was accessed since `trace.begin`."""
        return self.trace.touched()

    def close(self) -> None:
        """End QEMU."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._socket is not None:
            self._socket.close()
        self._messages.close()

    @property
    def process_id(self) -> int:
        """QEMU's process, or 0 after its end."""
        return self._process.pid if self._process is not None else 0

    @property
    def _client(self) -> GdbClient:
        assert self._gdb is not None
        return self._gdb

    def _fault(self) -> FaultError:
        return _arm_fault(self) if self._thumb else _riscv_fault(self)

    def _with_messages(self, error: DeviceError) -> DeviceError:
        """Add what QEMU itself has said; a dump of registers may follow, which tells nobody anything."""
        self._messages.seek(0)
        said = self._messages.read(2000).decode(errors="replace").strip().partition("\n\n")[0]
        return DeviceError(f"{error}; QEMU says: {said}" if said else str(error))


@cache
def _plugin_version(program: str) -> int:
    """Return the plugin interface that this QEMU wants: 1 up to QEMU 8, 2 from QEMU 9 on."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise DeviceError(f"{program} --version fails: {error}") from None
    match = re.search(r"version (\d+)", said)
    return 2 if match and int(match.group(1)) >= 9 else 1


def _arm_fault(core: QemuEngine) -> FaultError:
    """Read the fault registers and the stacked frame.

    Armv7-M Architecture Reference Manual: B1.5.6 (exception entry: r0-r3, r12, lr, pc, xPSR), B3.2.15 (CFSR),
    B3.2.16 (HFSR), B3.2.18 (BFAR).
    """
    sp = core.register("sp")
    lr = core.register("lr")
    status = int.from_bytes(core.read(0xE000_ED28, 4), "little")
    address = int.from_bytes(core.read(0xE000_ED38, 4), "little") if status & 1 << 15 else None
    reasons = {
        0: "jump outside every memory or into data",
        1: "access outside every memory",
        7: "access outside every memory",
        8: "jump outside every memory",
        9: "access outside every memory",
        10: "access outside every memory",
        12: "no memory left for the stack",
        16: "undefined instruction",
        17: "invalid processor state",
        19: "instruction for a coprocessor that is off or not there",
        20: "stack overflow",
        24: "unaligned access",
        25: "division by zero",
    }
    reason = next((text for bit, text in reasons.items() if status & 1 << bit), "hard fault")
    try:
        pc = int.from_bytes(core.read(sp + 24, 4), "little")
    except DeviceError:
        pc = lr
    return FaultError(reason, pc & ~1, address)


def _riscv_fault(core: QemuEngine) -> FaultError:
    """Read mepc, mcause and mtval: RISC-V Privileged Architecture, "Machine-Level CSRs"."""
    mepc, mcause, mtval = (core.named_register(name) for name in ("mepc", "mcause", "mtval"))
    reasons = {
        0: "misaligned instruction",
        1: "jump outside every memory",
        2: "undefined instruction",
        3: "breakpoint instruction",
        4: "misaligned load",
        5: "read outside every memory",
        6: "misaligned store",
        7: "write outside every memory",
        11: "environment call",
    }
    return FaultError(reasons.get(mcause, f"exception {mcause}"), mepc, mtval if mcause in (1, 4, 5, 6, 7) else None)
