"""Write `record.json` anew: what the shipped models and those beside the repository cost on the emulated boards.

    python tests/benchmark/make_record.py

Reads the reference models where they are there; without them their old figures stay. A few minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from reference import INT8_MODELS, SHARED  # noqa: E402  (the path is set here)

from midge.tools import cli  # noqa: E402

RECORD = Path(__file__).parent / "record.json"
CORTEX_M4 = "mps2-an386"


def main() -> int:
    """Run the benchmark on everything; return its exit code."""
    shipped = sorted((ROOT / "tests" / "models").glob("*.tflite"))
    references = [path for name in INT8_MODELS if (path := SHARED / "models" / f"{name}.tflite").exists()]
    models = [str(path) for path in (*shipped, *references)]
    on_m4 = ["--compiler", "gcc", "--board", CORTEX_M4]
    # What the tests compare comes first; each run is recorded when it is done.
    runs = [
        [*map(str, shipped), "--compiler", "gcc"],
        [*models, *on_m4, "--optimize", "default", "--optimize", "size"],
        [*models, *on_m4, "--optimize", "ram"],
        [*models, "--compiler", "gcc"],
        [*models, "--compiler", "zig", "--board", CORTEX_M4],
        [*models, *on_m4, "--optimize", "speed"],
    ]
    for run in runs:
        code = cli.run(["bench", *run, "--record", str(RECORD)])
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
