"""The constants of a generated model: arrays and parameter structures, each stored once.

This is the one place that decides what the read-only part of a model consists of; the emitter prints it and
`sizes.py` counts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from midge.runtime import native
from midge.runtime.backends.c.literals import columns, float_literal, integer_literal, literals
from midge.runtime.backends.c.names import identifier
from midge.runtime.graph import Array
from midge.runtime.program import KernelCall, ParamValue, Program

ALIGNMENT = 4
"""Bytes; of arrays, as kernels read them word by word."""


@dataclass(frozen=True, eq=False)
class LayerNames:
    """What one step is called in C. Only steps that call kernels have a function."""

    step: int
    """Position in `program.steps`."""
    function: str


@dataclass(frozen=True, eq=False)
class ConstantArray:
    """A `static const` array."""

    name: str
    data: Array
    """Flattened, with zeros up to a whole number of words: so no gaps lie between arrays, and their sizes add up."""


@dataclass(frozen=True, eq=False)
class ConstantStruct:
    """A `static const` parameter structure."""

    name: str
    kernel: str
    body: str
    """The designated initialisers, a line each."""


@dataclass(eq=False)
class Constants:
    """All constants of a program and where each call finds its own."""

    layers: tuple[LayerNames, ...]
    arrays: list[ConstantArray] = field(default_factory=list)
    structs: list[ConstantStruct] = field(default_factory=list)
    params: dict[tuple[int, int], str] = field(default_factory=dict)
    """(step, call) to the name of its parameter structure."""
    tensors: dict[int, str] = field(default_factory=dict)
    """Constant tensor that a kernel reads as an argument, to the name of its array."""
    _by_value: dict[tuple[str, bytes], str] = field(default_factory=dict)
    _by_body: dict[tuple[str, str], str] = field(default_factory=dict)

    def array(self, name: str, data: Array) -> str:
        """Return the name of an array with these elements, a new one called `name` if there is none yet.

        An empty array becomes a null pointer: C has no empty arrays.
        """
        if data.size == 0:
            return "NULL"
        flat = _whole_words(np.ascontiguousarray(data).reshape(-1))
        # By C type: bool and uint8 are the same array to a kernel.
        key = (native.c_type(str(flat.dtype)), flat.tobytes())
        if key not in self._by_value:
            self._by_value[key] = name
            self.arrays.append(ConstantArray(name, flat))
        return self._by_value[key]

    def struct(self, name: str, kernel: str, body: str) -> str:
        """Return the name of a structure with this type and value, a new one called `name` if there is none yet."""
        key = (kernel, body)
        if key not in self._by_body:
            self._by_body[key] = name
            self.structs.append(ConstantStruct(name, kernel, body))
        return self._by_body[key]


def _whole_words(flat: Array) -> Array:
    missing = -flat.nbytes % ALIGNMENT // flat.itemsize
    return np.pad(flat, (0, missing)) if missing else flat


def layer_names(program: Program, name: str) -> tuple[LayerNames, ...]:
    """Name the functions of the steps that have work to do: prefix, position in the model file, operator."""
    taken: set[str] = set()
    layers = []
    for position, step in enumerate(program.steps):
        if not step.calls:
            continue
        base = function = f"{name}_layer_{step.index:02d}_{identifier(step.kind)}"
        # Passes may have made two steps of one operator.
        count = 2
        while function in taken:
            function, count = f"{base}_{count}", count + 1
        taken.add(function)
        layers.append(LayerNames(position, function))
    return tuple(layers)


def collect_constants(program: Program, name: str) -> Constants:
    """Find every constant of a program, in the order of execution."""
    constants = Constants(layer_names(program, name))
    tensors = program.graph.tensors
    for layer in constants.layers:
        calls = program.steps[layer.step].calls
        for number, call in enumerate(calls):
            owner = layer.function if len(calls) == 1 else f"{layer.function}_call{number}"
            body = _struct_body(constants, owner, call)
            constants.params[layer.step, number] = constants.struct(f"{owner}_params", call.kernel, body)
            for position, index in enumerate(call.inputs):
                data = tensors[index].data
                if data is not None and index not in constants.tensors:
                    constants.tensors[index] = constants.array(f"{owner}_input{position}", data)
    return constants


def _struct_body(constants: Constants, owner: str, call: KernelCall) -> str:
    """Write the initialisers of a parameter structure, in the order of its declaration, and store its arrays."""
    struct = native.interface().typeof(f"{call.kernel}_params")
    return "\n".join(_fields(constants, owner, struct, call.params, "  "))


def _fields(
    constants: Constants, owner: str, struct: Any, params: Mapping[str, ParamValue], indent: str
) -> Iterator[str]:
    """Yield the lines of a structure's initialiser; structures inside it are set in."""
    members = dict(struct.fields)
    unknown = params.keys() - members.keys()
    assert not unknown, f"{struct.cname} has no {', '.join(sorted(unknown))}"
    for name, member in members.items():
        if name not in params:
            continue  # C zeroes what is not named, as the host runtime does
        value = params[name]
        if isinstance(value, tuple) and member.type.kind == "struct":
            value = dict(zip((inner for inner, _ in member.type.fields), value, strict=True))
        if isinstance(value, Mapping):
            yield f"{indent}.{name} = {{"
            yield from _fields(constants, f"{owner}_{name}", member.type, value, indent + "  ")
            yield f"{indent}}},"
            continue
        if isinstance(value, np.ndarray):
            text = constants.array(f"{owner}_{name}", value)
        else:
            text = _initialiser(member.type, value)
        hexadecimal = isinstance(value, float) and "0x" in text
        yield f"{indent}.{name} = {text}," + (f" /* {value:.6g} */" if hexadecimal else "")


def _initialiser(ctype: Any, value: ParamValue) -> str:
    """Write the value of a field that is a number, an inline array or a null pointer."""
    if value is None:
        return "NULL"
    if isinstance(value, tuple):
        return "{" + ", ".join(_initialiser(ctype.item, element) for element in value) + "}"
    if ctype.cname == "float":
        assert isinstance(value, (int, float))
        return float_literal(value)
    assert isinstance(value, (int, np.integer)), f"{value!r} for a field of type {ctype.cname}"
    bits = 8 * native.interface().sizeof(ctype)
    return integer_literal(int(value), bits, signed=not ctype.cname.startswith("u"))


def array_definition(array: ConstantArray) -> str:
    """Write the definition of a constant array."""
    c_type = native.c_type(str(array.data.dtype))
    return (
        f"static const {c_type} {array.name}[{array.data.size}] MIDGE_ALIGNED({ALIGNMENT}) = {{\n"
        f"{columns(literals(array.data))}\n}};\n"
    )


def struct_definition(struct: ConstantStruct) -> str:
    """Write the definition of a parameter structure."""
    return f"static const {struct.kernel}_params {struct.name} = {{\n{struct.body}\n}};\n"


def constant_bytes(program: Program) -> int:
    """Return the bytes of read-only memory that a model's constants take on a 32-bit board.

    Arrays (weights, biases, multipliers, tables) and parameter structures, each counted once where layers share it:
    the sum of the sizes of the read-only objects of the generated `<name>.c`. Class labels are not part of it; they
    are only linked where the application uses them.
    """
    constants = collect_constants(program, "model")
    arrays = sum(int(array.data.nbytes) for array in constants.arrays)
    return arrays + sum(native.params_size(struct.kernel) for struct in constants.structs)
