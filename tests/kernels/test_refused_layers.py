"""Layers that no kernel covers, or that contradict themselves, are refused when the model is lowered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from oracle import Case, TensorSpec, build, single

from midge.runtime.errors import Error, ModelError, UnsupportedError
from midge.runtime.lower import lower
from midge.runtime.program import Target
from midge.runtime.tflite.reader import read_model

SOURCE = TensorSpec((1, 6, 5, 4), "int8", 0.5, -3)
OUTPUT = TensorSpec((1, 6, 5, 8), "int8", 0.7, 4)


def options(kind: str, **changes: int) -> Any:
    """Return options with stride 1, SAME padding and `changes`."""
    result = getattr(schema, f"{kind}OptionsT")()
    result.strideW = result.strideH = 1
    for name, value in changes.items():
        assert hasattr(result, name)
        setattr(result, name, value)
    return result


def weights(shape: tuple[int, ...], **changes: Any) -> TensorSpec:
    """Return int8 weights with one scale."""
    return replace(TensorSpec(shape, "int8", 0.02, 0, data=np.ones(shape, np.int8)), **changes)


def convolution(
    source: TensorSpec = SOURCE,
    kernel: TensorSpec | None = None,
    bias: TensorSpec | None = None,
    output: TensorSpec = OUTPUT,
    **changes: int,
) -> Case:
    """Return a 3x3 convolution from 4 to 8 channels, with some parts exchanged."""
    kernel = kernel or weights((8, 3, 3, 4))
    feeds = [np.zeros(spec.shape, spec.dtype) for spec in (source, kernel, bias) if spec and spec.data is None]
    return single("CONV_2D", [source, kernel, bias], [output], feeds, options("Conv2D", **changes))


def pool(output: TensorSpec, **changes: int) -> Case:
    """Return a 2x2 maximum with stride 2."""
    given = {"strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2, **changes}
    return single("MAX_POOL_2D", [SOURCE], [output], [np.zeros(SOURCE.shape, np.int8)], options("Pool2D", **given))


def fully_connected(source: tuple[int, ...] = (2, 6), output: tuple[int, ...] = (2, 3), **changes: int) -> Case:
    """Return a layer from 6 to 3 channels."""
    chosen = schema.FullyConnectedOptionsT()
    for name, value in changes.items():
        setattr(chosen, name, value)
    inputs = [TensorSpec(source, "int8", 0.5), weights((3, 6))]
    return single("FULLY_CONNECTED", inputs, [TensorSpec(output, "int8", 0.5)], [np.zeros(source, np.int8)], chosen)


def mean(axes: list[int], output: tuple[int, ...], source: tuple[int, ...] = (1, 6, 5, 4)) -> Case:
    """Return a mean without kept dimensions."""
    axis = TensorSpec((len(axes),), "int32", data=np.array(axes, np.int32))
    inputs = [TensorSpec(source, "int8", 0.5, -3), axis]
    feed = np.zeros(source, np.int8)
    return single("MEAN", inputs, [TensorSpec(output, "int8", 0.5, -3)], [feed], schema.ReducerOptionsT())


BIAS = TensorSpec((8,), "int32", 0.01, data=np.zeros(8, np.int32))

REFUSED: dict[str, tuple[Case, type[Error], str]] = {
    "stride 0": (convolution(strideW=0), ModelError, "stride of at least 1"),
    "negative dilation": (convolution(dilationHFactor=-1), ModelError, "dilation of at least 1"),
    "huge dilation": (convolution(dilationHFactor=2**30), UnsupportedError, "spans"),
    "unknown padding": (convolution(padding=7), ModelError, "SAME .* or VALID"),
    "fused tanh": (convolution(fusedActivationFunction=4), UnsupportedError, "TANH"),
    "wrong output shape": (convolution(padding=1), ModelError, r"expected output shape \[1, 4, 3, 8\]"),
    "window larger than the image": (
        convolution(kernel=weights((8, 7, 3, 4)), padding=1),
        ModelError,
        "does not fit",
    ),
    "channels that form no groups": (convolution(kernel=weights((8, 3, 3, 3))), ModelError, "into groups"),
    "weights of rank 3": (convolution(kernel=weights((8, 3, 4))), ModelError, "rank 4"),
    "weights computed at run time": (
        convolution(kernel=weights((8, 3, 3, 4), data=None)),
        UnsupportedError,
        "must be a constant",
    ),
    "asymmetric weights": (convolution(kernel=weights((8, 3, 3, 4), zero_point=1)), UnsupportedError, "symmetric"),
    "asymmetric int4 weights": (
        convolution(kernel=weights((8, 3, 3, 4), dtype="int4", zero_point=1)),
        UnsupportedError,
        "int4 weights must be symmetric",
    ),
    "int4 weights with float activations": (
        convolution(
            source=TensorSpec(SOURCE.shape, "float32"),
            kernel=weights((8, 3, 3, 4), dtype="int4"),
            output=TensorSpec(OUTPUT.shape, "float32"),
        ),
        UnsupportedError,
        "int4 weights .* with float32 activations",
    ),
    "scales along another axis": (
        convolution(kernel=weights((8, 3, 3, 4), scale=np.full(4, 0.1), axis=3)),
        ModelError,
        "along axis 0",
    ),
    "int16 activations": (
        convolution(source=replace(SOURCE, dtype="int16"), output=replace(OUTPUT, dtype="int16")),
        UnsupportedError,
        "int16",
    ),
    "other output type": (convolution(output=replace(OUTPUT, dtype="int16")), ModelError, "output is int16"),
    "short bias": (
        convolution(bias=replace(BIAS, shape=(7,), data=np.zeros(7, np.int32))),
        ModelError,
        "expected 8 biases",
    ),
    "bias of another type": (
        convolution(bias=replace(BIAS, dtype="int64", data=np.zeros(8, np.int64))),
        UnsupportedError,
        "int64",
    ),
    "factor of 2**30": (
        convolution(source=replace(SOURCE, scale=2.0**30), kernel=weights((8, 3, 3, 4), scale=1.0)),
        UnsupportedError,
        "below 2",
    ),
    "input without a scale": (convolution(source=replace(SOURCE, scale=None)), ModelError, "needs one scale"),
    "too many products in a sum": (
        single(
            "FULLY_CONNECTED",
            [TensorSpec((1, 2**17), "int8", 0.5), weights((1, 2**17))],
            [TensorSpec((1, 1), "int8", 0.5)],
            [np.zeros((1, 2**17), np.int8)],
            schema.FullyConnectedOptionsT(),
        ),
        UnsupportedError,
        "131071",
    ),
    "a pool that rescales": (pool(TensorSpec((1, 3, 3, 4), "int8", 0.6, -3)), UnsupportedError, "cannot rescale"),
    "a pool without a window": (
        pool(replace(SOURCE, shape=(1, 3, 3, 4)), filterWidth=0),
        ModelError,
        "filter width of at least 1",
    ),
    "shuffled weights": (fully_connected(weightsFormat=1), UnsupportedError, "shuffled"),
    "rows that do not divide": (fully_connected(source=(1, 8), output=(1, 3)), ModelError, "whole number of rows"),
    "wrong number of rows": (fully_connected(output=(1, 3)), ModelError, "expected 2 output rows"),
    "an axis that does not exist": (mean([4], (6, 5, 4)), ModelError, "not all axes"),
    "a mean of another shape": (mean([1, 2], (1, 5)), ModelError, r"expected output shape \[1, 4\]"),
    "a mean over too many separate axes": (
        mean([0, 2, 4, 6], (3, 3, 3), (2, 3, 2, 3, 2, 3, 2)),
        UnsupportedError,
        "neighbouring",
    ),
}


@pytest.mark.parametrize("arch", ["portable", "x86_64"])
@pytest.mark.parametrize("name", REFUSED)
def test_layer_is_refused(name: str, arch: str) -> None:
    """The error has the right class, names the operator, and gives the reason."""
    case, error, reason = REFUSED[name]

    with pytest.raises(error, match=reason) as caught:
        lower(read_model(build(case), "case"), Target(arch))

    assert f"operator 0 ({case.operators[0].kind})" in str(caught.value)


def test_huge_dilations_take_little_memory() -> None:
    """A dilation that reaches far outside the image costs a patch, not a padded copy of the plane it spans."""
    case = convolution(dilationHFactor=100_000, dilationWFactor=100_000)
    program = lower(read_model(build(case), "case"), Target("x86_64"))

    assert program.steps[0].kernel == "midge_conv_2d_s8"
    assert program.steps[0].scratch == 3 * 3 * 4


def test_interior_convolutions_need_no_scratch() -> None:
    """Without padding a board's convolution reads every window in place."""
    case = convolution(output=replace(OUTPUT, shape=(1, 4, 3, 8)), padding=1)
    program = lower(read_model(build(case), "case"), Target("portable"))

    assert program.steps[0].scratch == 0
