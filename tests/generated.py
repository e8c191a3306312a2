"""What the tests of the C emitter share: small programs made by hand, and compilers of this host."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midge.runtime.backends.c.manifest import Manifest
from midge.runtime.backends.c.project import write_project
from midge.runtime.backends.c.sources import kernel_sources
from midge.runtime.board import load_board
from midge.runtime.graph import DType, Graph, Quantization, Tensor
from midge.runtime.native import KERNELS
from midge.runtime.passes.plan_memory import plan_memory
from midge.runtime.program import KernelCall, Program, Step, Target

Array = npt.NDArray[Any]

BOARD = load_board("mps2-an386")
C_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wcast-align", "-Werror", "-O1", "-ffp-contract=off")
CXX_FLAGS = ("-std=c++11", "-Wall", "-Wextra", "-Wconversion", "-Werror")


def compilers(plus_plus: bool = False) -> dict[str, tuple[str, ...]]:
    """Return GCC and clang of this host, of which zig is one where there is no other."""
    gcc, clang = ("g++", "clang++") if plus_plus else ("gcc", "clang")
    found = {"gcc": (gcc,)} if shutil.which(gcc) else {}
    if shutil.which(clang):
        found["clang"] = (clang,)
    elif importlib.util.find_spec("ziglang"):
        found["clang"] = (sys.executable, "-m", "ziglang", "c++" if plus_plus else "cc")
    return found


def quantization(scale: float, zero_point: int) -> Quantization:
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


def copy(
    source: int,
    target: int,
    shape: Sequence[int],
    input_stride: Sequence[int],
    output_stride: Sequence[int],
    *,
    output_offset: int = 0,
    element_size: int = 1,
) -> KernelCall:
    """A call of midge_copy; leading axes are filled up to six."""

    def six(values: Sequence[int], fill: int) -> tuple[int, ...]:
        return (fill,) * (6 - len(values)) + tuple(values)

    params = {
        "element_size": element_size,
        "shape": six(shape, 1),
        "input_offset": 0,
        "input_stride": six(input_stride, 0),
        "output_offset": output_offset,
        "output_stride": six(output_stride, 0),
    }
    return KernelCall("midge_copy", params, (source,), (target,))


def small_program() -> Program:
    """One input x (3x4 int8), one output: x transposed, under another shape, and twelve constants behind it."""
    q = quantization(0.1, -5)
    graph = Graph(
        name="small",
        tensors=(
            Tensor("serving_default_x:0", (1, 3, 4), DType.INT8, q),
            Tensor("transposed", (1, 4, 3), DType.INT8, q),
            Tensor("flat", (12,), DType.INT8, q),
            Tensor("twelve", (12,), DType.INT8, q, data=np.arange(-128, -116, dtype=np.int8)),
            Tensor("y", (2, 12), DType.INT8, q),
        ),
        operators=(),
        inputs=(0,),
        outputs=(4,),
        sha256="5a" * 32,
        labels=("cat", 'a "dog"', "Käfer"),
    )
    steps = (
        Step(0, "TRANSPOSE", "transposed", (0,), (1,), (copy(0, 1, (4, 3), (1, 4), (3, 1)),)),
        Step(1, "RESHAPE", "flat", (1,), (2,), (), alias_of=1),
        Step(
            2,
            "CONCATENATION",
            "y",
            (2,),
            (4,),
            (copy(2, 4, (12,), (1,), (1,)), copy(3, 4, (12,), (1,), (1,), output_offset=12)),
        ),
    )
    return Program(graph, Target(), steps)


def small_expected(x: Array) -> Array:
    """What `small_program` computes, from its description."""
    return np.concatenate([x.reshape(3, 4).T.reshape(-1), np.arange(-128, -116, dtype=np.int8)])


def wide_program() -> Program:
    """Two inputs and two outputs of every kind of element: a is appended to constants, b is copied."""
    constants = np.array([-(2**31), 2**31 - 1, 0], np.int32)
    graph = Graph(
        name="wide",
        tensors=(
            Tensor("a", (2,), DType.INT32),
            Tensor("b", (3,), DType.FLOAT32),
            Tensor("ints", (3,), DType.INT32, data=constants),
            Tensor("same ints", (1, 3), DType.INT32, data=constants.reshape(1, 3)),
            Tensor("a out", (8,), DType.INT32),
            Tensor("floats", (4,), DType.FLOAT32, data=np.array([0.1, -1e-45, np.inf, 3.4e38], np.float32)),
            Tensor("b out", (7,), DType.FLOAT32),
        ),
        operators=(),
        inputs=(0, 1),
        outputs=(4, 6),
    )
    steps = (
        Step(
            0,
            "CONCATENATION",
            "a out",
            (0,),
            (4,),
            (
                copy(2, 4, (3,), (1,), (1,), element_size=4),
                copy(3, 4, (3,), (1,), (1,), output_offset=3, element_size=4),
                copy(0, 4, (2,), (1,), (1,), output_offset=6, element_size=4),
            ),
        ),
        Step(
            1,
            "CONCATENATION",
            "b out",
            (1,),
            (6,),
            (
                copy(5, 6, (4,), (1,), (1,), element_size=4),
                copy(1, 6, (3,), (1,), (1,), output_offset=4, element_size=4),
            ),
        ),
    )
    return Program(graph, Target(), steps)


def copying_program(dtype: DType, scale: float, zero_point: int) -> Program:
    """One quantized element, copied."""
    q = quantization(scale, zero_point)
    tensors = (Tensor("x", (1,), dtype, q), Tensor("y", (1,), dtype, q))
    graph = Graph("copying", tensors, (), (0,), (1,))
    call = copy(0, 1, (1,), (1,), (1,), element_size=dtype.itemsize)
    return Program(graph, Target(), (Step(0, "COPY", "y", (0,), (1,), (call,)),))


def repeating_program() -> Program:
    """Four transpositions of a square: the first and the third are alike in everything, also in where they lie."""
    q = quantization(1.0, 0)
    graph = Graph(
        name="repeating",
        tensors=tuple(Tensor(f"t{i}", (1, 5, 5), DType.INT8, q) for i in range(5)),
        operators=(),
        inputs=(0,),
        outputs=(4,),
    )
    steps = tuple(
        Step(i, "TRANSPOSE", f"t{i + 1}", (i,), (i + 1,), (copy(i, i + 1, (5, 5), (1, 5), (5, 1)),)) for i in range(4)
    )
    return Program(graph, Target(), steps)


def write(program: Program, directory: Path, name: str = "model") -> Manifest:
    """Write a project for the emulated Cortex-M4."""
    return write_project(
        program, plan_memory(program), BOARD, directory, name, model_file=f"{program.graph.name}.tflite"
    )


_MAIN = """\
#include <stdio.h>
{includes}

