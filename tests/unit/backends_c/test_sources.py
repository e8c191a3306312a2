"""A project gets the kernel sources it needs, and only those."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from midge.runtime.arches import ARCHES
from midge.runtime.backends.c.sources import kernel_sources
from midge.runtime.native import HEADER, KERNELS

PROTOTYPES = sorted(set(re.findall(r"^(?:void|int32_t|float) (midge_\w+)\(", HEADER.read_text(), flags=re.M)))


Symbols = tuple[set[str], set[str]]


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Symbols]:
    """A function that compiles a kernel source, once, and returns its defined and undefined symbols."""
    folder = tmp_path_factory.mktemp("objects")

    @cache
    def compile_source(path: Path) -> Symbols:
        target = folder / f"{path.stem}.o"
        includes = [f"-I{KERNELS / include}" for include in ("include", "src")]
        subprocess.run(["cc", "-std=c99", *includes, "-c", KERNELS / path, "-o", target], check=True)
        rows = subprocess.run(["nm", "-g", target], capture_output=True, text=True, check=True).stdout.splitlines()
        undefined = {row.split()[-1] for row in rows if row.split()[-2] == "U"}
        return {row.split()[-1] for row in rows} - undefined, undefined

    return compile_source


@pytest.mark.parametrize("kernel", PROTOTYPES)
def test_the_sources_of_a_kernel_link_without_any_other(kernel: str, symbols: Callable[[Path], Symbols]) -> None:
    """Nothing is undefined but the C library's three functions; the kernel itself is there."""
    c_library = {"memcpy", "memmove", "memset", "_GLOBAL_OFFSET_TABLE_"}

    found = [symbols(path) for path in kernel_sources([kernel], "portable") if path.suffix == ".c"]
    defined, undefined = set().union(*(d for d, _ in found)), set().union(*(u for _, u in found))
    assert kernel in defined
    assert undefined - defined <= c_library


def test_nothing_else_is_taken() -> None:
    expected = {"include/midge/kernels.h", "src/copy.c", "src/memory_functions.h"}

    assert {path.as_posix() for path in kernel_sources(["midge_copy"], "portable")} == expected
    assert kernel_sources([], "portable") == ()


def test_an_arch_file_takes_the_portable_files_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """inner.c of the arch `fast` replaces the portable one, other.c has no fast twin."""
    for name, text in {
        "include/midge/kernels.h": "void midge_op(void);",
        "src/op.c": '#include "loops.h"\nvoid midge_op(void) { midge_inner(); midge_other(1); }',
        "src/loops.h": "void midge_inner(void); int midge_other(int (*f)(int));",
        "src/unused.c": "void midge_unused(void) { midge_op(); }",
        "arch/portable/inner.c": '#include "loops.h"\nvoid midge_inner(void) { }',
        "arch/portable/other.c": "int midge_other(int (*f)(int)) { /* midge_unused */ return 0; }",
        "arch/fast/inner.c": '#include "loops.h"\n#include "simd.h"\nvoid midge_inner(void) { }',
        "arch/fast/simd.h": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("midge.runtime.backends.c.sources.KERNELS", tmp_path)
    monkeypatch.setitem(ARCHES, "fast", ("fast", "portable"))

    portable = [path.as_posix() for path in kernel_sources(["midge_op"], "portable")]
    assert portable == ["arch/portable/inner.c", "arch/portable/other.c", "src/loops.h", "src/op.c"]
    fast = [path.as_posix() for path in kernel_sources(["midge_op"], "fast")]
    assert fast == ["arch/fast/inner.c", "arch/fast/simd.h", "arch/portable/other.c", "src/loops.h", "src/op.c"]


def test_a_kernels_body_may_lie_in_a_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a body calls is needed; what a header only declares is not."""
    for name, text in {
        "include/midge/kernels.h": "void midge_deed(void);",
        "src/deed.h": '#include "declared.h"\nstatic inline void midge_deed_body(void) { midge_within(); }',
        "src/deed.c": '#include "deed.h"\nvoid midge_deed(void) { midge_deed_body(); }',
        "src/declared.h": "void midge_within(void); void midge_without(void);",
        "arch/portable/within.c": '#include "declared.h"\nvoid midge_within(void) { }',
        "arch/portable/without.c": '#include "declared.h"\nvoid midge_without(void) { }',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("midge.runtime.backends.c.sources.KERNELS", tmp_path)

    found = [path.as_posix() for path in kernel_sources(["midge_deed"], "portable")]

    assert found == ["arch/portable/within.c", "src/declared.h", "src/deed.c", "src/deed.h"]
