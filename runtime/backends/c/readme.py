"""`README.md` of a generated project: what each file is, and the exact commands."""

from __future__ import annotations

from midge.runtime.backends.c.manifest import Buffer, Manifest
from midge.runtime.board import Board
from midge.runtime.toolchain import describe_toolchain

_TEXT = """\
# {name}: {model_file} for {title}

Written by `midge compile` {version}. `midge compile` replaces these files; put your own beside them.

| | |
|---|---|
| RAM for tensors (`{name}_arena`) | {ram:,} bytes, of them {scratch:,} for scratch |
| weights and other constants | {weights:,} bytes |
| multiply-accumulates of one inference | {macs:,} |
{buffers}

## Use it

Include `{name}.h`: it declares `{name}_init`, `{name}_invoke`, the addresses of the inputs and outputs, and the
conversions from and to real values, with an example at its top. There is no heap and no interpreter, and every
external symbol begins with `{name}_`; the kernels' begin with `midge_` and serve any number of models.
{platform}
## Put it into a firmware of your own

Compile `{name}.c` and every C file below `midge/` as C99, with `.` and `midge/include` and `midge/src` as include
folders:

```sh
{command} \\
  -std=c99 -O2 -ffp-contract=off -ffunction-sections -fdata-sections \\
  -I. -Imidge/include -Imidge/src -c {name}.c {kernels}
```

and link with `-Wl,--gc-sections`. Of the C library only `memcpy`, `memmove` and `memset` are used. `midge profile`
measures the stack that an inference needs.
"""

_PLATFORM = """
## Build, check and flash it

`{name}.c`, the kernels, and the start-up, linker script and `main` in `platform/` are a complete firmware:

```sh
cmake -B build -DCMAKE_TOOLCHAIN_FILE=cmake/gcc.cmake
cmake --build build
```

gives `build/firmware.elf`. `cmake/zig.cmake` takes zig instead, and `midge compile --build` does the same without
CMake.
"""


def project_readme(manifest: Manifest, board: Board, version: str, kernels: tuple[str, ...], *, platform: bool) -> str:
    """Write the README of a project.

    Args:
        manifest: the project.
        board: what it is for.
        version: Midge's version.
        kernels: the kernels' C files, relative to the project.
        platform: whether the project has a start-up and a linker script.
    """
    rows = [_row("input", buffer) for buffer in manifest.inputs] + [
        _row("output", buffer) for buffer in manifest.outputs
    ]
    command = "cc"
    if platform:
        gcc = describe_toolchain(board.cpu, "gcc")
        command = " ".join((*gcc.command, *gcc.cpu_flags))
    return _TEXT.format(
        name=manifest.name,
        model_file=manifest.model_file,
        title=board.title,
        version=version,
        ram=manifest.arena + manifest.scratch,
        scratch=manifest.scratch,
        weights=manifest.weights,
        macs=manifest.macs,
        buffers="\n".join(rows),
        command=command,
        kernels=" ".join(kernels),
        platform=_PLATFORM.format(name=manifest.name) if platform else "",
    )


def _row(what: str, buffer: Buffer) -> str:
    shape = "x".join(str(extent) for extent in buffer.shape) or "scalar"
    text = f"| {what} `{buffer.name}` | {buffer.dtype} {shape}"
    if buffer.scale is not None:
        text += f", scale {buffer.scale:.9g}, zero point {buffer.zero_point}"
    return text + " |"
