"""A model small enough to be checked by hand, in the form that the emitter gives models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from midge.runtime.backends.c.build import BuildResult, build
from midge.runtime.backends.c.platform import write_platform
from midge.runtime.board import Board, load_board
from midge.runtime.errors import MissingToolError
from midge.runtime.toolchain import Toolchain, find_toolchain

MODEL = """\
#include "tiny.h"
#include "midge/scale.h"

static int8_t tiny_arena[{arena}] __attribute__((aligned(16)));
static const int8_t tiny_weights[{weights}] = {{1, 2, 3}};

void tiny_init(void) {{
  tiny_arena[0] = 3;
}}

void tiny_invoke(void) {{
  midge_scale(tiny_arena + 64, tiny_arena, tiny_weights, 64);
}}
"""
HEADER = "#include <stdint.h>\nvoid tiny_init(void);\nvoid tiny_invoke(void);\n"
KERNEL_HEADER = """\
#include <stddef.h>
#include <stdint.h>
void midge_scale(int8_t *output, const int8_t *input, const int8_t *weights, size_t count);
"""
# Copies too, which the compiler's own memcpy or ours has to do.
KERNEL = """\
#include "midge/scale.h"

void *memcpy(void *restrict destination, const void *restrict source, size_t count);

static uint32_t calls = 5;

void midge_scale(int8_t *output, const int8_t *input, const int8_t *weights, size_t count) {
  memcpy(output, input, count);
  for (size_t i = 0; i < count; ++i) {
    output[i] = (int8_t)(output[i] * weights[i]);
  }
  ++calls;
}
"""


def toolchain_or_skip(board: Board, compiler: str) -> Toolchain:
    """Return the compiler, or skip the test where it is not installed."""
    try:
        return find_toolchain(board, compiler)
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Write the model's project for a board, and return its folder."""

    def project(board: Board, *, arena: int = 1000, weights: int = 500, folder: str = "project") -> Path:
        directory = tmp_path / folder
        for name, text in {
            "tiny.c": MODEL.format(arena=arena, weights=weights),
            "tiny.h": HEADER,
            "midge/include/midge/scale.h": KERNEL_HEADER,
            "midge/src/scale.c": KERNEL,
        }.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        write_platform(board, directory, "tiny")
        return directory

    return project


@pytest.fixture
def build_for(project: Callable[..., Path]) -> Callable[..., BuildResult]:
    """Build the model for a board, warnings being errors."""

    def build_for(name: str, compiler: str, optimize: str | None = None, **sizes: int) -> BuildResult:
        board = load_board(name)
        toolchain = toolchain_or_skip(board, compiler)
        return build(project(board, **sizes), board, toolchain, optimize=optimize, extra_flags=("-Werror",))

    return build_for
