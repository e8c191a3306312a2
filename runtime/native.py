"""The kernel library of this host, and the kernel interface as data.

`kernels.h` is parsed once with cffi, which knows C declarations better than any copy of them in Python would. It
serves twice: to call the kernels here, and to know how large a parameter structure is on a 32-bit board.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from midge.runtime.errors import MissingToolError
from midge.runtime.program import ParamValue

KERNELS = Path(__file__).parent / "kernels"
HEADER = KERNELS / "include" / "midge" / "kernels.h"

_C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "int64": "int64_t",
    "uint64": "uint64_t",
    "float32": "float",
    "bool": "uint8_t",
}


def c_type(dtype: str) -> str:
    """Return the C name of a NumPy element type."""
    return _C_TYPES[dtype]


def host_arch() -> str:
    """Return the name of the `kernels/arch` folder that the host library was built from."""
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


@lru_cache(maxsize=1)
def interface() -> Any:
    """Parse `kernels.h` and return the cffi instance that holds its declarations."""
    text = HEADER.read_text()
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not re.match(r"\s*#(?!define \w+ \d)", line)]
    ffi = cffi.FFI()
    ffi.cdef("\n".join(line for line in lines))
    return ffi


@lru_cache(maxsize=1)
def library() -> Any:
    """Load the kernel library.

    `MIDGE_KERNEL_LIBRARY` names another build of it, for example one with sanitizers.

    Raises:
        MissingToolError: the package was installed without its library.
    """
    name = os.environ.get("MIDGE_KERNEL_LIBRARY")
    if name is not None:
        return interface().dlopen(name)
    for candidate in ("libmidge_kernels.so", "libmidge_kernels.dylib", "midge_kernels.dll"):
        path = files("midge.runtime").joinpath(candidate)
        if path.is_file():
            return interface().dlopen(str(path))
    raise MissingToolError("the kernel library is missing from this installation: run `pip install` for midge again")


def takes_scratch(kernel: str, arguments: int) -> bool:
    """Whether `kernel`'s prototype has a scratch pointer behind its parameters and `arguments` tensors."""
    parameters = len(interface().typeof(getattr(library(), kernel)).args)
    assert parameters in (arguments + 1, arguments + 2), f"{kernel} takes {parameters} parameters, not {arguments}"
    return parameters == arguments + 2


def make_params(kernel: str, params: Mapping[str, ParamValue]) -> tuple[Any, list[Any]]:
    """Build the parameter structure of a kernel call.

    Returns:
        The structure, and the objects that must stay alive as long as it is used.
    """
    ffi = interface()
    keep: list[Any] = []
    fields: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, np.ndarray):
            pointer = ffi.cast(f"{c_type(str(value.dtype))} *", ffi.from_buffer(value))
            keep.append(value)
            fields[name] = pointer
        elif value is None:
            fields[name] = ffi.NULL
        else:
            fields[name] = value
    struct = ffi.new(f"{kernel}_params *", fields)
    keep.append(struct)
    return struct, keep


def params_size(kernel: str) -> int:
    """Return the bytes of a kernel's parameter structure on a 32-bit board (ILP32, natural alignment)."""
    return _ilp32(interface().typeof(f"{kernel}_params"))[0]


def _ilp32(ctype: Any) -> tuple[int, int]:
    """Return size and alignment of a C type on a 32-bit target."""
    if ctype.kind == "pointer":
        return 4, 4
    if ctype.kind == "array":
        size, alignment = _ilp32(ctype.item)
        return size * ctype.length, alignment
    if ctype.kind == "struct":
        offset, alignment = 0, 1
        for _, member in ctype.fields:
            size, member_alignment = _ilp32(member.type)
            offset = -(-offset // member_alignment) * member_alignment + size
            alignment = max(alignment, member_alignment)
        return -(-offset // alignment) * alignment, alignment
    size = int(interface().sizeof(ctype))
    return size, size
