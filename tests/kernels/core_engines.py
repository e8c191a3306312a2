"""Running a batch of kernel calls on an emulated core."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from core_batch import Batch, Bytes, Run
from core_image import BoardImage, CoreImage, Window
from core_linux import QEMU, ProgramImage

from midge.runtime.emulators.cores import find_core
from midge.runtime.emulators.elf import Image, read_image
from midge.runtime.emulators.engine import STEP_LIMIT, FaultError
from midge.runtime.emulators.trace import Layout
from midge.runtime.emulators.unicorn_core import UnicornEngine
from midge.runtime.errors import MissingToolError

STALLED_S = 20.0
"""A core under QEMU that stays in one kernel for so long hangs, or has faulted: its fault handler loops."""

Execute = Callable[[Batch], tuple[Bytes, list[tuple[Run, str]]]]
"""Runs a batch; returns the window's bytes afterwards, and the runs that did not end with the reason."""


def engine_for(image: CoreImage, name: str | None) -> Execute:
    """Return what runs batches on a core: `unicorn`, `qemu`, or None for the first that can.

    Raises:
        MissingToolError: it is not installed.
    """
    if isinstance(image, ProgramImage):
        if shutil.which(QEMU) is None:
            raise MissingToolError(f"{QEMU} is not installed")
        return UserRunner(image).run
    assert isinstance(image, BoardImage)
    core = find_core(image.board.name, image.board.cpu)
    if name == "unicorn" or (name is None and core.unicorn_model is not None):
        return UnicornRunner(image).run
    if shutil.which(core.qemu_program) is None:
        raise MissingToolError(f"{core.qemu_program} is not installed")
    return QemuRunner(image, core.qemu_program).run


class UnicornRunner:
    """A core in this process, which keeps what it has translated from batch to batch."""

    def __init__(self, image: BoardImage) -> None:
        """Nothing is started yet."""
        self._image = image
        self._program = read_image(image.elf)
        self._engine: UnicornEngine | None = None

    def run(self, batch: Batch) -> tuple[Bytes, list[tuple[Run, str]]]:
        """Run all jobs; behind one that faults it goes on in a new core."""
        memory = batch.seal(leave=False)
        stuck: list[tuple[Run, str]] = []
        while True:
            engine = self._started()
            engine.write(batch.address, memory.tobytes())
            try:
                with _guarded(engine, batch):
                    engine.run_until(self._program.symbol("midge_output_ready").address, STEP_LIMIT)
            except FaultError as error:
                memory = np.frombuffer(bytearray(engine.read(batch.address, batch.used)), np.uint8)
                self._engine = None
                where = self._program.function_at(error.pc)
                address = "" if error.address is None else f", address 0x{error.address:08x}"
                reason = f"{error.reason} in {where} at 0x{error.pc:08x}{address}"
                if not _skip(batch, memory, stuck, reason):
                    return memory, stuck
                continue
            memory = np.frombuffer(engine.read(batch.address, batch.used), np.uint8)
            engine.run_until(self._program.symbol("midge_await_input").address, STEP_LIMIT)
            return memory, stuck

    def _started(self) -> UnicornEngine:
        """Return a core that waits for a batch."""
        if self._engine is None:
            program, board = self._program, self._image.board
            self._engine = UnicornEngine(program, board, find_core(board.name, board.cpu), _layout(program))
            self._engine.run_until(program.symbol("midge_await_input").address, STEP_LIMIT)
        return self._engine


@contextmanager
def _guarded(engine: UnicornEngine, batch: Batch) -> Iterator[None]:
    """Take the pages away that a batch wants nobody to touch, for a while."""
    memory = engine._uc
    for page in batch.guards:
        memory.mem_unmap(page, batch.page)
    try:
        yield
    finally:
        for page in batch.guards:
            memory.mem_map(page, batch.page)


