"""Make the pictures of the README from what the commands really print.

    python docs/make_pictures.py

Needs an installed Midge with its emulator; writes `docs/*.svg`.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "tests" / "models" / "digits_int8.tflite"
WIDTH = 100


def shown(command: list[str]) -> str:
    """Run a command as in a terminal of `WIDTH` columns and return what it prints, colours included."""
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def picture(name: str, title: str, text: str) -> None:
    """Write terminal output as an SVG file."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(text), end="")
    (ROOT / "docs" / f"{name}.svg").write_text(console.export_svg(title=title))


def main() -> None:
    """Make all pictures."""
    midge = [sys.executable, "-m", "midge"]
    board = ["--board", "nucleo-l4r5zi"]
    plan = shown([*midge, "inspect", str(MODEL), *board])
    picture("plan", "midge inspect digits.tflite --board nucleo-l4r5zi", plan[plan.index("MACs   ") :])
    profile = shown([*midge, "profile", str(MODEL), *board])
    picture("profile", "midge profile digits.tflite --board nucleo-l4r5zi", profile)


if __name__ == "__main__":
    main()
