"""The C of a model: `<name>.h` and `<name>.c`."""

from __future__ import annotations

from importlib.metadata import version

from midge.runtime.backends.c.emit_header import emit_header
from midge.runtime.backends.c.emit_source import emit_source
from midge.runtime.backends.c.names import check_prefix
from midge.runtime.passes.plan_memory import Plan
from midge.runtime.program import Program


def emit(program: Program, plan: Plan, name: str, model_file: str = "model.tflite") -> dict[str, str]:
    """Write a model as C.

    Args:
        program: the lowered model.
        plan: where its tensors lie.
        name: prefix of every external symbol, and the files' name.
        model_file: name of the model's file, for comments.

    Returns:
        The text of each file by its name.

    Raises:
        InputError: `name` is no usable C identifier.
    """
    check_prefix(name)
    ours = version("midge")
    return {
        f"{name}.h": emit_header(program, plan, name, model_file, ours),
        f"{name}.c": emit_source(program, plan, name, model_file, ours),
    }
