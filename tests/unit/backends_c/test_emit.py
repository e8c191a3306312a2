"""The generated C compiles without a warning and computes what the kernels compute when Python calls them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from generated import (
    C_FLAGS,
    CXX_FLAGS,
    build_natively,
    compilers,
    copying_program,
    repeating_program,
    run,
    small_expected,
    small_program,
    wide_program,
    write,
)

from midge.runtime.backends.c.emit import emit
from midge.runtime.backends.host import HostBackend
from midge.runtime.errors import InputError
from midge.runtime.graph import DType
from midge.runtime.model import quantize
from midge.runtime.passes.plan_memory import plan_memory

COMPILERS = compilers()


def test_there_is_a_gcc_and_a_clang() -> None:
    assert set(COMPILERS) == {"gcc", "clang"}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_model_computes_what_it_describes(compiler: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    samples = rng.integers(-128, 128, (20, 12)).astype(np.int8)
    expected = np.concatenate([small_expected(x) for x in samples]).tobytes()

    manifest = write(small_program(), tmp_path / "p")
    program = build_natively(COMPILERS[compiler], [tmp_path / "p"], [manifest], tmp_path / "run")
    assert run(program, samples.tobytes()) == expected


@pytest.mark.parametrize("compiler", COMPILERS)
def test_constants_of_all_kinds_arrive_bit_for_bit(compiler: str, tmp_path: Path) -> None:
    """Also INT32_MIN, denormals and infinity, and several inputs and outputs."""
    a, b = np.array([7, -(2**31)], np.int32), np.array([-0.0, 1.5, np.nan], np.float32)
    ints = np.array([-(2**31), 2**31 - 1, 0] * 2, np.int32)
    floats = np.array([0.1, -1e-45, np.inf, 3.4e38], np.float32)
    expected = ints.tobytes() + a.tobytes() + floats.tobytes() + b.tobytes()

    manifest = write(wide_program(), tmp_path / "p")
    program = build_natively(COMPILERS[compiler], [tmp_path / "p"], [manifest], tmp_path / "run")
    assert run(program, a.tobytes() + b.tobytes()) == expected


def test_two_models_share_one_program(tmp_path: Path) -> None:
    """Every symbol is behind its prefix, and the kernels are there once."""
    x = np.arange(12, dtype=np.int8)
    a, b = np.array([1, 2], np.int32), np.array([1, 2, 3], np.float32)
    wide = HostBackend(wide_program()).invoke([a, b])
    expected = small_expected(x).tobytes() + wide[0].tobytes() + wide[1].tobytes()

    projects = [tmp_path / "one", tmp_path / "two"]
    manifests = [write(small_program(), projects[0], "one"), write(wide_program(), projects[1], "two")]
    program = build_natively(COMPILERS["gcc"], projects, manifests, tmp_path / "run")
    assert run(program, x.tobytes() + a.tobytes() + b.tobytes()) == expected


def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    x = np.arange(24, dtype=np.int8)

    manifest = write(small_program(), tmp_path / "p")
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    program = build_natively(COMPILERS["gcc"], [tmp_path / "p"], [manifest], tmp_path / "run", *flags)
    assert run(program, x.tobytes()) == small_expected(x[:12]).tobytes() + small_expected(x[12:]).tobytes()


@pytest.mark.parametrize("compiler", compilers(plus_plus=True))
def test_the_header_is_cpp_too(compiler: str, tmp_path: Path) -> None:
    """Included twice, with every helper called."""
    source = """
        #include "model.h"
        #include "model.h"
        #include <cstdio>
        int main() {
          static const int32_t shape[] = MODEL_INPUT_SHAPE;
          model_input()[0] = model_quantize_input(1.0f);
          std::printf("%d %s %g %zu", model_input()[0], model_labels[2], double(model_dequantize_output(-4)),
                      sizeof shape);
        }
    """
    write(small_program(), tmp_path / "p")
    (tmp_path / "use.cpp").write_text(source)
    objects = []
    for path in [tmp_path / "p/model.c", *sorted((tmp_path / "p/midge").rglob("*.c"))]:
        objects.append(tmp_path / f"{path.stem}.o")
        includes = [f"-I{tmp_path / 'p' / folder}" for folder in ("midge/include", "midge/src")]
        subprocess.run([*COMPILERS[compiler], "-std=c99", *includes, "-c", path, "-o", objects[-1]], check=True)
    command = [*compilers(plus_plus=True)[compiler], *CXX_FLAGS, f"-I{tmp_path / 'p'}", tmp_path / "use.cpp", *objects]
    done = subprocess.run([*command, "-o", tmp_path / "use"], capture_output=True, text=True)
    assert done.stderr == ""

    # 1.0 / 0.1 - 5 = 5; -4 stands for (-4 + 5) * 0.1; three extents of four bytes
    assert run(tmp_path / "use", b"").decode() == "5 Käfer 0.1 12"


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [(DType.INT8, 0.1, -5), (DType.UINT8, 1 / 255, 0), (DType.UINT8, 0.0078125, 128), (DType.INT16, 1 / 32768, 0)],
)
def test_the_helpers_equal_pythons(dtype: DType, scale: float, zero_point: int, tmp_path: Path) -> None:
    """Halves away from zero, saturation, and the float just below a half, which must not be rounded up."""
    step = np.float32(scale)
    halves = (np.arange(-300, 300, dtype=np.float32) + np.float32(0.5)) * step
    edges = np.array([0.49999997, -0.49999997, 32767.4, 32767.6, -32768.4, -32768.6], np.float32) * step
    rng = np.random.default_rng(2)
    values = np.concatenate([halves, edges, np.nextafter(halves, np.float32(0)), rng.normal(0, 60, 1000) * step])
    values = np.concatenate([values, [3e38, -3e38, 0.0]]).astype(np.float32)
    limits = np.iinfo(dtype.numpy)
    with np.errstate(over="ignore"):
        quotients = (values / step).astype(np.float64)  # a half is added to these without rounding
    expected = np.clip(np.trunc(quotients + np.copysign(0.5, quotients)) + zero_point, limits.min, limits.max)
    expected = expected.astype(dtype.numpy)
    real = (expected.astype(np.float32) - np.float32(zero_point)) * step
    np.testing.assert_array_equal(quantize(values, float(step), zero_point, dtype.numpy, "x"), expected)

    write(copying_program(dtype, scale, zero_point), tmp_path / "p")
    (tmp_path / "main.c").write_text("""
        #include <stdio.h>
        #include "model.h"
        int main(void) {
          float value;
          while (fread(&value, sizeof value, 1, stdin) == 1) {
            *model_input() = model_quantize_input(value);
            model_invoke();
            value = model_dequantize_output(*model_output());
            fwrite(model_output(), MODEL_OUTPUT_BYTES, 1, stdout);
            fwrite(&value, sizeof value, 1, stdout);
          }
          return 0;
        }
    """)
    sources = [tmp_path / "main.c", tmp_path / "p/model.c", *sorted((tmp_path / "p/midge").rglob("*.c"))]
    includes = [f"-I{tmp_path / 'p' / folder}" for folder in (".", "midge/include", "midge/src")]
    command = [*COMPILERS["gcc"], *C_FLAGS, *includes, *sources, "-o", tmp_path / "run"]
    subprocess.run(command, check=True)
    record = np.dtype([("stored", dtype.numpy), ("real", np.float32)])
    found = np.frombuffer(run(tmp_path / "run", values.tobytes()), record)
    np.testing.assert_array_equal(found["stored"], expected)
    np.testing.assert_array_equal(found["real"], real)


def test_line_one_names_generator_and_source() -> None:
    program = small_program()

    files = emit(program, plan_memory(program), "model", "cats.tflite")
    assert set(files) == {"model.h", "model.c"}
    for text in files.values():
        assert text.startswith("/* Generated by Midge ")
        assert "from cats.tflite; do not edit. */" in text.splitlines()[0]


def test_equal_constants_are_stored_once() -> None:
    """The two tensors `ints` of the program hold the same numbers."""
    program = wide_program()

    text = emit(program, plan_memory(program), "model")["model.c"]
    assert text.count("static const int32_t") == 1


@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_layer_keeps_a_symbol_of_its_own(compiler: str, tmp_path: Path) -> None:
    """Not inlined, and not folded into another one that does exactly the same, for the profiler looks for both."""
    program = repeating_program()
    offsets = plan_memory(program).offsets
    assert (offsets[0], offsets[1]) == (offsets[2], offsets[3])

    manifest = write(program, tmp_path / "p")
    built = build_natively(COMPILERS[compiler], [tmp_path / "p"], [manifest], tmp_path / "run", "-O2")
    rows = subprocess.run(["nm", built], capture_output=True, text=True, check=True).stdout.splitlines()
    addresses = {row.split()[2]: row.split()[0] for row in rows if len(row.split()) == 3}
    assert len({addresses[layer.function] for layer in manifest.layers}) == 4


def test_a_prefix_that_is_no_identifier_is_refused() -> None:
    program = small_program()
    with pytest.raises(InputError, match="--name"):
        emit(program, plan_memory(program), "no-name")
