"""Runs a generated firmware on an emulated core, unchanged, and says what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

import numpy as np

from midge.runtime.backends.c.manifest import Manifest
from midge.runtime.board import Board
from midge.runtime.emulators.cores import Core
from midge.runtime.emulators.cycles import Cycles, estimate_cycles
from midge.runtime.emulators.decode import count_instructions
from midge.runtime.emulators.elf import Image
from midge.runtime.emulators.engine import STEP_LIMIT, Engine, FaultError
from midge.runtime.emulators.trace import Block
from midge.runtime.errors import DataError, DeviceError

AWAIT_INPUT = "midge_await_input"
OUTPUT_READY = "midge_output_ready"

ReadArena = Callable[[int, int], bytes]
"""Reads (offset, size) of the arena, in bytes."""
AfterLayer = Callable[[int, ReadArena], None]
"""Called with a layer's position in the manifest as soon as its function has returned."""

_PAINT = np.random.default_rng(0x6D69646765).integers(0, 256, 64 * 1024, np.uint8)
"""What the free stack is filled with: no byte of it is likely to be written by chance."""


@dataclass(frozen=True)
class Run:
    """What one inference did."""

    outputs: tuple[bytes, ...]
    """In the manifest's order, as they lie in the arena."""
    instructions: int
    """From entering the inference function to leaving it."""
    layers: tuple[int, ...]
    """Instructions of each layer's function and all that it calls, in the manifest's order."""
    functions: dict[str, int]
    """Instructions of each function without those that it calls; their sum is `instructions`."""
    blocks: tuple[Block, ...]
    """The basic blocks behind these numbers, for a cycle model."""
    stack_bytes: int
    """From the stack pointer at entry down to the lowest byte that was changed, callees included."""
    arena_touched: int | None
    """Bytes of the arena that the inference wrote, or that hold an input or an output.

    `None`: not asked for.
    """
    arena_extent: int | None
    """Bytes from the start of the arena to the last one touched."""


