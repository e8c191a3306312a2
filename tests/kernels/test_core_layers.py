"""Kernels on emulated cores compute what their oracle computes; `core_fuzz.py` is the long run of the same.

The harness is held to what it promises as well: wrong results, writes outside, wrong leads and crashes are found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from core_batch import Batch, Run
from core_engines import Execute, engine_for
from core_fuzz import Core
from core_image import CoreImage, build_image, core_board
from core_layers import FAMILIES, LIMITS, Layer, limits, make_layer
from core_specialised import Outcome, networks, random_layers, run_network

from midge.runtime.backends.c.target import arch_for
from midge.runtime.errors import MissingToolError
from midge.runtime.operators import OPERATORS
from midge.runtime.program import KernelCall, Target
from midge.runtime.toolchain import find_toolchain

LAYERS = 10
"""Random layers per family and core."""
CORES = ("mps2-an386", "mps3-an547", "qemu-rv32")

NOWHERE = 0xF000_0000
"""No board has memory at this address."""

Open = Callable[[str], CoreImage]


@pytest.fixture(scope="module")
def open_image(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Build the firmware of a core once."""
    built: dict[str, CoreImage] = {}

    def build(board: str) -> CoreImage:
        if board not in built:
            try:
                built[board] = build_image(board, tmp_path_factory.mktemp(board))
            except MissingToolError as error:
                pytest.skip(str(error))
        return built[board]

    return build


