"""`midge profile`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import midge as package
from midge.runtime.arrays import random_inputs
from midge.tools import cli

pytest.importorskip("unicorn", reason="needs midge[emulate]")

DIGITS = Path(__file__).parents[2] / "models" / "digits_int8.tflite"
Midge = Callable[..., Any]
ALWAYS = set("schema model board on optimize source instructions ram flash output_sha256 layers verdict tool".split())
TIMED = {"cycles", "cycles_range", "latency_us", "latency_range_us"}
ENERGY = {"energy_uj", "energy_range_uj"}


def profile(midge: Midge, model: Path, folder: Path, load_json: Any, *arguments: object) -> dict[str, Any]:
    outcome = midge("profile", model, *arguments, "--json", folder / "p.json")

    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    document: dict[str, Any] = load_json(folder / "p.json")
    return document


@pytest.fixture(scope="module")
def on_nucleo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The profile of the digits model on a board with a cycle model and a measured mean power."""
    path = tmp_path_factory.mktemp("profile") / "p.json"

    assert cli.run(["profile", str(DIGITS), "--board", "nucleo-l4r5zi", "--json", str(path)]) == 0

    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_a_cortex_m4_with_known_power_has_every_field(on_nucleo: dict[str, Any]) -> None:
    document = on_nucleo

    assert set(document) == ALWAYS | TIMED | ENERGY
    assert set(document["model"]) == {"file", "sha256", "macs"}
    assert document["model"]["sha256"] == hashlib.sha256(DIGITS.read_bytes()).hexdigest()
    assert document["board"] == {"name": "nucleo-l4r5zi", "cpu": "cortex-m4", "clock_hz": 120_000_000}
    assert (document["on"], document["optimize"], document["verdict"]) == ("emulator", "default", "valid")
    assert document["source"]["latency"] == "emulator-cycle-model" and "41.7 mW" in document["source"]["energy"]
    assert set(document["ram"]) == {"arena", "scratch", "stack", "data"}
    assert set(document["flash"]) == {"code", "weights", "other"}
    assert set(document["tool"]) == {"version", "compiler", "flags"}
    for layer in document["layers"]:
        assert set(layer) == {"index", "op", "name", "kernel", "macs", "instructions", "cycles", "latency_us"}


def test_time_and_energy_follow_from_cycles_clock_and_power(on_nucleo: dict[str, Any]) -> None:
    """At 120 MHz a microsecond is 120 cycles; 41.7 mW for a microsecond is 0.0417 microjoules."""
    document = on_nucleo

    assert document["latency_us"] == pytest.approx(document["cycles"] / 120)
    assert document["energy_uj"] == pytest.approx(document["latency_us"] * 0.0417)
    for figure, its_range in (("cycles", "cycles_range"), ("latency_us", "latency_range_us")):
        low, high = document[its_range]
        assert low < document[figure] < high
    assert document["latency_range_us"][1] == pytest.approx(1.4 * document["cycles_range"][1] / 120)
    low, high = document["energy_range_uj"]
    assert low < document["energy_uj"] < high


def test_a_core_without_a_model_has_neither_cycles_nor_time(
    midge: Midge, digits: Path, tmp_path: Path, load_json: Any
) -> None:
    """What was not measured is absent, not zero."""
    document = profile(midge, digits, tmp_path, load_json, "--board", "rp2040-core")

    assert set(document) == ALWAYS
    assert document["source"] == {"latency": "emulator-instructions"}
    assert all(set(layer).isdisjoint({"cycles", "latency_us"}) for layer in document["layers"])


def test_layers_and_sizes_add_up(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    document = profile(midge, digits, tmp_path, load_json, "--board", "mps2-an386", "--optimize", "size")
    midge("inspect", digits, "--board", "mps2-an386", "--json", tmp_path / "i.json")
    inspected = load_json(tmp_path / "i.json")

    layers = sum(layer["instructions"] for layer in document["layers"])
    assert layers < document["instructions"] < layers + 500  # calls between the layers
    assert document["flash"]["weights"] == inspected["weights"]
    assert (document["ram"]["arena"], document["ram"]["scratch"]) == (inspected["arena"], inspected["scratch"])
    assert document["optimize"] == "size" and "-Os" in document["tool"]["flags"]


def test_without_an_input_the_sample_is_the_documented_one(on_nucleo: dict[str, Any]) -> None:
    """The first random sample of seed 0, on whichever board."""
    model = package.load(DIGITS)
    (x,) = random_inputs(model.inputs, 1, seed=0)

    assert on_nucleo["output_sha256"] == hashlib.sha256(model.run(x)[0].tobytes()).hexdigest()


def test_of_a_given_input_the_first_sample_runs(midge: Midge, digits: Path, tmp_path: Path, load_json: Any) -> None:
    x = np.random.default_rng(9).random((4, 8, 8, 1), np.float32)
    np.save(tmp_path / "x.npy", x)
    document = profile(midge, digits, tmp_path, load_json, "--board", "mps2-an386", "--input", tmp_path / "x.npy")

    assert document["output_sha256"] == hashlib.sha256(package.load(digits).run(x[:1])[0].tobytes()).hexdigest()


def test_where_every_figure_comes_from_is_printed(midge: Midge, digits: Path) -> None:
    outcome = midge("profile", digits, "--board", "nucleo-l4r5zi")

    assert outcome.code == 0
    for figure in ("instructions:", "stack:", "cycles:", "latency:", "clock:", "energy:"):
        assert f"- {figure}" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 100
