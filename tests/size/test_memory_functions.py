"""Our memcpy, memmove and memset, which serve where a compiler brings no C library, run on this host."""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from midge.runtime.backends.c.platform import FIRMWARE_DIRECTORY, MEMORY_FLAGS

SIZE = 160


@pytest.fixture(scope="module", params=["cc", "clang"])
def functions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Build them under other names, as they are built for firmware."""
    compiler = shutil.which(request.param)
    if compiler is None:
        pytest.skip(f"no {request.param} on this host")
    library = tmp_path_factory.mktemp("memory") / "memory.so"
    renames = [f"-D{name}=our_{name}" for name in ("memcpy", "memmove", "memset")]
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fPIC", "-shared"]
    # clang knows only the first of the two, and needs only that.
    ours = MEMORY_FLAGS if request.param == "cc" else MEMORY_FLAGS[:1]
    source = FIRMWARE_DIRECTORY / "common" / "memory.c"
    subprocess.run([compiler, *flags, *ours, *renames, source, "-o", library], check=True)
    return ctypes.CDLL(str(library))


def _move(buffer: bytearray, to: int, source: int, count: int) -> bytearray:
    result = bytearray(buffer)
    result[to : to + count] = buffer[source : source + count]
    return result


def test_memmove_is_right_for_every_overlap(functions: ctypes.CDLL) -> None:
    """Expected: Python's slice assignment, for every alignment and distance and lengths around the word steps."""
    for to in range(24):
        for source in range(24):
            for count in (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 67, 131):
                start = bytearray(random.Random(count).randbytes(SIZE))
                buffer = (ctypes.c_char * SIZE).from_buffer(bytearray(start))
                base = ctypes.addressof(buffer)
                functions.our_memmove(
                    ctypes.c_void_p(base + to), ctypes.c_void_p(base + source), ctypes.c_size_t(count)
                )
                assert bytes(buffer) == bytes(_move(start, to, source, count)), (to, source, count)


def test_memcpy_and_memset_touch_what_they_should(functions: ctypes.CDLL) -> None:
    """Expected: Python's slice assignment; memset takes the low eight bits of its value."""
    for to in range(8):
        for source in range(8):
            for count in range(67):
                start = bytearray(random.Random(count).randbytes(SIZE))
                buffer = (ctypes.c_char * SIZE).from_buffer(bytearray(start))
                base = ctypes.addressof(buffer)
                far = 80 + source
                functions.our_memcpy(ctypes.c_void_p(base + to), ctypes.c_void_p(base + far), ctypes.c_size_t(count))
                expected = _move(start, to, far, count)
                assert bytes(buffer) == bytes(expected), (to, source, count)

                functions.our_memset(ctypes.c_void_p(base + to), 0x1A7, ctypes.c_size_t(count))
                expected[to : to + count] = b"\xa7" * count
                assert bytes(buffer) == bytes(expected), (to, count)


def test_the_source_names_no_header_that_bare_metal_lacks() -> None:
    """Freestanding C has stddef.h and stdint.h."""
    text = Path(FIRMWARE_DIRECTORY / "common" / "memory.c").read_text()

    assert [line for line in text.splitlines() if line.startswith("#include")] == [
        "#include <stddef.h>",
        "#include <stdint.h>",
    ]
