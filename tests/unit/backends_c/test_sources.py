"""A project gets the kernel sources it needs, and only those."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from midge.runtime.backends.c.sources import kernel_sources
from midge.runtime.native import HEADER, KERNELS

PROTOTYPES = sorted(set(re.findall(r"^(?:void|int32_t|float) (midge_\w+)\(", HEADER.read_text(), flags=re.M)))


@pytest.mark.parametrize("kernel", PROTOTYPES)
def test_every_kernel_of_the_interface_has_its_sources(kernel: str) -> None:
    """And every `midge_` function that these call is defined in one of them."""
    files = kernel_sources([kernel], "portable")
    assert Path("include/midge/kernels.h") in files
    text = {path: re.sub(r"/\*.*?\*/", "", (KERNELS / path).read_text(), flags=re.S) for path in files}
    assert sum(bool(re.search(rf"\b{kernel}\([^;]*?\) {{", body)) for body in text.values()) == 1


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

    portable = [path.as_posix() for path in kernel_sources(["midge_op"], "portable")]
    assert portable == ["arch/portable/inner.c", "arch/portable/other.c", "src/loops.h", "src/op.c"]
    fast = [path.as_posix() for path in kernel_sources(["midge_op"], "fast")]
    assert fast == ["arch/fast/inner.c", "arch/fast/simd.h", "arch/portable/other.c", "src/loops.h", "src/op.c"]
