"""This host as a core: every way to compute a layer, run by the kernel library between fences."""

from __future__ import annotations

import numpy as np
from compare import judge
from core_layers import Layer, Way
from host import Fenced, call


class _Part:
    """A tensor in memory that it shares with another one."""

    def __init__(self, block: Fenced, begin: int, size: int) -> None:
        """Take a part of a block."""
        self._block = block
        self.address = block.address + begin
        self.bytes = block.bytes[begin : begin + size]

    def whole(self) -> bool:
        """Whether the fences around the block stand."""
        return self._block.whole()


def run_way(layer: Layer, way: Way) -> str | None:
    """Compute a layer and return in words what is wrong, or None if nothing is."""
    tensors = layer.graph.tensors
    buffers: dict[int, Fenced | _Part] = {}
    shared = None
    if way.overlap is not None:
        shared, lead = way.overlap
        output = next(iter(layer.wanted))
        sizes = tensors[shared].nbytes, tensors[output].nbytes
        block = Fenced(max(lead + sizes[0], sizes[1]))
        buffers[shared], buffers[output] = _Part(block, lead, sizes[0]), _Part(block, 0, sizes[1])
    contents = {
        index: np.frombuffer(np.ascontiguousarray(feed).tobytes(), np.uint8) for index, feed in layer.feeds.items()
    }
    for index, content in contents.items():
        if index not in buffers:
            buffers[index] = Fenced(len(content))
        buffers[index].bytes[:] = content
    for kernel_call in way.calls:
        call(kernel_call, buffers, layer.graph)  # type: ignore[arg-type]
    for index, content in contents.items():
        if index != shared and (buffers[index].bytes != content).any():
            return f"input {index} has been changed"
    found = [
        buffers[index].bytes.copy().view(value.dtype).reshape(value.shape) for index, value in layer.wanted.items()
    ]
    return judge(layer.case, list(layer.wanted.values()), found)
