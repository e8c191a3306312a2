"""Write `digits_int8.tflite`, a small real model for tests that must not wait for TensorFlow.

    python tests/models/make_digits_int8.py

It is the network of `examples/digits`, converted by the recipe int8 with its calibration data.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import midge

HERE = Path(__file__).parent
DIGITS = HERE.parents[1] / "examples" / "digits"


def main() -> None:
    """Convert the network; the report that lies beside a conversion is not kept."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "digits_int8.tflite"
        midge.convert(DIGITS / "digits.keras", "int8", output=output, calibration=DIGITS / "calibration.npz")
        (HERE / output.name).write_bytes(output.read_bytes())


if __name__ == "__main__":
    main()
