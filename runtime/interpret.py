"""Running lowered steps through this host's kernel library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from midge.runtime import native
from midge.runtime.graph import Array, Graph
from midge.runtime.program import KernelCall, Step

SCRATCH_ALIGNMENT = 16


@dataclass(frozen=True, eq=False)
class BoundCall:
    """A kernel with all its arguments fixed, and whatever they point into."""

    function: Any
    arguments: tuple[Any, ...]
    keep: list[Any] = field(default_factory=list)

    def run(self) -> None:
        """Call the kernel."""
        self.function(*self.arguments)


def bind(call: KernelCall, buffer: Callable[[int], Array], scratch: Array | None) -> BoundCall:
    """Fix a kernel call's arguments.

    Args:
        call: what to run.
        buffer: gives the memory of a tensor: any contiguous array of the right number of bytes.
        scratch: at least `call.scratch` bytes, 16-byte aligned; None where the call needs none.
    """
    ffi = native.interface()
    function = getattr(native.library(), call.kernel)
    params, keep = native.make_params(call.kernel, call.params)
    arguments: list[Any] = [params]
    types = ffi.typeof(function).args
    for position, tensor in enumerate((*call.inputs, *call.outputs)):
        array = buffer(tensor)
        keep.append(array)
        arguments.append(ffi.cast(types[position + 1], ffi.from_buffer(array)))
    if native.takes_scratch(call.kernel, len(call.inputs) + len(call.outputs)):
        keep.append(scratch)
        arguments.append(ffi.NULL if scratch is None else ffi.cast("void *", ffi.from_buffer(scratch)))
    return BoundCall(function, tuple(arguments), keep)


def aligned_bytes(size: int, alignment: int = SCRATCH_ALIGNMENT) -> Array:
    """Return `size` zeroed bytes whose address is a multiple of `alignment`."""
    block = np.zeros(size + alignment, np.uint8)
    start = -block.ctypes.data % alignment
    return block[start : start + size]


def run_step(step: Step, graph: Graph) -> list[Array]:
    """Run one step whose inputs are all constants, and return its outputs."""
    if step.alias_of is not None:
        source = graph.tensors[step.alias_of].data
        assert source is not None
        return [source.reshape(graph.tensors[step.outputs[0]].shape)]
    outputs = {index: np.zeros(graph.tensors[index].shape, graph.tensors[index].dtype.numpy) for index in step.outputs}

    def buffer(index: int) -> Array:
        data = outputs[index] if index in outputs else graph.tensors[index].data
        assert data is not None
        return np.ascontiguousarray(data)

    for call in step.calls:
        bind(call, buffer, aligned_bytes(call.scratch) if call.scratch else None).run()
    return [outputs[index] for index in step.outputs]
