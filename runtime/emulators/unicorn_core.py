"""The core as Unicorn models it. Unicorn's own core is GPL-2.0, so it is an optional extra."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.board import Board
from midge.runtime.emulators.cores import Core
from midge.runtime.emulators.elf import Image, check_fits
from midge.runtime.emulators.engine import Engine, FaultError, Register
from midge.runtime.emulators.trace import SLICE_OVER, VERSION, Layout, Trace, built_library
from midge.runtime.errors import DeviceError, InputError, MissingToolError

VECTORS = ".vectors"
"""The section that the linker script puts where the core starts."""

_SLICE = 50_000_000
"""Bytes of code executed between two looks at Ctrl-C: a fraction of a second."""

_PAGE = {"cortex_m": 1024, "riscv": 4096}
"""Bytes of the smallest region that Unicorn maps."""


class UnicornEngine(Engine):
    """A core in this process."""

    name = "unicorn"

    def __init__(self, image: Image, board: Board, core: Core, layout: Layout) -> None:
        """Build the board's address map, load the program and reset the core.

        Raises:
            CapacityError: the program has contents outside the board's memories.
            DeviceError: Unicorn refuses.
            InputError: the program has no vector table.
        """
        # Not import statements: the package's annotations contradict themselves.
        unicorn, arm_const, riscv_const, unicorn_const, binding = (
            _module(name)
            for name in (
                "unicorn",
                "unicorn.arm_const",
                "unicorn.riscv_const",
                "unicorn.unicorn_const",
                "unicorn.unicorn_py3.unicorn",
            )
        )
        self.trace = Trace(layout)
        self._library = binding.uclib
        self._error = unicorn.UcError
        self._constants = unicorn_const
        self._arm = core.family == "cortex_m"
        self._fault: FaultError | None = None
        self._rams = [memory for memory in board.memories if memory.kind == "ram"]
        self._touched: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._uc: Any
        assert core.unicorn_model is not None
        if self._arm:
            self._uc = unicorn.Uc(unicorn_const.UC_ARCH_ARM, unicorn_const.UC_MODE_THUMB | unicorn_const.UC_MODE_MCLASS)
            self._uc.ctl_set_cpu_model(getattr(arm_const, core.unicorn_model))
            registers = (arm_const.UC_ARM_REG_PC, arm_const.UC_ARM_REG_SP, arm_const.UC_ARM_REG_LR)
        else:
            self._uc = unicorn.Uc(unicorn_const.UC_ARCH_RISCV, unicorn_const.UC_MODE_RISCV32)
            self._uc.ctl_set_cpu_model(getattr(riscv_const, core.unicorn_model))
            registers = (riscv_const.UC_RISCV_REG_PC, riscv_const.UC_RISCV_REG_SP, riscv_const.UC_RISCV_REG_RA)
        self._registers: dict[Register, int] = dict(zip(("pc", "sp", "lr"), registers, strict=True))

        self._map_memories(board, core)
        self._load(image, board)
        self._add_hooks(core.aligned_only)
        self._pc, stack = reset_state(image, core)
        self._uc.reg_write(self._registers["sp"], stack)

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes of memory."""
        return bytes(self._uc.mem_read(address, size))

    def write(self, address: int, data: bytes) -> None:
        """Change memory."""
        self._uc.mem_write(address, data)

    def register(self, name: Register) -> int:
        """Return a register of the stopped core."""
        if name == "pc":
            return self._pc
        value = int(self._uc.reg_read(self._registers[name]))
        return value & ~1 if name == "lr" and self._arm else value

    def run_until(self, address: int, limit: int) -> None:
        """Go on until the instruction at `address` is next."""
        header = self.trace.header
        # An instruction has at most 4 bytes, so this many bytes are at least `limit` instructions.
        last = header.executed_bytes + 4 * limit
        # Unicorn marks the place to stop when it translates a block: forget a translation without the mark.
        self._uc.ctl_remove_cache(address, address + 2)
        while True:
            header.status, header.slice = 0, _SLICE
            try:
                self._uc.emu_start(self._pc | self._arm, address)
            except self._error as error:
                self._pc = int(self._uc.reg_read(self._registers["pc"]))
                raise self._fault or FaultError(_reason(error), self._pc) from None
            self._pc = int(self._uc.reg_read(self._registers["pc"]))
            if self._fault is not None:
                raise self._fault
            if self._pc == address and header.status != SLICE_OVER:
                return
            if header.status != SLICE_OVER:
                self.trace.end()  # says so if the table is full
                raise DeviceError(f"Unicorn stopped at 0x{self._pc:08x} without saying why; expected 0x{address:08x}")
            if header.executed_bytes > last:
                raise FaultError(
                    f"hung: more than {limit} instructions without reaching 0x{address:08x}; stopped", self._pc
                )

    def watch_arena(self, back: int, limit: int, inputs: Sequence[tuple[int, int]]) -> None:
        """Rehearse the run twice over an arena painted in two ways, then take it back.

        A byte that keeps its paint both times was not written. Hooks on memory would say it in one go, but while one is
        set Unicorn (up to 2.1.4) takes some conditional instructions in IT blocks wrongly, and the run goes elsewhere.
        Cores that know no IT block can be hooked, which finds the accesses that they would fault on.
        """
        rams = [(memory.address, self.read(memory.address, memory.size)) for memory in self._rams]
        context = self._uc.context_save()
        at = self._pc
        header = self.trace.header
        begin, end = int(header.arena_begin), int(header.arena_end)
        paint = np.random.default_rng(at).integers(0, 256, end - begin, np.uint8)
        touched = np.zeros(end - begin, np.uint8)
        for pattern in (paint, ~paint):
            before = pattern.copy()
            for first, size in inputs:
                before[first - begin : first - begin + size] = np.frombuffer(self.read(first, size), np.uint8)
            self.write(begin, before.tobytes())
            self._run_aligned(back, limit)
            after = np.frombuffer(self.read(begin, end - begin), np.uint8)
            touched |= np.where(after != before, 2, 0).astype(np.uint8)
            for address, contents in rams:
                self.write(address, contents)
            self._uc.context_restore(context)
            self._pc = at
        self._touched = touched

    def _run_aligned(self, back: int, limit: int) -> None:
        """Run until `back`; on cores that fault on unaligned accesses, look out for them, which Unicorn lets pass."""
        header = self.trace.header
        hook = None
        if header.aligned_only:
            both = self._constants.UC_HOOK_MEM_READ | self._constants.UC_HOOK_MEM_WRITE
            hook = self._hook(both, self._memory_hook, 1, 0)  # a begin behind the end means everywhere
            self._uc.ctl_flush_tb()  # whether a block calls the hook is decided when it is translated
        self.trace.begin()
        self.run_until(back, limit)
        self.trace.end()
        if hook is not None:
            self._library.uc_hook_del(self._uc._uch, hook)
            self._uc.ctl_flush_tb()
        if header.misaligned:
            raise FaultError(
                "an access not aligned to its size, at which this core faults,",
                int(header.misaligned_block),
                int(header.misaligned),
            )

    def touched(self) -> npt.NDArray[np.uint8]:
        """Return which bytes of the arena the last rehearsal wrote; reads are not known."""
        return self._touched.copy()

    def close(self) -> None:
        """Free the engine."""
        self._uc = None

    def _map_memories(self, board: Board, core: Core) -> None:
        """Map exactly the board's memories, so that running out of one faults."""
        c = self._constants
        page = _PAGE[core.family]
        for memory in board.memories:
            if memory.address % page or memory.size % page:
                raise DeviceError(
                    f"Unicorn maps memory in pages of {page} bytes, but {memory.name} of board {board.name} has "
                    f"{memory.size} bytes at 0x{memory.address:08x}: round the size down in the board file"
                )
            writable = c.UC_PROT_WRITE if memory.kind == "ram" else 0
            self._uc.mem_map(memory.address, memory.size, c.UC_PROT_READ | c.UC_PROT_EXEC | writable)
        taken = sorted((m.address, m.address + m.size) for m in board.memories)
        for begin, end in core.peripherals:
            for start, stop in _gaps(begin, end, taken):
                self._uc.mmio_map(start, stop - start, _read_zero, None, _ignore_write, None)

    def _load(self, image: Image, board: Board) -> None:
        check_fits(image, board)
        for segment in image.segments:
            self._uc.mem_write(segment.load_address, segment.data)

    def _add_hooks(self, aligned_only: bool) -> None:
        c = self._constants
        hooks = ctypes.CDLL(str(built_library("midge_trace")))
        if hooks.midge_trace_version() != VERSION:
            raise MissingToolError(
                "libmidge_trace was built from other sources: install Midge again with `pip install .`"
            )
        self.trace.header.aligned_only = aligned_only
        self.trace.header.stop = ctypes.cast(self._library.uc_emu_stop, ctypes.c_void_p).value
        self._memory_hook = hooks.midge_unicorn_memory
        self._hook(c.UC_HOOK_BLOCK, hooks.midge_unicorn_block, 1, 0)
        self._uc.hook_add(c.UC_HOOK_MEM_INVALID, self._on_invalid_access)
        self._uc.hook_add(c.UC_HOOK_INTR, self._on_exception)

    def _hook(self, kind: int, function: Any, begin: int, end: int) -> int:
        """Install a compiled hook, which the Python binding has no call for; `begin` above `end` means everywhere."""
        handle = ctypes.c_size_t()
        pointer = ctypes.cast(function, ctypes.c_void_p)
        status = self._library.uc_hook_add(
            self._uc._uch,
            ctypes.byref(handle),
            kind,
            pointer,
            ctypes.c_void_p(self.trace.address),
            ctypes.c_uint64(begin),
            ctypes.c_uint64(end),
        )
        if status != self._constants.UC_ERR_OK:
            raise DeviceError(f"Unicorn refuses a hook: {self._error(status)}")
        return handle.value

    def _on_invalid_access(self, uc: Any, access: int, address: int, size: int, value: int, _: object) -> bool:
        c = self._constants
        what = {
            c.UC_MEM_READ_UNMAPPED: "read outside every memory",
            c.UC_MEM_WRITE_UNMAPPED: "write outside every memory",
            c.UC_MEM_FETCH_UNMAPPED: "jump outside every memory",
            c.UC_MEM_WRITE_PROT: "write to flash",
        }.get(access, "forbidden access")
        pc = int(uc.reg_read(self._registers["pc"]))
        self._fault = FaultError(f"{what} ({size} bytes)", pc, address)
        return False

    def _on_exception(self, uc: Any, number: int, _: object) -> None:
        names = _ARM_EXCEPTIONS if self._arm else _RISCV_EXCEPTIONS
        pc = int(uc.reg_read(self._registers["pc"]))
        if not self._arm:
            pc -= 4  # of an instruction of either length, Unicorn has advanced the program counter by 4
        self._fault = FaultError(names.get(number, f"exception {number}"), pc)
        uc.emu_stop()


