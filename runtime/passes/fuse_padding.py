"""Let a convolution pad its input itself where a PAD before it does nothing else.

A PAD or PADV2 along height and width (Keras's ZeroPadding2D) whose readers are all CONV_2D or DEPTHWISE_CONV_2D is
removed, and each of these takes its borders as explicit padding, on top of what its own rule adds.

Exact because a convolution pads with its input's zero point, which is 0 in its sums: the border must hold just that
value (0 for floats), and input and output of the PAD must have one scale and zero point. Convolutions that quantize
their float input as they run stay, because they measure its range with the border. Padding that a whole window would
fit in stays, too: the kernels take for granted that every window meets the image.

Demands: every operator has passed its row's check.
"""

from __future__ import annotations

import dataclasses

from midge.runtime.graph import DType, Graph, Node, Operator
from midge.runtime.operators.conv_geometry import conv_geometry, depthwise_window
from midge.runtime.operators.dynamic import is_dynamic
from midge.runtime.operators.row import constant
from midge.runtime.operators.window import Padding, Window
from midge.runtime.passes.rewrite import same_quantization


def fuse_padding(graph: Graph) -> Graph:
    """Return the graph with borders moved into the convolutions that read them."""
    readers: dict[int, list[int]] = {}
    for position, operator in enumerate(graph.operators):
        for index in operator.inputs:
            if index is not None:
                readers.setdefault(index, []).append(position)
    operators: dict[int, Operator] = dict(enumerate(graph.operators))
    for position, node in reversed(list(enumerate(graph.nodes()))):
        output = node.operator.outputs[0]
        border = _border(node)
        if border is None or output in graph.outputs:
            continue
        source = node.input_index(0)
        found = readers.get(output, [])
        fused = [_with_border(Node(graph, operators[reader]), source, border) for reader in found]
        if fused and all(each is not None for each in fused):
            del operators[position]
            operators.update((reader, each) for reader, each in zip(found, fused, strict=True) if each is not None)
            readers[source] = [*found, *(reader for reader in readers[source] if reader != position)]
    return graph.replace(operators=tuple(operators[position] for position in sorted(operators)))


def _border(node: Node) -> Padding | None:
    """Return the border that a PAD adds; None where a convolution would not add the same."""
    if node.operator.kind not in ("PAD", "PADV2"):
        return None
    source, output = node.input(0), node.output()
    if len(source.shape) != 4 or source.data is not None or not same_quantization(source, output):
        return None
    value = node.optional_input(2)
    if source.dtype is DType.INT8:
        assert output.quantization is not None
        right = value is None or int(constant(value, "value").reshape(-1)[0]) == output.quantization.zero_point
    else:
        # Minus zero is not what a kernel pads with.
        right = source.dtype is DType.FLOAT32 and (value is None or not any(constant(value, "value").tobytes()))
    pairs = constant(node.input(1), "paddings")
    if not right or pairs[0].any() or pairs[3].any():
        return None
    (top, bottom), (left, right_side) = pairs[1].tolist(), pairs[2].tolist()
    return Padding(top, bottom, left, right_side)


def _with_border(node: Node, source: int, border: Padding) -> Operator | None:
    """Return a convolution that reads `source` and pads it itself; None where it is none, or cannot."""
    if node.operator.kind == "CONV_2D":
        window = conv_geometry(node)
    elif node.operator.kind == "DEPTHWISE_CONV_2D":
        window = depthwise_window(node)
    else:
        return None
    if is_dynamic(node):
        return None
    own = _own_padding(node, window)
    whole = Padding(*(int(a + b) for a, b in zip(dataclasses.astuple(border), dataclasses.astuple(own), strict=True)))
    rows = (window.filter_height - 1) * window.dilation_height + 1
    columns = (window.filter_width - 1) * window.dilation_width + 1
    if max(whole.top, whole.bottom) >= rows or max(whole.left, whole.right) >= columns:
        return None
    attributes = dataclasses.replace(node.attributes, explicit_padding=whole)
    return dataclasses.replace(node.operator, inputs=(source, *node.operator.inputs[1:]), attributes=attributes)


def _own_padding(node: Node, window: Window) -> Padding:
    explicit = node.attributes.explicit_padding
    if explicit is not None:
        assert isinstance(explicit, Padding)
        return explicit
    return Padding(
        window.padding_top,
        max(0, window.padded_height - window.padding_top - window.input_height),
        window.padding_left,
        max(0, window.padded_width - window.padding_left - window.input_width),
    )
