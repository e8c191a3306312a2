"""Write the golden project anew: the files that the emitter itself makes."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from generated import small_program, write  # noqa: E402  (the tests' folder has to be known first)

FILES = ("small.c", "small.h", "midge.json", "README.md")
"""Kernels and platform are copies of what lies in this repository anyway."""

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write(small_program(), Path(folder), "small")
        (HERE / "small").mkdir(exist_ok=True)
        for name in FILES:
            shutil.copyfile(Path(folder) / name, HERE / "small" / name)