_ARM_EXCEPTIONS = {
    1: "undefined instruction",
    2: "supervisor call",
    3: "instruction fetch fault",
    4: "data fault",
    7: "breakpoint instruction",
    8: "return from an exception that did not happen",
    17: "instruction for a coprocessor that is not there",
    18: "invalid processor state",
}
_RISCV_EXCEPTIONS = {
    0: "misaligned instruction",
    2: "undefined instruction",
    3: "breakpoint instruction",
    4: "misaligned load",
    6: "misaligned store",
    8: "environment call",
    11: "environment call",
}


def reset_state(image: Image, core: Core) -> tuple[int, int]:
    """Return the first instruction and the initial stack pointer (0 where software sets it).

    An M-profile core reads both from its vector table (Armv7-M Architecture Reference Manual, B1.5.5); other cores
    start at the first address of the program.

    Raises:
        InputError: the program has no vector table.
    """
    vectors = next((section for section in image.sections if section.name == VECTORS), None)
    if vectors is None:
        raise InputError(
            f"{image.path} has no section {VECTORS}: expected firmware made by `midge compile`, with its linker script"
        )
    if core.family != "cortex_m":
        return vectors.address, 0
    table = image.code(vectors.address, 8)
    return int.from_bytes(table[4:], "little") & ~1, int.from_bytes(table[:4], "little")


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _gaps(begin: int, end: int, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of `begin` to `end` that no range of the sorted list `taken` covers."""
    free = []
    for start, stop in taken:
        if start < end and stop > begin:
            if start > begin:
                free.append((begin, start))
            begin = max(begin, stop)
    return [*free, (begin, end)] if begin < end else free


def _read_zero(uc: object, offset: int, size: int, _: object) -> int:
    return 0


def _ignore_write(uc: object, offset: int, size: int, value: int, _: object) -> None:
    return None


def _reason(error: Exception) -> str:
    return "undefined instruction" if "nvalid instruction" in str(error) else str(error)
