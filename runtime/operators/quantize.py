"""QUANTIZE and DEQUANTIZE: between floats and bytes, and from one quantization to another."""

from __future__ import annotations

from midge.runtime.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier
from midge.runtime.graph import DType, Node
from midge.runtime.operators.builder import built_row
from midge.runtime.operators.quantized import (
    INT8_VALUES,
    UINT8_VALUES,
    byte_quantization,
    lookup_call,
    require_elements,
)
from midge.runtime.operators.row import expect_counts, expect_shape, require_dtype
from midge.runtime.program import KernelCall


def _quantize(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (1, 1))
    source, output = node.input(0), node.output()
    require_dtype(source, DType.FLOAT32, DType.INT8, DType.UINT8)
    expect_shape(output, source.shape)
    require_elements(source)
    if source.dtype == DType.FLOAT32:
        require_dtype(output, DType.INT8, what="output")
        target = byte_quantization(output, "output")
        params = {"elements": source.elements, "zero_point": target.zero_point, "scale": target.scale}
        return (KernelCall("midge_quantize_f32_s8", params, (node.input_index(0),), (node.operator.outputs[0],)),)
    require_dtype(output, *((DType.INT8, DType.UINT8) if source.dtype == DType.INT8 else (DType.INT8,)), what="output")
    old, new = byte_quantization(source, "input"), byte_quantization(output, "output")
    multiplier, shift = quantize_multiplier(old.scale / new.scale)
    values = (INT8_VALUES if source.dtype == DType.INT8 else UINT8_VALUES) - old.zero_point
    return (lookup_call(node, multiply_by_quantized_multiplier(values, multiplier, shift) + new.zero_point),)


def _quantize_in_place(node: Node) -> tuple[tuple[int, int], ...]:
    return () if node.input(0).dtype == DType.FLOAT32 else ((0, 0),)


def _dequantize(node: Node) -> tuple[KernelCall, ...]:
    expect_counts(node, (1, 1))
    source, output = node.input(0), node.output()
    require_dtype(source, DType.INT8, DType.UINT8)
    require_dtype(output, DType.FLOAT32, what="output")
    expect_shape(output, source.shape)
    require_elements(source)
    old = byte_quantization(source, "input")
    kernel = "midge_dequantize_s8_f32" if source.dtype == DType.INT8 else "midge_dequantize_u8_f32"
    params = {"elements": source.elements, "zero_point": old.zero_point, "scale": old.scale}
    return (KernelCall(kernel, params, (node.input_index(0),), (node.operator.outputs[0],)),)


DEQUANTIZE = built_row("DEQUANTIZE", 6, _dequantize)
QUANTIZE = built_row("QUANTIZE", 114, _quantize, in_place=_quantize_in_place)
