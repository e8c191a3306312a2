"""PAD and PADV2: a border of constant elements."""

from __future__ import annotations

import numpy as np

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.boxes import MAX_RANK, expect_same_type, pad_rank, require_movable
from midge.runtime.operators.builder import built_row
from midge.runtime.operators.quantized import byte_quantization
from midge.runtime.operators.row import constant, expect, expect_counts, expect_shape, require
from midge.runtime.program import KernelCall


def _paddings(node: Node) -> list[tuple[int, int]]:
    tensor = node.input(1)
    data: Array = constant(tensor, "paddings")
    expect(tensor.dtype in (DType.INT32, DType.INT64), f"paddings are {tensor.dtype.value}; they must be int32")
    rank = len(node.input(0).shape)
    expect_shape(tensor, (rank, 2), "paddings")
    pairs = [(int(before), int(after)) for before, after in data]
    expect(all(before >= 0 and after >= 0 for before, after in pairs), f"paddings {pairs} must not be negative")
    return pairs


def _border(node: Node) -> Array:
    """Return the value of one border element, shape (1,)."""
    source, output = node.input(0), node.output()
    given = node.optional_input(2)
    if given is not None:
        expect_same_type(given, source)
        expect(given.elements == 1, f"the value to pad with has shape {list(given.shape)}; it must be one element")
        if source.dtype == DType.INT8:
            a, b = byte_quantization(given, "padding value"), byte_quantization(output, "output")
            expect(
                (a.scale, a.zero_point) == (b.scale, b.zero_point),
                "the value to pad with has another scale or zero point than the output",
            )
        return constant(given, "padding value").reshape(1)
    if source.dtype in (DType.INT8, DType.UINT8) and output.quantization is not None:
        return np.array([byte_quantization(output, "output").zero_point], dtype=output.dtype.numpy)
    return np.zeros(1, dtype=output.dtype.numpy)


def _pad(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (2, 3))
    source, output = node.input(0), node.output()
    require_movable(source)
    expect_same_type(output, source)
    pairs = _paddings(node)
    expect_shape(output, tuple(extent + sum(pair) for extent, pair in zip(source.shape, pairs, strict=True)))
    require_movable(output)
    value = _border(node).tobytes()
    # An axis without a border is merged into the axis before it, whose borders become so much longer.
    axes: list[tuple[int, int, int]] = []
    for extent, (before, after) in zip(source.shape, pairs, strict=True):
        if axes and before == after == 0:
            axes[-1] = (axes[-1][0] * extent, axes[-1][1] * extent, axes[-1][2] * extent)
        else:
            axes.append((extent, before, after))
    require(len(axes) <= MAX_RANK, f"borders on {len(axes)} separate axes; at most {MAX_RANK} are supported")
    return (
        KernelCall(
            kernel="midge_pad",
            params={
                "element_size": source.dtype.itemsize,
                "value": tuple(value.ljust(8, b"\0")),
                "input_shape": pad_rank([extent for extent, _, _ in axes], 1),
                "before": pad_rank([before for _, before, _ in axes], 0),
                "after": pad_rank([after for _, _, after in axes], 0),
            },
            inputs=(node.input_index(0),),
            outputs=(node.operator.outputs[0],),
        ),
    )


PAD = built_row("PAD", 34, _pad)
PADV2 = built_row("PADV2", 60, _pad)
