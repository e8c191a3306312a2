"""Random int8 layers as training evaluates them, against TensorFlow Lite Micro: bit for bit."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from compare import make_case
from oracle import Case, build, expected

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

LAYERS = 6
"""Of each operator and type, evaluated operation by operation."""
TRACED = 2
"""Of them, evaluated as a traced graph too, which TensorFlow rewrites before it runs."""

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
# Spelled out, so that collecting the tests does not import TensorFlow.
OPERATORS = (
    *WEIGHTED,
    "ADD",
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "DEQUANTIZE",
    "EXPAND_DIMS",
    "HARD_SWISH",
    "LEAKY_RELU",
    "LOGISTIC",
    "MAX_POOL_2D",
    "MEAN",
    "MUL",
    "PACK",
    "PAD",
    "PADV2",
    "QUANTIZE",
    "RELU",
    "RELU6",
    "RELU_0_TO_1",
    "RELU_N1_TO_1",
    "RESHAPE",
    "SLICE",
    "SOFTMAX",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "STRIDED_SLICE",
    "SUB",
    "TANH",
    "TRANSPOSE",
    "UNPACK",
)
CASES = [(operator, "int8") for operator in OPERATORS] + [(operator, "int4") for operator in WEIGHTED]


def holds_uint8(case: Case) -> bool:
    """Whether a case is of the type that is older than int8; what is trained here is int8."""
    from midge.runtime.graph import DType
    from midge.runtime.tflite.reader import read_model

    return any(tensor.dtype is DType.UINT8 for tensor in read_model(build(case)).tensors)


def simulated(case: Case, *, traced: bool) -> list[np.ndarray]:
    """Evaluate a case in the training graph, one sample with the outputs' whole shapes.

    Traced, it is differentiated too, as training does.
    """
    import tensorflow as tf

    from midge.converter.qat.simulator import Simulator
    from midge.converter.quantizer.integer import IntegerNetwork
    from midge.runtime.tflite.reader import read_model

    graph = read_model(build(case))
    real = [
        feed
        if graph.tensors[index].quantization is None
        else (feed.astype(np.float64) - graph.tensors[index].quantization.zero_point)
        * graph.tensors[index].quantization.scale
        for index, feed in zip(graph.inputs, case.feeds, strict=True)
    ]
    nothing = graph.replace(tensors=())
    simulator = Simulator(IntegerNetwork(nothing, graph))
    inputs = [tf.constant(values.astype(np.float32)[None]) for values in real]

    def differentiated(*tensors: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            outputs = simulator.activations(tensors, graph.outputs)
        gradients = tape.gradient(outputs, [*tensors, *simulator.variables])
        return outputs, [gradient for gradient in gradients if gradient is not None]

    if traced:
        outputs, _ = tf.function(differentiated, autograph=False)(*inputs)
    else:
        outputs = simulator.activations(inputs, graph.outputs)
    return [
        np.asarray(values)[0].astype(graph.tensors[index].dtype.numpy)
        for index, values in zip(graph.outputs, outputs, strict=True)
    ]


def test_every_operator_that_can_be_trained_through_is_tried() -> None:
    from midge.converter.qat.operators import ROWS

    assert set(OPERATORS) == set(ROWS)


@pytest.mark.parametrize(("operator", "dtype"), CASES)
def test_training_evaluates_a_layer_as_firmware_does(operator: str, dtype: str) -> None:
    tried = 0
    for number in itertools.count():
        case = make_case(operator, dtype, 0, number)
        if holds_uint8(case):
            continue
        wanted = expected(case)

        for traced in (False, True)[: 2 if tried < TRACED else 1]:
            for right, found in zip(wanted, simulated(case, traced=traced), strict=True):
                np.testing.assert_array_equal(found, right, err_msg=f"layer {number}, traced: {traced}")
        tried += 1
        if tried == LAYERS:
            break
