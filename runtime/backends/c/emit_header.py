"""`<name>.h`: what an application includes to use a model. Read by C and C++ compilers alike."""

from __future__ import annotations

import numpy as np

from midge.runtime.backends.c.buffers import InterfaceBuffer, buffers
from midge.runtime.backends.c.literals import decimal_float
from midge.runtime.backends.c.names import comment_text, generated_by, string_literal
from midge.runtime.passes.plan_memory import Plan
from midge.runtime.program import Program

_HEAD = """\
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* One inference, in full:
 *
{example}
 *
 * The model works in one static arena, without a heap and without an interpreter. It is not reentrant: one inference
 * at a time, and nobody else touches the buffers meanwhile. */

#define {upper}_MIDGE_VERSION {version}
/* SHA-256 of the model's file. */
#define {upper}_SHA256 "{sha256}"
/* Bytes of the arena: all the RAM that the model takes, apart from the stack. */
#define {upper}_ARENA_SIZE {arena}

/* Call once before the first inference; call again to forget everything that a model with state has seen. */
void {name}_init(void);

/* Runs one inference: reads the inputs, writes the outputs. Inputs may be overwritten: write them anew, whole, before
 * every call. Outputs are valid until the next call or until an input is written. */
void {name}_invoke(void);
"""

_TAIL = """
#ifdef __cplusplus
}
#endif

#endif
"""

_QUANTIZE = """\
/* The stored value of a real one: value / scale + zero point, rounded half away from zero, saturated. NaN becomes the
 * smallest value. */
static inline {c_type} {name}_quantize_{role}(float value) {{
  const float scaled = value / {macro}_SCALE;
  if (!(scaled > {low})) {{
    return {smallest};
  }}
  if (scaled >= {high}) {{
    return {largest};
  }}
  const int32_t towards_zero = (int32_t)scaled;
  const float rest = scaled - (float)towards_zero;
  return ({c_type})(towards_zero + (rest >= 0.5f) - (rest <= -0.5f) + {macro}_ZERO_POINT);
}}
"""

_DEQUANTIZE = """\
/* The real value of a stored one: (value - zero point) * scale. */
static inline float {name}_dequantize_{role}({c_type} value) {{
  return (float)(value - {macro}_ZERO_POINT) * {macro}_SCALE;
}}
"""


def emit_header(program: Program, plan: Plan, name: str, model_file: str, version: str) -> str:
    """Write `<name>.h`.

    Args:
        program: what the model runs.
        plan: where the tensors of `program` lie.
        name: prefix of every symbol; a C identifier.
        model_file: name of the model's file, for comments.
        version: Midge's version.
    """
    every = buffers(program, plan, name)
    head = _HEAD.format(
        upper=name.upper(),
        name=name,
        version=string_literal(version),
        sha256=program.graph.sha256,
        arena=plan.total,
        example=_example(every, name),
    )
    parts = [generated_by(version, model_file) + head, *(_buffer(buffer, name) for buffer in every)]
    if program.graph.labels:
        parts.append(
            f"/* Class labels, in the order of the output's elements; UTF-8. */\n"
            f"#define {name.upper()}_LABELS {len(program.graph.labels)}\n"
            f"extern const char *const {name}_labels[{name.upper()}_LABELS];\n"
        )
    return "\n".join(parts) + _TAIL


def _example(every: tuple[InterfaceBuffer, ...], name: str) -> str:
    lines = [f"{name}_init();"]
    for buffer in every:
        if buffer.role.startswith("input"):
            value = f"{name}_quantize_{buffer.role}(values[i])" if buffer.quantized else "values[i]"
            lines.append(f"for (int32_t i = 0; i < {buffer.macro}_SIZE; ++i) {{")
            lines.append(f"  {buffer.function}()[i] = {value};")
            lines.append("}")
    lines.append(f"{name}_invoke();")
    for buffer in every:
        if buffer.role.startswith("output"):
            first = f"{buffer.function}()[0]"
            value = f"{name}_dequantize_{buffer.role}({first})" if buffer.quantized else first
            kind = "float" if buffer.quantized else buffer.c_type
            lines.append(f"{kind} first_of_{buffer.role} = {value};")
    return "\n".join(f" *     {line}" for line in lines)


def _buffer(buffer: InterfaceBuffer, name: str) -> str:
    """Declare one input or output with its constants and its conversion."""
    tensor = buffer.tensor
    shape = ", ".join(str(extent) for extent in tensor.shape)
    lines = [
        f"/* ---- {buffer.role.replace('_', ' ').capitalize()}: {comment_text(tensor.name)},"
        f" {tensor.dtype.value} [{shape}], row-major ---- */",
        "",
        f"#define {buffer.macro}_SIZE {tensor.elements} /* elements */",
        f"#define {buffer.macro}_BYTES {tensor.nbytes}",
        f"#define {buffer.macro}_RANK {len(tensor.shape)}",
    ]
    if tensor.shape:
        lines.append(f"#define {buffer.macro}_SHAPE {{{shape}}}")
    if buffer.quantized:
        assert tensor.quantization is not None
        zero_point = tensor.quantization.zero_point
        lines.append(f"#define {buffer.macro}_SCALE {decimal_float(tensor.quantization.scale)}")
        lines.append(f"#define {buffer.macro}_ZERO_POINT {f'({zero_point})' if zero_point < 0 else zero_point}")
    lines.append(f"{buffer.c_type} *{buffer.function}(void);")
    return "\n".join(lines) + "\n" + _conversion(buffer, name)


def _conversion(buffer: InterfaceBuffer, name: str) -> str:
    if not buffer.quantized:
        return ""
    names = {"c_type": buffer.c_type, "name": name, "role": buffer.role, "macro": buffer.macro}
    if buffer.role.startswith("output"):
        return "\n" + _DEQUANTIZE.format(**names)
    assert buffer.tensor.quantization is not None
    zero_point = buffer.tensor.quantization.zero_point
    limits = np.iinfo(buffer.tensor.dtype.numpy)
    return "\n" + _QUANTIZE.format(
        **names,
        low=decimal_float(float(limits.min) - zero_point),
        high=decimal_float(float(limits.max) - zero_point),
        smallest=limits.min,
        largest=limits.max,
    )