class Emulator:
    """Firmware on an emulated core; a context manager.

    The core is reset when the first inference is asked for: the start-up code and `main` run for real. State carries
    on from one call to the next, as it does on a board.
    """

    def __init__(self, start: Callable[[], Engine], image: Image, manifest: Manifest, board: Board, core: Core) -> None:
        """Prepare; nothing runs yet.

        Args:
            start: makes an engine that has been reset.
            image: the program that the engine runs.
            manifest: what the program says about itself.
            board: whose memories the engine models.
            core: the board's core.

        Raises:
            InputError: the program lacks a symbol that the manifest promises.
        """
        self._start = start
        self._engine: Engine | None = None
        self._image = image
        self._manifest = manifest
        self._board = board
        self._core = core
        self._await_input = image.symbol(AWAIT_INPUT).address
        self._output_ready = image.symbol(OUTPUT_READY).address
        self._invoke = image.symbol(f"{manifest.name}_invoke").address
        self._arena = image.symbol(f"{manifest.name}_arena").address
        self._layers = [image.symbol(layer.function).address for layer in manifest.layers]
        self._sizes: dict[tuple[int, int], int] = {}

    def __enter__(self) -> Emulator:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the engine."""
        self.close()

    def close(self) -> None:
        """End the engine; the next run starts from reset."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def reset(self) -> None:
        """Start anew from the reset vector at the next run."""
        self.close()

    def run(
        self,
        inputs: Sequence[bytes],
        *,
        after_layer: AfterLayer | None = None,
        touched: bool = False,
        limit: int = STEP_LIMIT,
    ) -> Run:
        """Run one inference.

        Args:
            inputs: the contents of each input buffer, in the manifest's order.
            after_layer: called when each layer has returned, for looking at intermediate tensors.
            touched: whether to find out what is written in the arena, which may take several times as long. This also
                finds unaligned accesses on a core that faults on them, where Unicorn lets them pass.
            limit: instructions after which the firmware counts as hung.

        Raises:
            DataError: an input is missing or has the wrong number of bytes.
            DeviceError: the firmware faulted or hung, or the emulator failed; the next run starts from reset.
        """
        self._check(inputs)
        try:
            engine = self._boot(limit)
            return self._infer(engine, inputs, after_layer, touched, limit)
        except FaultError as fault:
            message = self._describe(fault)
            self.close()
            raise DeviceError(message) from None
        except BaseException:
            self.close()
            raise

    def cycles(self, run: Run) -> Cycles | None:
        """Return the modelled cycles of a run, or `None` for a core without a proven model."""
        return estimate_cycles(self._board.cpu, run.blocks, self._image, len(self._layers))

    def _check(self, inputs: Sequence[bytes]) -> None:
        wanted = self._manifest.inputs
        if len(inputs) != len(wanted):
            raise DataError(f"the model has {len(wanted)} inputs, but {len(inputs)} were given")
        for buffer, data in zip(wanted, inputs, strict=True):
            if len(data) != buffer.bytes:
                raise DataError(
                    f"input {buffer.name} takes {buffer.bytes} bytes ({buffer.dtype} of shape {list(buffer.shape)}), "
                    f"but {len(data)} were given"
                )

    def _boot(self, limit: int) -> Engine:
        """Bring the core to where `main` waits for an input."""
        if self._engine is None:
            self._engine = self._start()
        if self._engine.register("pc") != self._await_input:
            self._engine.run_until(self._await_input, limit)
        return self._engine

    def _infer(
        self, engine: Engine, inputs: Sequence[bytes], after_layer: AfterLayer | None, touched: bool, limit: int
    ) -> Run:
        for buffer, data in zip(self._manifest.inputs, inputs, strict=True):
            engine.write(self._arena + buffer.offset, data)
        engine.run_until(self._invoke, limit)
        back = engine.register("lr")
        stack, bottom = self._paint_stack(engine)

        if touched:
            engine.watch_arena(
                back, limit, [(self._arena + buffer.offset, buffer.bytes) for buffer in self._manifest.inputs]
            )
        engine.trace.begin()
        if after_layer is not None:
            for index, entry in enumerate(self._layers):
                engine.run_until(entry, limit)
                engine.run_until(engine.register("lr"), limit)
                after_layer(index, lambda offset, size: engine.read(self._arena + offset, size))
        if engine.register("pc") != back:
            engine.run_until(back, limit)
        engine.trace.end()

        stack_bytes = self._stack_used(engine, stack, bottom)
        if back != self._output_ready:
            engine.run_until(self._output_ready, limit)
        outputs = tuple(engine.read(self._arena + buffer.offset, buffer.bytes) for buffer in self._manifest.outputs)
        engine.run_until(self._await_input, limit)

        blocks = engine.blocks()
        instructions, layers, functions = self._count(blocks)
        used, extent = self._arena_use(engine) if touched else (None, None)
        return Run(outputs, instructions, layers, functions, blocks, stack_bytes, used, extent)

    def _count(self, blocks: Sequence[Block]) -> tuple[int, tuple[int, ...], dict[str, int]]:
        layers = [0] * len(self._layers)
        functions: Counter[str] = Counter()
        for block in blocks:
            size = block.instructions or self._decoded_size(block)
            functions[self._image.function_at(block.address)] += size * block.executed
            if block.layer >= 0:
                layers[block.layer] += size * block.executed
        return sum(functions.values()), tuple(layers), dict(functions.most_common())

    def _decoded_size(self, block: Block) -> int:
        key = (block.address, block.bytes)
        if key not in self._sizes:
            self._sizes[key] = count_instructions(self._image.code(*key), self._core.family)
        return self._sizes[key]

    def _paint_stack(self, engine: Engine) -> tuple[int, int]:
        """Fill the free stack; return the stack pointer and the lowest painted address."""
        stack = engine.register("sp")
        for memory in self._board.memories:
            if memory.kind == "ram" and memory.address < stack <= memory.address + memory.size:
                free = self._image.free_below(stack, memory.address)
                bottom = max(free, stack - len(_PAINT))
                engine.write(bottom, _PAINT[: stack - bottom].tobytes())
                return stack, bottom
        raise DeviceError(
            f"the stack pointer is 0x{stack:08x} on entering the inference function, outside every RAM of board "
            f"{self._board.name}: check the linker script against the board file"
        )

    def _stack_used(self, engine: Engine, stack: int, bottom: int) -> int:
        now = np.frombuffer(engine.read(bottom, stack - bottom), np.uint8)
        changed = np.flatnonzero(now != _PAINT[: stack - bottom])
        ends_memory = any(memory.address == bottom for memory in self._board.memories)
        if changed.size and changed[0] == 0 and not ends_memory:  # leaving the memory would have faulted
            raise DeviceError(
                f"the inference used all {stack - bottom} bytes between the stack pointer at entry (0x{stack:08x}) and "
                f"the data below it (0x{bottom:08x}): the stack does not fit board {self._board.name}"
            )
        return stack - bottom - int(changed[0]) if changed.size else 0

    def _arena_use(self, engine: Engine) -> tuple[int, int]:
        touched = engine.touched()
        for buffer in (*self._manifest.inputs, *self._manifest.outputs):
            touched[buffer.offset : buffer.offset + buffer.bytes] |= 1
        where = np.flatnonzero(touched)
        return int(where.size), int(where[-1]) + 1 if where.size else 0

    def _describe(self, fault: FaultError) -> str:
        assert self._engine is not None
        layer = self._engine.trace.layer if self._engine.trace.header.counting else -1
        where = "outside every layer"
        if layer >= 0:
            described = self._manifest.layers[layer]
            where = f"in layer {layer} ({described.op} {described.name})"
        accessed = f", accessing address 0x{fault.address:08x}" if fault.address is not None else ""
        return (
            f"{self._image.path.name} on the emulated {self._board.name} ({self._engine.name}): {fault.reason} at "
            f"pc 0x{fault.pc:08x} in `{self._image.function_at(fault.pc)}`{accessed}, {where}"
        )
