"""What Midge computes for a layer: reader, lowering and kernels, every tensor in a fenced buffer of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np
import numpy.typing as npt

from midge.runtime import native
from midge.runtime.arches import arch_folders
from midge.runtime.graph import Graph
from midge.runtime.lower import lower
from midge.runtime.program import KernelCall, Program, Target
from midge.runtime.tflite.reader import read_model

Array = npt.NDArray[Any]

FENCE = 64
"""Bytes on either side of every buffer that no kernel may change."""
PATTERN = 0xA5

SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")
"""Whether the kernel library was built with AddressSanitizer, whose run-time library must be loaded first."""

KERNELS = native.KERNELS


class Fenced:
    """Memory of an exact size between two fences, aligned as a board aligns it.

    Under AddressSanitizer the fences are the sanitizer's own, which also catch reads.
    """

    def __init__(self, size: int) -> None:
        """Reserve `size` bytes, filled with a pattern."""
        fence = 0 if SANITIZED else FENCE
        if SANITIZED:
            self._block = _libc().malloc(size)
            self._memory = np.frombuffer(_ffi().buffer(self._block, size), dtype=np.uint8) if size else np.empty(0, "B")
            self._memory[:] = PATTERN
            self.address = int(_ffi().cast("uintptr_t", self._block))
        else:
            whole = np.full(size + 2 * fence + 16, PATTERN, dtype=np.uint8)
            skip = -(whole.ctypes.data + fence) % 16
            self._memory = whole[skip : skip + size + 2 * fence]
            self.address = self._memory.ctypes.data + fence
        self._fence = fence
        self.bytes = self._memory[fence : fence + size]

    def whole(self) -> bool:
        """Whether both fences stand."""
        end = len(self._memory) - self._fence
        return bool((self._memory[: self._fence] == PATTERN).all() and (self._memory[end:] == PATTERN).all())

    def __del__(self) -> None:
        """Give the sanitizer's memory back."""
        if SANITIZED:
            _libc().free(self._block)


@lru_cache(maxsize=1)
def _ffi() -> Any:
    ffi = cffi.FFI()
    ffi.cdef("void *malloc(size_t size); void free(void *block);")
    return ffi


@lru_cache(maxsize=1)
def _libc() -> Any:
    return _ffi().dlopen(None)


def call(kernel_call: KernelCall, buffers: dict[int, Fenced], graph: Graph) -> None:
    """Run one kernel on the buffers of its tensors."""
    ffi, library = native.interface(), native.library()
    params, keep = native.make_params(kernel_call.kernel, kernel_call.params)
    arguments: list[Any] = [params]
    for index in (*kernel_call.inputs, *kernel_call.outputs):
        if index not in buffers:
            tensor = graph.tensors[index]
            buffers[index] = Fenced(tensor.nbytes)
            if tensor.data is not None:
                buffers[index].bytes[:] = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
        arguments.append(ffi.cast("void *", buffers[index].address))
    scratch = Fenced(kernel_call.scratch)
    if native.takes_scratch(kernel_call.kernel, len(arguments) - 1):
        arguments.append(ffi.cast("void *", scratch.address))
    else:
        assert kernel_call.scratch == 0
    types = native.interface().typeof(getattr(library, kernel_call.kernel)).args
    getattr(library, kernel_call.kernel)(
        *(ffi.cast(kind, argument) for kind, argument in zip(types, arguments, strict=True))
    )
    del keep
    for index, buffer in buffers.items():
        assert buffer.whole(), f"{kernel_call.kernel} wrote outside tensor {index}"
    assert scratch.whole(), f"{kernel_call.kernel} wrote outside its scratch of {kernel_call.scratch} bytes"


def execute(program: Program, feeds: Sequence[Array]) -> list[Array]:
    """Run a lowered model and return its outputs."""
    graph = program.graph
    buffers: dict[int, Fenced] = {}
    for index, feed in zip(graph.inputs, feeds, strict=True):
        buffers[index] = Fenced(graph.tensors[index].nbytes)
        buffers[index].bytes[:] = np.frombuffer(np.ascontiguousarray(feed).tobytes(), np.uint8)
    for step in program.steps:
        if step.alias_of is not None:
            buffers[step.outputs[0]] = buffers[step.alias_of]
        for kernel_call in step.calls:
            call(kernel_call, buffers, graph)
    return [
        buffers[i].bytes.copy().view(graph.tensors[i].dtype.numpy).reshape(graph.tensors[i].shape)
        for i in graph.outputs
    ]


def run_midge(data: bytes, feeds: Sequence[Array], arch: str | None = None) -> list[Array]:
    """Run the bytes of a `.tflite` file through Midge.

    Args:
        data: the file.
        feeds: one array per input.
        arch: whose variants to use; the loaded kernel library computes them in portable C if it is not this host's.
    """
    return execute(lower(read_model(data, "case"), Target(arch or native.host_arch())), feeds)


SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
WITHOUT_AVX2 = ("-O2", "-D__builtin_cpu_supports(name)=0")
"""Flags that make the x86-64 inner loops take their way for old processors."""


def build_library(folder: Path, arch: str = "portable", flags: Sequence[str] = ("-O2",)) -> Path:
    """Compile the kernels with other inner loops or flags; name the result in MIDGE_KERNEL_LIBRARY.

    The inner loops of an instruction set that this host does not have are the portable ones, their specification.
    """
    sources = [str(path) for path in sorted((KERNELS / "src").glob("*.c"))]
    folders = arch_folders(arch if arch == native.host_arch() else "portable")
    for path in sorted((KERNELS / "arch" / "portable").glob("*.c")):
        own = (KERNELS / "arch" / folder / path.name for folder in folders)
        sources.append(str(next(file for file in own if file.is_file())))
    library = folder / f"kernels_{arch}.so"
    command = ["cc", "-std=c99", "-shared", "-fPIC", "-ffp-contract=off", *flags, f"-I{KERNELS / 'include'}"]
    subprocess.run([*command, f"-I{KERNELS / 'src'}", "-o", str(library), *sources], check=True)
    return library


def library_environment(library: Path, flags: Sequence[str] = ()) -> dict[str, str]:
    """Return the environment in which a new process loads a library of `build_library`."""
    environment = {**os.environ, "MIDGE_KERNEL_LIBRARY": str(library)}
    if flags == SANITIZE:
        # Without libstdc++ the sanitizer does not find what C++ exceptions of the oracles are thrown with.
        names = ["-print-file-name=libasan.so", "-print-file-name=libstdc++.so.6"]
        found = [subprocess.run(["cc", name], check=True, capture_output=True, text=True) for name in names]
        environment["LD_PRELOAD"] = " ".join(result.stdout.strip() for result in found)
        # The interpreter's own leaks and allocator are not what is tested.
        environment["ASAN_OPTIONS"] = "detect_leaks=0"
    return environment
