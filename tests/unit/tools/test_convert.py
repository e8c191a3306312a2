"""`midge convert`: options and output. What the converter itself does is tested with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import midge.converter
from midge.converter import Accuracy, ConversionResult, LayerError

Midge = Callable[..., Any]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace the converter by one that notes how it was called."""
    noted: list[dict[str, Any]] = []

    def convert(model: Path, recipe: str, *, output: Path, progress: Callable[[str], None], **rest: Any) -> Any:
        noted.append({"model": model, "recipe": recipe, "output": output, **rest})
        progress("converting")
        output.write_bytes(b"12345678")
        layers = [LayerError(f"layer_{n}", "CONV_2D", n / 100) for n in range(12)]
        return ConversionResult(
            schema=1,
            recipe=recipe,
            output=str(output),
            bytes=8,
            operators={"CONV_2D": 12},
            layers=layers,
            report=str(output) + ".report.json",
            recipe_file=str(output) + ".recipe.toml",
            accuracy=Accuracy(0.9, 0.8, "accuracy", 100, "host") if rest["evaluate"] else None,
        )

    monkeypatch.setattr(midge.converter, "convert", convert)
    return noted


def test_json_has_exactly_the_promised_keys(
    midge: Midge, calls: list[dict[str, Any]], tmp_path: Path, load_json: Any
) -> None:
    model = tmp_path / "m.keras"
    model.write_bytes(b"PK")
    outcome = midge(
        "convert", model, "-o", tmp_path / "o.tflite", "--evaluate", tmp_path / "e.npz", "--json", tmp_path / "c.json"
    )

    assert outcome.code == 0 and outcome.err == ""
    document = load_json(tmp_path / "c.json")
    assert set(document) == {"schema", "recipe", "output", "bytes", "operators", "layers", "accuracy"}
    assert document["accuracy"] == {"before": 0.9, "after": 0.8}
    assert document["layers"][1] == {"name": "layer_1", "op": "CONV_2D", "rms_error": 0.01}


def test_options_reach_the_converter(midge: Midge, calls: list[dict[str, Any]], tmp_path: Path) -> None:
    model = tmp_path / "m.keras"
    model.write_bytes(b"PK")
    midge(
        "convert", model, "-o", tmp_path / "o.tflite", "--recipe", "float32", "--calibration", tmp_path / "c.npz",
        "--input-scale", "0.5", "--input-offset", "-1", "--seed", "7", "--work", tmp_path / "work",
    )  # fmt: skip

    assert calls == [
        {
            "model": model,
            "recipe": "float32",
            "output": tmp_path / "o.tflite",
            "train": None,
            "calibration": tmp_path / "c.npz",
            "evaluate": None,
            "input_scale": 0.5,
            "input_offset": -1.0,
            "seed": 7,
            "work": tmp_path / "work",
        }
    ]


def test_the_default_recipe_is_int8(midge: Midge, calls: list[dict[str, Any]], tmp_path: Path) -> None:
    midge("convert", tmp_path / "m.keras", "-o", tmp_path / "o.tflite")

    assert calls[0]["recipe"] == "int8"


def test_the_ten_worst_layers_are_shown_the_worst_first(
    midge: Midge, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    model = tmp_path / "m.keras"
    model.write_bytes(b"PK")
    lines = midge("convert", model, "-o", tmp_path / "o.tflite").out.splitlines()
    shown = [line.split()[-1] for line in lines if "CONV_2D  " in line]
    everything = midge("convert", model, "-o", tmp_path / "o.tflite", "--verbose").out

    assert shown == [f"layer_{n}" for n in range(11, 1, -1)]
    assert "layer_0" in everything


PRUNED: dict[str, Any] = {
    "kind": "prune",
    "budget": "instructions",
    "board": "mps2-an386",
    "before": {"macs": 273536, "parameters": 12000, "instructions": 400000},
    "after": {"macs": 136768, "parameters": 9000, "instructions": 299600},
    "groups": [
        {"name": "stem", "before": 24, "after": 24},
        {"name": "wide", "before": 64, "after": 48},
        {"name": "head", "before": 32, "after": 8},
        *({"name": f"inner_{n}", "before": 40, "after": 36} for n in range(6)),
    ],
    "blocks": ["add_2"],
    "losses": [],
}


def test_what_pruning_removed_is_said_the_layers_that_lost_most_first(
    midge: Midge, calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from midge import converter

    plain = converter.convert
    monkeypatch.setattr(
        converter, "convert", lambda *a, **options: msgspec.structs.replace(plain(*a, **options), steps=[PRUNED])
    )
    (tmp_path / "m.keras").write_bytes(b"PK")
    said = " ".join(midge("convert", tmp_path / "m.keras", "-o", tmp_path / "o.tflite").out.split())

    costs = "MACs 273,536 to 136,768 (-50.0%), parameters 12,000 to 9,000 (-25.0%), "
    assert f"pruned: {costs}instructions 400,000 to 299,600 (-25.1%) channels:" in said
    assert "channels: head 32 to 8, wide 64 to 48, inner_0 40 to 36, " in said
    assert "inner_3 40 to 36, 2 more (--verbose lists all); branches removed: add_2 Quantization error" in said
    assert "stem" not in said


@pytest.mark.parametrize("name", ["o.tflite", "o.report.json", "o.recipe.toml", "m.keras"])
def test_json_is_none_of_the_other_files(
    midge: Midge, calls: list[dict[str, Any]], tmp_path: Path, name: str, contents: Callable[[], set[str]]
) -> None:
    (tmp_path / "m.keras").write_bytes(b"PK")
    before = contents()
    outcome = midge("convert", tmp_path / "m.keras", "-o", tmp_path / "o.tflite", "--json", tmp_path / name)

    assert outcome.code == 2
    assert calls == [] and contents() == before


@pytest.mark.parametrize(
    "arguments", [["absent.keras"], ["absent.keras", "--recipe", "nonsense"], ["absent.keras", "--recipe", "float32"]]
)
def test_refusals_of_the_real_converter_end_with_2(
    midge: Midge, tmp_path: Path, arguments: list[str], contents: Callable[[], set[str]]
) -> None:
    before = contents()
    outcome = midge("convert", *arguments, "-o", tmp_path / "o.tflite")

    assert outcome.code == 2
    assert outcome.out == "" and 1 <= len(outcome.err.splitlines()) <= 10
    assert contents() == before
