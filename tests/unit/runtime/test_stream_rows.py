"""A chain of convolutions in bands gives the same bytes from less memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midge.runtime.backends.host import HostBackend
from midge.runtime.graph import DType, Graph, Operator, Quantization, Tensor
from midge.runtime.interpret import aligned_bytes, bind
from midge.runtime.lower import lower
from midge.runtime.operators.conv_geometry import Conv2D, DepthwiseConv2D
from midge.runtime.passes import run_passes
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.passes.stream_rows import _Cut, _cut_chain, stream_rows
from midge.runtime.program import Program, Target
from midge.runtime.tflite.reader import read_file

MODELS = sorted((Path(__file__).parents[2] / "models").glob("*.tflite"))
TARGET = Target("portable", "ram")


def quantized(
    name: str, shape: tuple[int, ...], scale: float, zero_point: int, data: np.ndarray | None = None
) -> Tensor:
    quantization = Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))
    return Tensor(name, shape, DType.INT8, quantization, data)


def random_chain(rng: np.random.Generator, layers: int) -> Graph:
    """Convolutions of any stride, dilation and padding, one after the other, plain and depthwise."""
    height, width, channels = int(rng.integers(12, 24)), int(rng.integers(3, 9)), 4
    tensors = [quantized("x", (1, height, width, channels), 0.05, 3)]
    operators: list[Operator] = []
    source = 0
    for position in range(layers):
        depthwise = bool(rng.random() < 0.4)
        fh, fw = int(rng.integers(1, 4)), int(rng.integers(1, min(4, width + 1)))
        stride, dilation, padding = int(rng.integers(1, 3)), int(rng.integers(1, 3)), int(rng.integers(0, 2))
        reach_h, reach_w = (fh - 1) * dilation + 1, (fw - 1) * dilation + 1
        if reach_h > height or reach_w > width:
            padding = 0
        out = channels if depthwise else 4 * int(rng.integers(1, 3))
        shape = (1, fh, fw, channels) if depthwise else (out, fh, fw, channels)
        weights = rng.integers(-127, 128, shape).astype(np.int8)
        tensors.append(quantized(f"w{position}", shape, 0.01, 0, weights))
        height = -(-height // stride) if padding == 0 else (height - reach_h) // stride + 1
        width = -(-width // stride) if padding == 0 else (width - reach_w) // stride + 1
        channels = out
        tensors.append(quantized(f"y{position}", (1, height, width, channels), 0.07, -5))
        options = {"stride_height": stride, "stride_width": stride, "padding": padding}
        options |= {"dilation_height": dilation, "dilation_width": dilation}
        attributes = DepthwiseConv2D(depth_multiplier=1, **options) if depthwise else Conv2D(**options)
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        operators.append(
            Operator(kind, (source, len(tensors) - 2), (len(tensors) - 1,), attributes, position, macs=1000)
        )
        source = len(tensors) - 1
    return Graph("chain", tuple(tensors), tuple(operators), (0,), (source,))


def run_planned(program: Program, x: np.ndarray) -> np.ndarray:
    """Run a program in the arena of its thorough plan, as a board does."""
    plan, graph = plan_memory(program), program.graph
    arena = aligned_bytes(plan.total)

    def buffer(index: int) -> np.ndarray:
        tensor = graph.tensors[index]
        data = tensor.data
        return arena[plan.offsets[index] :][: tensor.nbytes] if data is None else np.ascontiguousarray(data)

    buffer(graph.inputs[0])[:] = x.view(np.uint8).ravel()
    for position, step in enumerate(program.steps):
        for call in step.calls:
            scratch = arena[plan.scratch_offsets[position] :][: call.scratch] if call.scratch else None
            bind(call, buffer, scratch).run()
    return buffer(graph.outputs[0]).view(np.int8).reshape(graph.tensors[graph.outputs[0]].shape)


def cuts_of(graph: Graph, chain: tuple[int, ...], target: Target = TARGET) -> list[_Cut]:
    return list(_cut_chain(_Cut(graph, lower(graph, target), 0), chain, target, float("inf")))


@pytest.mark.parametrize("seed", range(40))
def test_bands_give_the_same_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_chain(rng, int(rng.integers(2, 5)))
    x = rng.integers(-128, 128, graph.tensors[0].shape).astype(np.int8)
    (expected,) = HostBackend(lower(graph, TARGET)).invoke([x])
    for cut in cuts_of(graph, tuple(range(len(graph.operators)))):
        (found,) = HostBackend(cut.program).invoke([x])

        np.testing.assert_array_equal(found, expected)
        (kept,) = HostBackend(cut.program, keep_tensors=True).invoke([x])
        np.testing.assert_array_equal(kept, expected)
        np.testing.assert_array_equal(run_planned(cut.program, x), expected)


@pytest.mark.parametrize("seed", range(10))
def test_the_arithmetic_of_the_file_is_counted_once(seed: int) -> None:
    """Whatever is computed twice, the bands' shares add up to what the operators were said to take."""
    graph = random_chain(np.random.default_rng(seed), 3)
    for cut in cuts_of(graph, (0, 1, 2)):
        assert sum(step.macs for step in cut.program.steps) == 3 * 1000


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_whole_network_in_bands_is_the_same_network(path: Path) -> None:
    graph = run_passes(read_file(path))
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, graph.tensors[graph.inputs[0]].shape).astype(np.int8)
    expected = HostBackend(lower(graph, TARGET)).invoke([x])
    made = stream_rows(graph, TARGET)

    assert plan_memory(lower(made, TARGET)).total <= plan_memory(lower(graph, TARGET)).total
    for one, other in zip(HostBackend(lower(made, TARGET)).invoke([x]), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def expanding_block(rows: int) -> Graph:
    """1x1 from 8 to 64 channels, 3x3 depthwise of stride 2, 1x1 to 8: the block of a MobileNet."""
    rng = np.random.default_rng(1)
    tensors = [
        quantized("x", (1, rows, 16, 8), 0.05, 3),
        quantized("expand", (64, 1, 1, 8), 0.01, 0, rng.integers(-127, 128, (64, 1, 1, 8)).astype(np.int8)),
        quantized("wide", (1, rows, 16, 64), 0.07, -5),
        quantized("filter", (1, 3, 3, 64), 0.01, 0, rng.integers(-127, 128, (1, 3, 3, 64)).astype(np.int8)),
        quantized("small", (1, rows // 2, 8, 64), 0.07, -5),
        quantized("project", (8, 1, 1, 64), 0.01, 0, rng.integers(-127, 128, (8, 1, 1, 64)).astype(np.int8)),
        quantized("y", (1, rows // 2, 8, 8), 0.07, -5),
    ]
    two = DepthwiseConv2D(stride_height=2, stride_width=2, depth_multiplier=1)
    one = Conv2D(stride_height=1, stride_width=1)
    operators = (
        Operator("CONV_2D", (0, 1), (2,), one, 0),
        Operator("DEPTHWISE_CONV_2D", (2, 3), (4,), two, 1),
        Operator("CONV_2D", (4, 5), (6,), one, 2),
    )
    return Graph("block", tuple(tensors), operators, (0,), (6,))


def test_an_expanding_block_never_holds_its_widest_tensor() -> None:
    """32 rows of 16 pixels with 64 channels are 32,768 bytes; input and output are 4,096 and 1,024."""
    graph = expanding_block(32)
    before, after = (plan_memory(lower(each, TARGET)).total for each in (graph, stream_rows(graph, TARGET)))

    assert before >= 32_768
    assert after < 32_768 / 2


def test_an_image_grows_into_the_one_whose_rows_are_done_with() -> None:
    """1x1 convolutions in four bands of four rows, 256 bytes each: the output never needs room of its own.

    A band of the output is written when the next band of the input is still to be read, so it lies a band before it,
    and so does what is between them, of which there is one band.
    """
    rng = np.random.default_rng(2)
    tensors = [quantized("x", (1, 16, 16, 4), 0.05, 3)]
    for name in ("between", "y"):
        data = rng.integers(-127, 128, (4, 1, 1, 4)).astype(np.int8)
        tensors += [quantized(f"w_{name}", (4, 1, 1, 4), 0.01, 0, data), quantized(name, (1, 16, 16, 4), 0.07, -5)]
    one = Conv2D(stride_height=1, stride_width=1)
    operators = (Operator("CONV_2D", (0, 1), (2,), one, 0), Operator("CONV_2D", (2, 3), (4,), one, 1))
    graph = Graph("pair", tuple(tensors), operators, (0,), (4,))
    x = rng.integers(-128, 128, (1, 16, 16, 4)).astype(np.int8)
    (cut,) = (cut for cut in cuts_of(graph, (0, 1)) if len(cut.program.steps) == 4 * 3 + 1)
    (expected,) = HostBackend(lower(graph, TARGET)).invoke([x])

    assert cut.plan.total <= 1024 + 256
    np.testing.assert_array_equal(run_planned(cut.program, x), expected)


def test_a_graph_that_gains_nothing_is_left_alone() -> None:
    graph = expanding_block(32)
    narrow = graph.replace(operators=graph.operators[:1], outputs=(2,))

    assert stream_rows(narrow, TARGET) is narrow
