"""Which of Midge's kernel sources a generated project needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from midge.runtime.arches import arch_folders
from midge.runtime.native import KERNELS

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", flags=re.DOTALL)
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', flags=re.MULTILINE)
_WORD = re.compile(r"\bmidge_\w+")
_DEFINITION = re.compile(
    r"\b(midge_\w+)\s*\((?:[^;{}()]|\([^;{}()]*\))*\)\s*\{"  # name(parameters) {
    r"|^[A-Z][A-Z0-9_]*\(\s*(midge_\w+)\s*,",  # MACRO(name, ... at the start of a line
    flags=re.MULTILINE,
)


def kernel_sources(kernels: Iterable[str], arch: str) -> tuple[Path, ...]:
    """Return the files that some kernels consist of, relative to the kernels' folder, sorted.

    A file is needed if it defines one of the kernels, or a function that a needed file names (headers only inside the
    functions that they define), or if a needed file includes it. Of the files of one name in the folders that serve the
    instruction set, the first folder's counts.

    Args:
        kernels: names of functions declared in `kernels.h`.
        arch: an instruction set, a key of `midge.runtime.arches.ARCHES`.
    """
    index = _index(arch)
    needed: set[Path] = set()
    queue = [_defining(kernel, index) for kernel in kernels]
    while queue:
        path = queue.pop()
        if path in needed:
            continue
        needed.add(path)
        text = _text(path)
        queue += [_included(path, include, arch) for include in _INCLUDE.findall(text)]
        words = _WORD.findall(text if path.suffix == ".c" else _bodies(path, text))
        queue += [index[word] for word in set(words) if word in index]
    return tuple(sorted(needed))


def body_header(kernel: str) -> str | None:
    """Return the name of the header that holds a kernel's control flow, or None if it has none.

    Such a header defines `<kernel>_body`, which takes what the kernel takes; a layer that calls it with constant
    parameters gets an instance of its own, in which the compiler folds them.
    """
    name = Path("src") / f"{kernel.removeprefix('midge_')}.h"
    has_body = (KERNELS / name).is_file() and re.search(rf"\b{kernel}_body\s*\(", _text(name))
    return name.name if has_body else None


def _defining(kernel: str, index: dict[str, Path]) -> Path:
    assert kernel in index, f"no kernel source defines {kernel}"
    return index[kernel]


def _index(arch: str) -> dict[str, Path]:
    """Map every function that the sources for `arch` define to its file."""
    files: dict[str, Path] = {}
    for folder in reversed(arch_folders(arch)):
        files |= {path.name: path for path in _c_files(f"arch/{folder}")}
    return {
        plain or by_macro: path
        for path in (*_c_files("src"), *files.values())
        for plain, by_macro in _DEFINITION.findall(_text(path))
    }


def _c_files(folder: str) -> list[Path]:
    return sorted(path.relative_to(KERNELS) for path in (KERNELS / folder).glob("*.c"))


def _included(path: Path, include: str, arch: str) -> Path:
    """Find a quoted include as the compiler does: beside the file, then in the include folders."""
    arches = (Path("arch") / folder for folder in arch_folders(arch))
    for folder in (path.parent, Path("include"), Path("src"), *arches):
        if (KERNELS / folder / include).is_file():
            return folder / include
    raise AssertionError(f"{path} includes {include}, which is not among the kernels")


def _bodies(path: Path, text: str) -> str:
    """Return what a header says within braces: a kernel's control flow, where it does not only declare."""
    if path.parts[0] == "include":  # the braces of `extern "C"`
        return ""
    depth, inside = 0, []
    for piece in re.split(r"([{}])", text):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if depth:
            inside.append(piece)
    return " ".join(inside)


@lru_cache(maxsize=256)
def _text(path: Path) -> str:
    """Return a source without its comments."""
    return _COMMENT.sub(" ", (KERNELS / path).read_text())
