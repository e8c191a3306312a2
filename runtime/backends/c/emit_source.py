"""`<name>.c`: the inference function of a model, its constants and its arena."""

from __future__ import annotations

from typing import Any

from midge.runtime import native
from midge.runtime.backends.c.buffers import buffers
from midge.runtime.backends.c.emit_constants import (
    Constants,
    LayerNames,
    array_definition,
    collect_constants,
    struct_definition,
)
from midge.runtime.backends.c.names import comment_text, generated_by, string_literal
from midge.runtime.backends.c.sources import body_header
from midge.runtime.graph import Tensor
from midge.runtime.passes.plan_memory import Plan
from midge.runtime.program import KernelCall, Program, Step

_PREAMBLE = """\
#include "{name}.h"

#include <stddef.h>
#include <stdint.h>

#include "midge/kernels.h"{bodies}

/* Layers stay functions of their own, so that a debugger or a profiler sees each of them. */
#if defined(__GNUC__) && !defined(__clang__)
#define MIDGE_LAYER static __attribute__((noinline, no_icf))
#elif defined(__clang__) || defined(__ICCARM__)
#define MIDGE_LAYER static __attribute__((noinline))
#else
#error "tell this file how your compiler is kept from inlining a function and how it aligns an object"
#endif
#define MIDGE_ALIGNED(bytes) __attribute__((aligned(bytes)))
"""


def emit_source(program: Program, plan: Plan, name: str, model_file: str, version: str) -> str:
    """Write `<name>.c`.

    Args:
        program: what to run.
        plan: where the tensors of `program` lie.
        name: prefix of every external symbol; a C identifier.
        model_file: name of the model's file, for comments.
        version: Midge's version.
    """
    constants = collect_constants(program, name)
    bodies = _body_headers(program)
    parts = [
        generated_by(version, model_file) + f"/* SHA-256 of the model: {program.graph.sha256 or 'unknown'} */\n",
        _PREAMBLE.format(name=name, bodies="".join(f'\n#include "{header}"' for header in bodies)),
        _arena(plan, name),
    ]
    arrays, structs = [array_definition(a) for a in constants.arrays], [struct_definition(s) for s in constants.structs]
    if arrays:
        parts.append("/* ---- Weights, biases, multipliers and tables, packed for the kernels ---- */\n")
        parts += arrays
    if structs:
        parts.append("/* ---- Kernel parameters ---- */\n")
        parts += structs
    if constants.layers:
        parts.append("/* ---- Layers ---- */\n")
    parts += [_layer(program, plan, constants, layer, name) for layer in constants.layers]
    parts.append("/* ---- Interface ---- */\n")
    parts.append(_interface(program, plan, constants, name))
    return "\n".join(parts)


def _arena(plan: Plan, name: str) -> str:
    return (
        f"/* All tensors and scratch buffers; those that are not needed at the same time share memory. */\n"
        f"static uint8_t {name}_arena[{name.upper()}_ARENA_SIZE] MIDGE_ALIGNED(16);\n\n"
        f"#define AT(type, offset) ((type *)(void *)({name}_arena + (offset)))\n"
    )


def _body_headers(program: Program) -> list[str]:
    """Return the headers of the kernels that layers have instances of their own of."""
    kernels = {call.kernel for step in program.steps if step.specialised for call in step.calls}
    return sorted(header for kernel in kernels if (header := body_header(kernel)) is not None)


def _describe(tensor: Tensor) -> str:
    shape = "x".join(str(extent) for extent in tensor.shape) or "scalar"
    return f"{tensor.dtype.value} {shape}"


