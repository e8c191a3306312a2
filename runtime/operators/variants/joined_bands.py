"""Blocks of channels and bands of pixels of the convolutions in joined.py: what memory they take, at which price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import DType, Node
from midge.runtime.operators.lead import MOST_PIXELS
from midge.runtime.operators.window import Window

BLOCK_BYTES = 4608
"""About how much scratch the expanded weights may take. Windows at the border are gathered anew for every block, and
loops begin and end."""
PRICE = {"default": 9.0, "speed": 40.0, "size": 9.0, "ram": 0.1}
"""The part of a layer's memory that must be saved for each part of its instructions that it costs, by mode."""
_MOST_BANDS = 64
"""More would save next to nothing."""
_COPY_COST = 1
"""Instructions, about, that a byte takes to copy from the buffer."""
_STEP_COST = 75
"""Instructions, about, of a step of a block besides the products: its loops, the ends of sums and records."""
_GATHER_COST = (40, 2)
"""The same of a window at the border: for each row, for each input."""


@dataclass(frozen=True)
class Form:
    """What an instruction set's inner loops take, in elements and, about, in instructions."""

    group_channels: int
    longest_segment: int
    """Most elements of a segment; 0 where there are none."""
    mac_cost: float
    expand_cost: float
    """Instructions that a weight takes to expand."""


@dataclass(frozen=True)
class Cut:
    """How a layer is cut into blocks and bands."""

    block_groups: int
    band_steps: int
    patch_offset: int
    """Bytes of sums and expanded weights."""
    buffer_offset: int
    """Bytes of scratch before the buffer for a band's outputs; 0 if there is none."""
    scratch: int
    lead: int | None


class Starts:
    """The first byte of input that is still needed, step by step; a step is two pixels of a row or one at its end."""

    def __init__(self, window: Window) -> None:
        """Work out where the windows begin."""
        width = window.output_width
        y = np.arange(window.output_height, dtype=np.int64) * window.stride_height - window.padding_top
        x = np.arange(0, width, 2, dtype=np.int64) * window.stride_width - window.padding_left
        image = window.input_height * window.input_width
        top = np.arange(window.batches, dtype=np.int64)[:, None, None] * image
        first = top + y.clip(0)[:, None] * window.input_width + x.clip(0)
        self.channels = window.output_channels
        self.unread: npt.NDArray[np.int64] = np.append(
            np.minimum.accumulate(first.ravel()[::-1])[::-1] * window.input_channels, np.iinfo(np.int64).max // 2
        )
        """The last entry is for the time when all is done."""
        rows = np.arange(window.batches * window.output_height, dtype=np.int64)[:, None] * width
        ends = rows + np.minimum(np.arange(2, width + 2, 2, dtype=np.int64), width)
        self.ends: npt.NDArray[np.int64] = ends.ravel()
        """Pixels of output up to the end of a step."""

    def step_lead(self) -> int:
        """Return the lead (see `KernelCall.lead`) where each step's outputs are all written before the next step."""
        return max(0, int((self.ends * self.channels - self.unread[1:]).max()))

    def band_lead(self, band_steps: int, earlier_channels: int) -> int:
        """Return the lead where a band is computed block by block.

        Args:
            band_steps: steps of a band.
            earlier_channels: those of all blocks but the last; 0 if the outputs of a band are written at its end.
        """
        begins = np.arange(0, len(self.ends), band_steps)
        after = np.minimum(begins + band_steps, len(self.ends))
        written = self.ends[after - 1] * self.channels
        outside = max(0, int((written - self.unread[after]).max()))
        if earlier_channels == 0:
            return outside
        # Before the last block begins, all its predecessors have written their part of the band's last pixel.
        inside = written - self.channels + earlier_channels - self.unread[begins]
        return max(outside, int(inside.max()))

    def band_bytes(self, band_steps: int) -> int:
        """Return the outputs of the longest band, in bytes."""
        begins = np.append(0, self.ends)[:-1:band_steps]
        return int((np.append(begins[1:], self.ends[-1]) - begins).max()) * self.channels


def choose_cut(node: Node, window: Window, form: Form, group_bytes: npt.NDArray[np.int64], mode: str) -> Cut:
    """Choose the blocks and bands that take least memory among those that cost little time.

    Nothing is paid for memory that another layer of the model needs anyway.

    Args:
        node: the convolution.
        window: its geometry.
        form: what the inner loops take.
        group_bytes: bytes of every group's expanded weights.
        mode: `Target.optimize`.
    """
    depth = window.filter_height * window.filter_width * window.input_channels
    starts = Starts(window) if window.batches * window.output_height * window.output_width <= MOST_PIXELS else None
    source, output = node.input(0).nbytes, node.output().nbytes
    enough = _largest_tensor(node)
    steps = window.batches * window.output_height * -(-window.output_width // 2)
    inside = (window.interior_bottom - window.interior_top) * (window.interior_right - window.interior_left)
    border = window.batches * (window.output_height * window.output_width - inside)
    expand = form.expand_cost * depth * window.output_channels
    gather = border * (_GATHER_COST[0] * window.filter_height + _GATHER_COST[1] * depth)
    products = form.mac_cost * depth * window.output_channels * window.batches * window.output_height
    whole = products * window.output_width + expand + steps * _STEP_COST + gather
    best: tuple[float, float, Cut] | None = None
    fewest = -(-len(group_bytes) // max(1, min(len(group_bytes), BLOCK_BYTES // int(group_bytes.max()))))
    for groups in _sizes(len(group_bytes), fewest):
        blocks = -(-len(group_bytes) // groups)
        words = [int(group_bytes[start : start + groups].sum()) for start in range(0, len(group_bytes), groups)]
        patch_offset = 8 * groups * form.group_channels + max(words)
        buffer_offset = -(-(patch_offset + (0 if window.all_interior else 2 * depth)) // 4) * 4
        for bands in range(1, min(steps, _MOST_BANDS) + 1) if blocks > 1 and starts is not None else (1,):
            lost = (blocks - fewest) * (steps * _STEP_COST + gather) + (bands - 1) * expand
            size = -(-steps // bands)
            lead, scratch = None, patch_offset + (0 if window.all_interior else 2 * depth)
            if starts is not None and bands > 1:
                lead, scratch = starts.band_lead(size, 0), buffer_offset + starts.band_bytes(size)
                lost += _COPY_COST * output
            elif starts is not None:
                earlier = (blocks - 1) * groups * form.group_channels
                lead = starts.band_lead(size, earlier) if earlier else starts.step_lead()
            needed = source + output if lead is None else min(max(source + lead, output), source + output)
            value = max(needed + scratch, enough) * (1 + PRICE[mode] * lost / whole)
            if best is None or (value, lost) < best[:2]:
                cut = Cut(groups, size, patch_offset, buffer_offset if bands > 1 else 0, scratch, lead)
                best = (value, lost, cut)
    assert best is not None
    return best[2]


def _sizes(groups: int, fewest: int) -> Iterator[int]:
    """Yield the groups of a block, the most first, for every number of blocks from `fewest` on."""
    before = 0
    for blocks in range(fewest, groups + 1):
        size = -(-groups // blocks)
        if size != before:
            yield size
        before = size


def _largest_tensor(node: Node) -> int:
    """Return the bytes of the model's largest int8 activation."""
    graph = node.graph
    read = {index for operator in graph.operators for index in (*operator.inputs, *operator.outputs)}
    tensors = [graph.tensors[index] for index in read if index is not None]
    return max(tensor.nbytes for tensor in tensors if tensor.dtype == DType.INT8 and tensor.data is None)
