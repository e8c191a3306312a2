"""Random layers of ADD, SUB and MUL."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from oracle import Case, TensorSpec, single

from cases import typical
from cases.movement import Rng, random_data, random_shape

_OPTIONS = {"ADD": schema.AddOptionsT, "SUB": schema.SubOptionsT, "MUL": schema.MulOptionsT}


def _operand_shapes(rng: Rng) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast: alike, one a scalar, one missing leading axes, or ones anywhere."""
    shape = random_shape(rng, 1, 6)
    a, b = list(shape), list(shape)
    way = int(rng.integers(0, 6))
    if way == 1:
        b = [1] * int(rng.integers(0, len(shape) + 1))
    elif way == 2:
        b = b[int(rng.integers(0, len(b))) :]
    elif way >= 3:
        for side in (a, b) if way > 3 else (b,):
            for i in range(len(side)):
                if rng.random() < 0.4:
                    side[i] = 1
    if rng.random() < 0.5:
        a, b = b, a
    return tuple(a), tuple(b)


def _scale(rng: Rng, around: float = 0.05) -> float:
    spread = 0.5 if rng.random() < 0.6 else 3
    return float(np.float32(around * 10 ** rng.uniform(-spread, spread)))


def _zero_point(rng: Rng) -> int:
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))


def arithmetic(rng: Rng, kind: str, dtype: str) -> Case:
    """One operator on two tensors, one of them perhaps constant, with or without a fused activation."""
    first, second = _operand_shapes(rng)
    if dtype == "int8" and rng.random() < 0.2:
        first = second = typical.image(rng, 6000)
    shape = np.broadcast_shapes(first, second)
    specs, feeds = [], []
    scales = [_scale(rng), _scale(rng)]
    if kind == "MUL":
        # From 1e-8 on 6 / scale fits 32 bits: below it the reference refuses RELU6.
        output_scale = max(float(np.float32(scales[0] * scales[1] * 10 ** rng.uniform(-3, 4))), 1e-8)
    else:
        output_scale = float(np.float32(max(scales) * 10 ** rng.uniform(-3, 2)))
    constant = int(rng.integers(0, 6))
    for i, operand in enumerate((first, second)):
        data = random_data(rng, operand, dtype)
        quantized: dict[str, Any] = {}
        if dtype == "int8":
            quantized = {"scale": scales[i], "zero_point": _zero_point(rng)}
        fixed = i == constant
        specs.append(TensorSpec(operand, dtype, data=data if fixed else None, **quantized))
        if not fixed:
            feeds.append(data)
    output = TensorSpec(
        shape, dtype, **({"scale": output_scale, "zero_point": _zero_point(rng)} if dtype == "int8" else {})
    )
    options = _OPTIONS[kind]()
    options.fusedActivationFunction = 0 if dtype == "int32" else int(rng.choice([0, 1, 2, 3]))
    if kind != "MUL":
        options.potScaleInt16 = False
    oracle = "tflm" if len(shape) <= 4 or first == second else "litert"
    return single(kind, specs, [output], feeds, options, version=2, oracle=oracle)


def add(rng: Rng, dtype: str) -> Case:
    """ADD."""
    return arithmetic(rng, "ADD", dtype)


def sub(rng: Rng, dtype: str) -> Case:
    """SUB."""
    return arithmetic(rng, "SUB", dtype)


def mul(rng: Rng, dtype: str) -> Case:
    """MUL."""
    return arithmetic(rng, "MUL", dtype)