int main(void) {{
{inits}
  for (;;) {{
{rounds}
  }}
}}
"""

_ROUND = """\
{reads}
    {name}_invoke();
{writes}"""


def main_for(manifests: Sequence[Manifest]) -> str:
    """Write a program that runs the models in turn: inputs from standard input, outputs to standard output."""

    def each(manifest: Manifest, side: str, line: str) -> str:
        count = len(getattr(manifest, f"{side}s"))
        names = [side if count == 1 else f"{side}_{i}" for i in range(count)]
        lines = (line.format(f"{manifest.name}_{n}()", f"{manifest.name}_{n}".upper() + "_BYTES") for n in names)
        return "\n".join(lines)

    rounds = [
        _ROUND.format(
            name=m.name,
            reads=each(m, "input", "    if (fread({0}, 1, {1}, stdin) != {1}) return 0;"),
            writes=each(m, "output", "    if (fwrite({0}, 1, {1}, stdout) != {1}) return 1;"),
        )
        for m in manifests
    ]
    return _MAIN.format(
        includes="\n".join(f'#include "{m.name}.h"' for m in manifests),
        inits="\n".join(f"  {m.name}_init();" for m in manifests),
        rounds="\n".join(rounds),
    )


def build_natively(
    compiler: Sequence[str], projects: Sequence[Path], manifests: Sequence[Manifest], output: Path, *flags: str
) -> Path:
    """Build models, their kernels (once) and a `main` around them into a program of this host.

    The inner loops are the portable ones, whatever core the models were compiled for.
    """
    main = output.with_suffix(".main.c")
    main.write_text(main_for(manifests))
    called = {kernel for manifest in manifests for layer in manifest.layers for kernel in layer.kernel.split("+")}
    kernels = [KERNELS / path for path in kernel_sources(called, "portable") if path.suffix == ".c"]
    models = [project / f"{manifest.name}.c" for project, manifest in zip(projects, manifests, strict=True)]
    includes = [f"-I{project / folder}" for project in projects for folder in (".", "midge/include", "midge/src")]
    command = [*compiler, *C_FLAGS, *flags, *includes, main, *models, *kernels, "-o", output]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return output


def run(program: Path, stdin: bytes) -> bytes:
    """Run a program and return what it writes; anything on stderr or a bad exit is a failure."""
    done = subprocess.run([program], input=stdin, capture_output=True)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout
