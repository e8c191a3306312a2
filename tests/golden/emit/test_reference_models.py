"""The generated C of whole networks, run on this host under sanitizers, gives the host runtime's bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from generated import BOARD, build_natively, compilers, run
from reference import ALL_MODELS, model_path

from midge.runtime.backends.c import compile_model, lower_for_board
from midge.runtime.backends.host import HostBackend

SAMPLES = 2
SANITIZE = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


# Float activations with int8 weights are refused when the model is read.
MODELS = [name for name in ALL_MODELS if name != "kws_ref_model_float32"]


@pytest.mark.parametrize("name", MODELS)
def test_the_generated_c_equals_the_host_runtime(name: str, tmp_path: Path) -> None:
    """On random inputs; no memory error and no undefined behaviour on the way."""
    path = model_path(name)
    program, _ = lower_for_board(path, BOARD)
    host = HostBackend(program)
    rng = np.random.default_rng(3)
    inputs, expected = b"", b""
    for _ in range(SAMPLES):
        sample = [
            rng.integers(-128, 128, info.shape).astype(np.int8)
            if info.dtype == "int8"
            else rng.normal(size=info.shape).astype(np.float32)
            for info in host.inputs
        ]
        inputs += b"".join(array.tobytes() for array in sample)
        expected += b"".join(array.tobytes() for array in host.invoke(sample))

    result = compile_model(path, BOARD, tmp_path / "p", name="net")
    program_file = build_natively(compilers()["gcc"], [tmp_path / "p"], [result.manifest], tmp_path / "run", *SANITIZE)
    assert run(program_file, inputs) == expected