class _ProcessRunner(ABC):
    """A QEMU process per batch, which shares a file with us that holds the window."""

    def __init__(self, window: Window) -> None:
        """Nothing is started yet."""
        self._window = window
        # A file system in memory, where there is one.
        self._folder = "/dev/shm" if Path("/dev/shm").is_dir() else None

    def run(self, batch: Batch) -> tuple[Bytes, list[tuple[Run, str]]]:
        """Run all jobs; behind one that faults it goes on in a new core."""
        memory = batch.seal(leave=True)
        stuck: list[tuple[Run, str]] = []
        window = self._window
        while True:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix="midge-core-") as file:
                file.truncate(window.backing_size)
                file.seek(window.backing)
                file.write(memory.tobytes())
                file.flush()
                shared = np.memmap(file.name, np.uint8, "r", window.backing, batch.used)
                ended = self._wait(self._command(file.name, batch), shared)
                memory = np.array(shared)
                del shared
            if ended:
                return memory, stuck
            if not _skip(batch, memory, stuck, f"the core faulted, or stayed in it for {STALLED_S:.0f} s"):
                return memory, stuck

    @abstractmethod
    def _command(self, file: str, batch: Batch) -> list[str]:
        """Return what runs the batch in a file."""

    def _wait(self, command: list[str], shared: Bytes) -> bool:
        """Run QEMU until it ends, or until a job takes too long; return whether it has ended, and not by a fault."""
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            seen, since = -1, time.monotonic()
            while True:
                try:
                    said, _ = process.communicate(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    now = int(shared[:4].view(np.uint32)[0])
                    if now != seen:
                        seen, since = now, time.monotonic()
                    elif time.monotonic() - since > STALLED_S:
                        return False
            if process.returncode < 0:
                return False
            done, count = (int(word) for word in shared[:8].view(np.uint32))
            if done != count:
                raise RuntimeError(f"{' '.join(command)}{os.linesep}ended with {process.returncode}: {said}")
            return True
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


class QemuRunner(_ProcessRunner):
    """A board, whose main memory is the file."""

    def __init__(self, image: BoardImage, program: str) -> None:
        """Nothing is started yet."""
        super().__init__(image.window)
        self._image = image
        self._program = program

    def _command(self, file: str, batch: Batch) -> list[str]:
        machine = self._image.board.emulation.qemu_machine
        elf = str(self._image.elf)
        start = (
            ["-kernel", elf] if self._program.endswith("arm") else ["-bios", "none", "-device", f"loader,file={elf}"]
        )
        memory = f"memory-backend-file,id=window,size={self._window.backing_size},mem-path={file},share=on"
        return [
            *(self._program, "-M", f"{machine},memory-backend=window", "-object", memory, *start),
            *("-display", "none", "-monitor", "none", "-serial", "null"),
            *("-semihosting-config", "enable=on,target=native"),
        ]


class UserRunner(_ProcessRunner):
    """A Linux program, which maps the file; a fault ends it with a signal."""

    def __init__(self, image: ProgramImage) -> None:
        """Nothing is started yet."""
        super().__init__(image.window)
        self._image = image

    def _command(self, file: str, batch: Batch) -> list[str]:
        pages = [f"{page:x}" for page in batch.guards]
        return [QEMU, "-cpu", self._image.processor, str(self._image.elf), file, *pages]


def _skip(batch: Batch, memory: Bytes, stuck: list[tuple[Run, str]], reason: str) -> bool:
    """Note the run that did not end and step over the rest of its jobs; return whether any job is left."""
    header = memory[:8].view(np.uint32)
    run = batch.run_at(int(header[0]))
    stuck.append((run, reason))
    header[0] = run.end_job
    return bool(run.end_job < batch.jobs)


def _layout(program: Image) -> Layout:
    invoke, arena = program.symbol("model_invoke"), program.symbol("model_arena")
    return Layout((invoke.address, invoke.end), (), (arena.address, arena.address + arena.size))
