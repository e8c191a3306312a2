"""Depthwise convolution of channels one after the other, each in a plane of int16 pairs; see kernels.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import depthwise_window, input_zero_point
from midge.runtime.operators.row import constant
from midge.runtime.operators.single_rounding import single_rounding
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.weighted import channel_records, factors, folded_bias, output_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

_ARCHES = ("armv7em",)
_GROUP = 4
"""Channels whose planes lie in scratch at a time."""
_BAND_LIMIT = 4096
"""Bytes of planes that a band of rows may take, where fewer rows would do."""
_MAX_TAPS = 128
"""Most taps of a filter; its expanded weights lie in scratch too."""
_DIRECT = 60
"""About how many instructions an output takes without planes, besides 20/3 per tap."""

Run = tuple[int, int, int, int, int, int, int]


@dataclass(frozen=True)
class Walk:
    """A depthwise convolution by the axis whose pixels are paired (rows) and the other one; steps are in bytes."""

    input_rows: int
    input_columns: int
    output_rows: int
    output_columns: int
    filter_rows: int
    filter_columns: int
    row_stride: int
    column_stride: int
    padding_top: int
    padding_left: int
    input_row_step: int
    input_column_step: int
    output_row_step: int
    output_column_step: int
    turned: bool = False

    @property
    def pairs(self) -> int:
        """Output rows in a block: two where both begin in the same pair of rows of pixels."""
        return 2 if self.row_stride == 1 else 1

    @property
    def reach(self) -> int:
        """Pairs of rows that the windows of a block lie in."""
        return -(-(self.filter_rows + self.pairs - 1) // 2)

    @property
    def steps(self) -> int:
        """Blocks from top to bottom."""
        return -(-self.output_rows // self.pairs)

    @property
    def line(self) -> bool:
        """Whether there is one column only, so that pairs of rows can take the place of columns."""
        return self.row_stride == 1 and self.input_columns == self.filter_columns == self.output_columns == 1

    @property
    def is_3x3(self) -> bool:
        """Whether there are loops for just this filter."""
        return self.filter_rows == self.filter_columns == 3 and self.row_stride == self.column_stride <= 2

    @property
    def cost(self) -> int:
        """About how many instructions a channel takes: blocks, ends of rows."""
        columns = -(-self.output_columns // 2)
        whole, odd = divmod(self.output_rows, self.pairs)
        return whole * (51 * columns + 15) + odd * 30 * columns

    def runs(self, rows: int) -> list[Run]:
        """Return the runs over some output rows, see kernels.h; the first row lies on a block."""
        if self.line:
            pairs, odd = divmod(rows, 2)
            step = self.output_row_step
            return _columns((0, 0), pairs, 2 * step, step, 1, 0) + (
                _columns((pairs, 2 * pairs * step), 1, step, 0, 1, 0) if odd else []
            )
        blocks, odd = divmod(rows, self.pairs)
        step, columns = self.output_row_step, self.output_columns
        lower = step if self.pairs == 2 else 0
        whole = _columns((0, 0), columns, self.output_column_step, lower, blocks, self.pairs * step)
        start = (blocks * pitch(self), blocks * self.pairs * step)
        return whole + (_columns(start, columns, self.output_column_step, 0, 1, 0) if odd else [])


def pitch(walk: Walk) -> int:
    """Return the words from one pair of rows to the next: a block of one column still reads what two would."""
    if walk.line:
        return 1
    columns = walk.output_columns + walk.output_columns % 2
    return (columns - 1) * walk.column_stride + walk.filter_columns


def _columns(start: tuple[int, int], columns: int, step: int, lower: int, rows: int, down: int) -> list[Run]:
    """Return the runs over all columns of some rows (or pairs of rows, if `lower` is not 0), `down` bytes apart."""
    if not rows or not columns:
        return []
    return [
        (*start, step, lower, columns, rows, down - columns * step)
        if columns > 1
        else (*start, 0, lower, 2, rows, down)
    ]


def _walk(window: Window) -> Walk:
    channels = window.input_channels
    return Walk(
        window.input_height,
        window.input_width,
        window.output_height,
        window.output_width,
        window.filter_height,
        window.filter_width,
        window.stride_height,
        window.stride_width,
        window.padding_top,
        window.padding_left,
        window.input_width * channels,
        channels,
        window.output_width * channels,
        channels,
    )


def _turn(walk: Walk) -> Walk:
    """Return the same with rows and columns exchanged."""
    return Walk(
        walk.input_columns,
        walk.input_rows,
        walk.output_columns,
        walk.output_rows,
        walk.filter_columns,
        walk.filter_rows,
        walk.column_stride,
        walk.row_stride,
        walk.padding_left,
        walk.padding_top,
        walk.input_column_step,
        walk.input_row_step,
        walk.output_column_step,
        walk.output_row_step,
        not walk.turned,
    )


def _best_walk(window: Window) -> Walk:
    """Turn where that is cheaper and the output may still lie on the input: every pixel on its own counterpart."""
    walk = _walk(window)
    turned = _turn(walk)
    if turned.line:
        return turned
    alike = (walk.input_rows, walk.input_columns) == (walk.output_rows, walk.output_columns)
    return turned if alike and not walk.line and walk.row_stride == 1 and turned.cost < walk.cost else walk


def _lower(node: Node, target: Target) -> tuple[KernelCall, ...] | None:
    if node.input(0).dtype != DType.INT8:
        return None
    window = depthwise_window(node)
    output = output_params(node)
    if (
        window.output_channels != window.input_channels
        or (window.dilation_height, window.dilation_width) != (1, 1)
        or window.filter_height * window.filter_width > _MAX_TAPS
    ):
        return None
    walk = _best_walk(window)
    if walk.row_stride > 2:
        return None
    weights = constant(node.input(1), "weights")[0].transpose(2, 0, 1)
    single, records = _records(node, np.ascontiguousarray(weights.reshape(window.output_channels, -1)))
    if records is None:
        return None
    bands = _bands(walk, min(_GROUP, window.input_channels))
    outputs_of_channel = walk.output_rows * walk.output_columns
    direct = outputs_of_channel * (_DIRECT + 20 * walk.filter_rows * walk.filter_columns / 3)
    if target.optimize != "size" and _cost(walk, bands) > direct:  # a second kernel would take more flash
        return None
    params: dict[str, ParamValue] = {
        "batches": window.batches,
        "channels": window.input_channels,
        "input_rows": walk.input_rows,
        "input_columns": walk.input_columns,
        "input_row_step": walk.input_row_step,
        "input_column_step": walk.input_column_step,
        "input_bytes": node.input(0).nbytes // window.batches,
        "output_bytes": node.output().nbytes // window.batches,
        "filter_height": walk.filter_rows,
        "filter_width": walk.filter_columns,
        "padding_top": walk.padding_top,
        "padding_left": walk.padding_left,
        "input_zero_point": input_zero_point(node),
        "column_stride": 1 if walk.line else walk.column_stride,
        **bands,
        "weights": np.ascontiguousarray(weights.transpose(0, 2, 1) if walk.turned else weights),
        "records": records,
        "activation_min": output["activation_min"],
        "activation_max": output["activation_max"],
    }
    words = params["plane_words"], params["weight_words"]
    assert isinstance(words[0], int) and isinstance(words[1], int)
    shape = ("_3x3" if walk.row_stride == 1 else "_3x3_stride2") if walk.is_3x3 else ""
    kernel = f"midge_depthwise_conv_2d_planes{shape}{'' if single else '_exact'}_s8"
    scratch = 4 * (words[0] * min(_GROUP, window.input_channels) + words[1])
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    # Where the output grew, it would overrun pixels that a later band or image reads.
    shrinks = walk.output_rows <= walk.input_rows and walk.output_columns <= walk.input_columns
    return (KernelCall(kernel, params, inputs, outputs, scratch, in_place=shrinks),)


def _records(node: Node, rows: Array) -> tuple[bool, Array | None]:
    """Return whether one rounding does, and the constants of every channel."""
    records = channel_records(node, rows)
    if records is None:
        return False, None
    zero_point = output_params(node)["output_zero_point"]
    assert isinstance(zero_point, int)
    multiplier, shift = (np.broadcast_to(values, len(rows)) for values in factors(node))
    if zero_point == -128:
        joined = single_rounding(folded_bias(node, rows, len(rows)), multiplier, shift, rows, zero_point)
        if joined is not None:
            return True, joined
    right = records[:, 2].astype(np.int64)
    rounding = (2 * zero_point + 1) << (right - 1)
    return False, np.stack([records[:, 0], records[:, 1], rounding, right], axis=1).astype(np.int32)


def _cost(walk: Walk, bands: dict[str, ParamValue]) -> float:
    """Return about how many instructions a channel takes: itself, its weights and pixels, runs and their blocks."""
    repeats, band_runs, words = bands["bands"], bands["band_runs"], bands["weight_words"]
    assert isinstance(repeats, int) and isinstance(band_runs, int) and isinstance(words, int)
    block = 50 if walk.is_3x3 else 40 + 9 * words / 2
    runs = np.asarray(bands["runs"], np.int64).reshape(-1, 7)
    each = 40 + block * ((runs[:, 4] + 1) // 2) * runs[:, 5]
    pixels = (walk.steps + walk.reach - 1) * pitch(walk)
    return float(150 + 12.5 * words + 4.5 * pixels + repeats * each[:band_runs].sum() + each[band_runs:].sum())


def _bands(walk: Walk, planes: int) -> dict[str, ParamValue]:
    """Return planes, bands and runs as the parameters are named."""
    keep = walk.reach - 1
    total = walk.steps + keep
    if walk.line:
        steps = walk.steps
        runs = walk.runs(walk.output_rows)
        plane_words = max(total, *(run[0] + run[4] + keep for run in runs))
    else:
        limit = max(walk.reach, _BAND_LIMIT // (4 * pitch(walk) * planes))
        steps = min(total, limit) - keep
        plane_words = (steps + keep) * pitch(walk)
    bands = (walk.steps - 1) // steps
    last = walk.steps - bands * steps
    band_runs = walk.runs(steps * walk.pairs) if bands else []
    last_runs = walk.runs(walk.output_rows - bands * steps * walk.pairs)
    columns = walk.reach if walk.line else walk.filter_columns
    reach = 1 if walk.line else walk.reach
    return {
        "reach": reach,
        "block_columns": columns,
        "weight_words": 0 if walk.is_3x3 else 2 * reach * columns,
        "plane_words": plane_words,
        "pitch": pitch(walk),
        "line": int(walk.line),
        "bands": bands,
        "band_pairs": steps + keep,
        "last_pairs": last + keep,
        "keep_pairs": keep,
        "band_output": steps * walk.pairs * walk.output_row_step,
        "band_runs": len(band_runs),
        "last_runs": len(last_runs),
        "runs": np.array(band_runs + last_runs, np.int32),
    }


DEPTHWISE_CONV_2D = Variant("planes", _ARCHES, _lower)
