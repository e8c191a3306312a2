"""The factor of a weighted layer is formed in double precision: a float32 product would round some sums otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from midge.runtime.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier

sys.path.insert(0, str(Path(__file__).parent))
from host import run_midge
from oracle import TensorSpec, build, expected, single

OUTPUTS = 500


@pytest.mark.parametrize("seed", range(5))
def test_sums_that_tell_double_from_float32_factors_come_out_as_in_the_oracle(seed: int) -> None:
    """With zero weights the sums are the biases, chosen so that the two ways of forming the factor differ."""
    rng = np.random.default_rng(seed)
    while True:
        input_scale, weight_scale = (np.float32(10 ** rng.uniform(-3, 0)) for _ in range(2))
        ratio = 10 ** rng.uniform(4, 6)
        output_scale = np.float32(input_scale * weight_scale * ratio)
        candidates = rng.integers(int(-120 * ratio), int(120 * ratio), 4_000_000).astype(np.int32)
        double = float(input_scale) * float(weight_scale) / float(output_scale)
        single_precision = float(np.float32(input_scale * weight_scale)) / float(output_scale)
        results = [
            multiply_by_quantized_multiplier(candidates, *quantize_multiplier(factor))
            for factor in (double, single_precision)
        ]
        telling = candidates[results[0] != results[1]]
        if len(telling) >= 3:
            break
    biases = np.resize(telling, OUTPUTS).astype(np.int32)
    case = single(
        "FULLY_CONNECTED",
        [
            TensorSpec((1, 1), "int8", input_scale, 0),
            TensorSpec((OUTPUTS, 1), "int8", weight_scale, 0, data=np.zeros((OUTPUTS, 1), np.int8)),
            TensorSpec((OUTPUTS,), "int32", np.float32(input_scale * weight_scale), 0, data=biases),
        ],
        [TensorSpec((1, OUTPUTS), "int8", output_scale, 0)],
        [np.array([[5]], np.int8)],
        schema.FullyConnectedOptionsT(),
        version=4,
    )
    data = build(case)

    np.testing.assert_array_equal(run_midge(data, case.feeds)[0], expected(case, data)[0])