@pytest.fixture(scope="module")
def layers() -> tuple[Layer, ...]:
    """Layers of all families, whose oracle is asked once for all cores."""
    made = []
    for pairs in FAMILIES.values():
        numbers = [(*pairs[i % len(pairs)], i // len(pairs)) for i in range(LAYERS)]
        made += [make_layer(operator, dtype, 5, number) for operator, dtype, number in numbers]
    return tuple(made)


@pytest.mark.parametrize("board", CORES)
def test_random_layers_on_a_core_equal_the_oracle(board: str, open_image: Open, layers: tuple[Layer, ...]) -> None:
    """Every way to compute a layer gives the oracle's bits on the core, and changes nothing but its output."""
    tally = _core(open_image(board)).run(layers, every=True, rng=np.random.default_rng(1))

    assert not tally.differences
    assert tally.layers == LAYERS * len(FAMILIES)


def test_both_emulators_run_the_same_batch(open_image: Open, layers: tuple[Layer, ...]) -> None:
    """QEMU leaves the same bytes in the window as Unicorn."""
    image = open_image("mps2-an386")
    tallies = [
        _core(image, engine).run(layers[::4], every=True, rng=np.random.default_rng(2))
        for engine in ("unicorn", "qemu")
    ]

    assert [tally.differences for tally in tallies] == [[], []]
    assert tallies[0].runs == tallies[1].runs


@pytest.mark.parametrize("board", CORES)
def test_generated_layers_on_a_core_equal_the_oracle(board: str) -> None:
    """Layer functions as the emitter writes them, with kernels of their own where it can, give the oracle's bits."""
    target, _ = core_board(board)
    outcome = Outcome()
    layers = (layer for family in ("conv", "fully-connected") for layer in random_layers(FAMILIES[family], 10, 0, 6))
    try:
        toolchain = find_toolchain(target)
        for network in networks(layers, arch_for(target.cpu), outcome):
            run_network(network, target, toolchain, "speed", outcome)
    except MissingToolError as error:
        pytest.skip(str(error))

    assert not outcome.differences
    assert outcome.layers == 20


def test_limits_that_are_changed_are_there() -> None:
    """What `core_layers.LIMITS` names are limits of variants; who renames one renames it there."""
    assert len(limits()) == len(LIMITS)


# ---- What the harness finds ----------------------------------------------------------------------------------------


@pytest.fixture(params=["unicorn", "qemu"])
def execute(request: pytest.FixtureRequest, open_image: Open) -> Execute:
    """Run a batch on a Cortex-M4."""
    try:
        return engine_for(open_image("mps2-an386"), request.param)
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture
def image(open_image: Open) -> CoreImage:
    """The firmware of a Cortex-M4."""
    return open_image("mps2-an386")


def test_a_wrong_element_is_found(image: CoreImage, execute: Execute) -> None:
    """One expected bit that differs is one difference, in the run that it belongs to."""
    layer = _padded_conv()
    (index,) = layer.wanted
    wrong = layer.wanted[index].copy()
    wrong.flat[3] ^= 1
    batch = _batch(image)
    _add(batch, layer, "right")
    _add(batch, replace(layer, wanted={index: wrong}), "wrong")

    ((run, what),) = _differences(batch, execute)

    assert run.label == "wrong"
    assert f"1 of {wrong.size} elements differ, the first at 3" in what


def test_a_write_outside_is_found(image: CoreImage, execute: Execute) -> None:
    """A kernel that uses more scratch memory than its call says is caught by the bytes behind it."""
    layer = _padded_conv()
    call = _plain(layer)
    batch = _batch(image)
    _add(batch, layer, "right")
    _add(batch, layer, "wrong", replace(call, scratch=call.scratch - 1))

    ((run, what),) = _differences(batch, execute)

    assert run.label == "wrong"
    assert what.startswith("1 bytes written outside")
    assert "the scratch buffer" in what


def test_a_read_behind_a_constant_is_found(image: CoreImage) -> None:
    """Where pages are guarded, a kernel that reads more weights than there are faults."""
    pytest.importorskip("unicorn")
    layer = _padded_conv()
    call = _plain(layer)
    weights = np.asarray(call.params["weights"]).ravel()
    batch = Batch(image.window.address, 1 << 20, image.kernels, 10, np.random.default_rng(3), page=1024)
    _add(batch, layer, "right")
    _add(batch, layer, "wrong", replace(call, params={**call.params, "weights": weights[:-4]}))

    ((run, what),) = _differences(batch, engine_for(image, "unicorn"))

    assert run.label == "wrong"
    assert what.startswith("read outside every memory")


def test_a_wrong_lead_is_found(image: CoreImage, execute: Execute) -> None:
    """A kernel that reads what it has overwritten gives another result."""
    layer = _padded_conv()
    batch = _batch(image)
    _add(batch, layer, "wrong", overlap=(layer.node.operator.inputs[0] or 0, 0))

    ((run, what),) = _differences(batch, execute)

    assert run.label == "wrong"
    assert "elements differ" in what


def test_a_fault_is_found_and_the_rest_goes_on(
    image: CoreImage, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that leaves every memory is named, and the runs behind it are run and judged."""
    monkeypatch.setattr("core_engines.STALLED_S", 1.0)
    layer = _padded_conv()
    batch = _batch(image)
    for label in ("right", "wrong", "right behind it"):
        _add(batch, layer, label)
    batch.change_argument(1, 1, NOWHERE)

    found = _differences(batch, execute)

    assert [run.label for run, _ in found] == ["wrong"]


def _core(image: CoreImage, engine: str | None = None) -> Core:
    try:
        return Core(image, engine)
    except MissingToolError as error:
        pytest.skip(str(error))


def _padded_conv() -> Layer:
    """Return an int8 convolution with padding, and so with a scratch buffer, whose output varies."""
    for number in range(1000):
        layer = make_layer("CONV_2D", "int8", 9, number)
        (wanted,) = layer.wanted.values()
        if _plain(layer).scratch and len(np.unique(wanted)) > 20 and wanted.size > 100:
            return layer
    raise AssertionError("no such layer")


def _plain(layer: Layer) -> KernelCall:
    (call,) = OPERATORS[layer.node.operator.kind].lower(layer.node, Target())
    return call


def _batch(image: CoreImage) -> Batch:
    return Batch(image.window.address, 1 << 20, image.kernels, 100, np.random.default_rng(3))


def _add(
    batch: Batch, layer: Layer, label: str, call: KernelCall | None = None, overlap: tuple[int, int] | None = None
) -> None:
    calls = (_plain(layer) if call is None else call,)
    batch.add(label, "plain", calls, layer.graph, layer.feeds, layer.wanted, exact=True, overlap=overlap)


def _differences(batch: Batch, execute: Execute) -> Sequence[tuple[Run, str]]:
    after, stuck = execute(batch)
    return stuck + batch.judge(after, [run for run, _ in stuck])
