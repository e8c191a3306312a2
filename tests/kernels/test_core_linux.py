"""Kernels for AArch64, run under QEMU's user mode; `core_fuzz.py --board aarch64-max aarch64-a53` is the long run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from core_batch import Batch, offsets, size_of
from core_engines import engine_for
from core_fuzz import Core
from core_image import prototypes
from core_layers import FAMILIES, Layer, make_layer, ways
from core_linux import PROCESSORS, QEMU, ProgramImage, build_program

from midge.runtime import native
from midge.runtime.errors import MissingToolError

LAYERS = 6
"""Random layers per family and processor."""
NOWHERE = 0x7F_0000_0000
"""Nothing is mapped at this address."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ProgramImage]:
    """Build the program once for all processors."""
    if shutil.which(QEMU) is None:
        pytest.skip(f"{QEMU} is not installed")
    try:
        return build_program(PROCESSORS, tmp_path_factory.mktemp("aarch64"), optimize="default")
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def layers() -> tuple[Layer, ...]:
    """Layers of all families, whose oracle is asked once for all processors."""
    return tuple(
        make_layer(*pairs[i % len(pairs)], 7, i // len(pairs)) for pairs in FAMILIES.values() for i in range(LAYERS)
    )


@pytest.mark.parametrize("name", PROCESSORS)
def test_random_layers_equal_the_oracle(name: str, images: dict[str, ProgramImage], layers: tuple[Layer, ...]) -> None:
    """Every way to compute a layer gives the oracle's bits, and touches nothing but what it is given."""
    tally = Core(images[name], None, guard=True).run(layers, every=True, rng=np.random.default_rng(1))

    assert not tally.differences
    assert tally.layers == LAYERS * len(FAMILIES)


@pytest.mark.parametrize("name", PROCESSORS)
def test_dot_products_are_used_where_there_are_any(
    name: str, images: dict[str, ProgramImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processor decides which of two ways the convolution takes: QEMU's log names the functions that are run."""
    log = tmp_path / "log"
    monkeypatch.setenv("QEMU_LOG", "in_asm")
    monkeypatch.setenv("QEMU_LOG_FILENAME", str(log))
    layer = make_layer("FULLY_CONNECTED", "int8", 7, 0)

    tally = Core(images[name], None).run([layer], every=True, rng=np.random.default_rng(2))

    assert any(way.startswith("dot:") for way in tally.runs)
    assert ("channels_with_dot" in log.read_text()) == (name == "aarch64-max")


def test_a_fault_is_found_and_the_rest_goes_on(images: dict[str, ProgramImage]) -> None:
    """A kernel that leaves the window is named, and the run behind it is run and judged."""
    image = images["aarch64-max"]
    layer = make_layer("FULLY_CONNECTED", "int8", 7, 0)
    calls = next(ways(layer, image.arch)).calls
    batch = Batch(image.window.address, 1 << 20, image.kernels, 10, np.random.default_rng(3), pointer=image.pointer)
    for label in ("right", "wrong", "right behind it"):
        batch.add(label, "dot", calls, layer.graph, layer.feeds, layer.wanted, exact=True)
    batch.change_argument(1, 1, NOWHERE)

    after, stuck = engine_for(image, None)(batch)

    assert [run.label for run, _ in stuck] == ["wrong"]
    assert not batch.judge(after, [run for run, _ in stuck])


def test_structures_are_laid_out_as_a_compiler_does() -> None:
    """Where pointers are as long as this host's, sizes and offsets are those of its C compiler."""
    ffi = native.interface()
    pointer = ffi.sizeof("void *")
    for kernel in prototypes():
        structure = ffi.typeof(f"{kernel}_params")
        found = {name: at for name, (at, _) in offsets(structure, pointer).items()}

        assert size_of(structure, pointer) == (ffi.sizeof(structure), ffi.alignof(structure))
        assert found == {name: member.offset for name, member in structure.fields}