def _layer(program: Program, plan: Plan, constants: Constants, layer: LayerNames, name: str) -> str:
    """Write the function of one step."""
    step = program.steps[layer.step]
    tensors = program.graph.tensors
    # TensorFlow joins the names of fused layers with semicolons; the first says enough.
    rows = [f"/* Layer {step.index}, {step.kind}: {comment_text(step.name.split(';')[0])}"]
    if step.macs:
        left = "" if step.executed_macs == step.macs else f", of which {step.executed_macs:,} are left"
        rows.append(f" *   {step.macs:,} multiply-accumulates{left}")
    for what, indices in (("in ", step.inputs), ("out", step.outputs)):
        rows += [f" *   {what} {_describe(tensors[i])} at {plan.offsets[i]}" for i in indices]
    if layer.step in plan.scratch_offsets:
        rows.append(f" *   scratch {step.scratch} bytes at {plan.scratch_offsets[layer.step]}")
    rows[-1] += " */"
    calls = [_call(program, plan, constants, layer.step, number) for number in range(len(step.calls))]
    return "\n".join([*rows, f"MIDGE_LAYER void {layer.function}(void) {{", *calls, "}", ""])


def _call(program: Program, plan: Plan, constants: Constants, position: int, number: int) -> str:
    """Write one kernel call; pointers get the types of the kernel's prototype."""
    call = program.steps[position].calls[number]
    types = native.interface().typeof(getattr(native.library(), call.kernel)).args[1:]
    arguments = [f"&{constants.params[position, number]}"]
    for index, ctype in zip(call.inputs, types, strict=False):
        element = f"const {ctype.item.cname}"
        if index in constants.tensors:
            arguments.append(_constant_argument(program.graph.tensors[index], constants.tensors[index], ctype.item))
        else:
            arguments.append(f"AT({element}, {plan.offsets[index]})")
    for index, ctype in zip(call.outputs, types[len(call.inputs) :], strict=False):
        arguments.append(f"AT({ctype.item.cname}, {plan.offsets[index]})")
    if _takes_scratch(call):
        arguments.append(f"AT(void, {plan.scratch_offsets[position]})" if call.scratch else "NULL")
    own = program.steps[position].specialised and body_header(call.kernel) is not None
    return _wrapped(f"  {call.kernel}{'_body' if own else ''}(", arguments)


def _takes_scratch(call: KernelCall) -> bool:
    return native.takes_scratch(call.kernel, len(call.inputs) + len(call.outputs))


def _constant_argument(tensor: Tensor, array: str, element: Any) -> str:
    """A constant array as an argument: cast only where the kernel takes another type than the array has."""
    same = native.c_type(tensor.dtype.value) == element.cname
    return array if same or element.cname == "void" or array == "NULL" else f"(const {element.cname} *){array}"


def _wrapped(head: str, arguments: list[str], width: int = 110) -> str:
    """Write a call, broken behind arguments where it is too long for a line."""
    lines = [head]
    for position, argument in enumerate(arguments):
        text = argument + (", " if position + 1 < len(arguments) else ");")
        if position and len(lines[-1]) + len(text.rstrip()) > width:
            lines.append(" " * len(head))
        lines[-1] += text
    return "\n".join(line.rstrip() for line in lines)


def _interface(program: Program, plan: Plan, constants: Constants, name: str) -> str:
    """Write the functions and objects that the header declares."""
    functions = {layer.step: layer.function for layer in constants.layers}
    parts = [
        f"{buffer.c_type} *{buffer.function}(void) {{ return AT({buffer.c_type}, {buffer.offset}); }}\n"
        for buffer in buffers(program, plan, name)
    ]
    if program.graph.labels:
        rows = "\n".join(f"  {string_literal(label)}," for label in program.graph.labels)
        parts.append(f"const char *const {name}_labels[{name.upper()}_LABELS] = {{\n{rows}\n}};\n")
    parts.append(f"void {name}_init(void) {{\n  /* This model keeps no state. */\n}}\n")
    body = [
        f"  {functions[position]}();" if position in functions else _renaming(step)
        for position, step in enumerate(program.steps)
    ]
    parts.append("\n".join([f"void {name}_invoke(void) {{", *body, "}", ""]))
    return "\n".join(parts)


def _renaming(step: Step) -> str:
    return f"  /* Layer {step.index}, {step.kind}: the same bytes under another shape. */"
