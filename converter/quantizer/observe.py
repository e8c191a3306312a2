"""What values the activations of a float network take on calibration data, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from midge.converter.interpreter import Interpreter
from midge.converter.samples import Array, Column
from midge.runtime.graph import DType, Graph

BINS = 4096


@dataclass
class Histogram:
    """Counts of values in `BINS` bins of one width over ``-reach`` to ``reach``.

    A value outside doubles the reach, and pairs of bins become one; it never shrinks.
    """

    reach: float = 0.0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, values: Array) -> None:
        """Count values, float32 of any shape, all finite."""
        greatest = float(np.abs(values).max(initial=0.0))
        if self.reach == 0.0:
            if greatest == 0.0:
                return
            self.reach = greatest
        while greatest > self.reach:
            half = self.counts.reshape(-1, 2).sum(axis=1)
            quarter = np.zeros(BINS // 4, np.int64)
            self.counts = np.concatenate([quarter, half, quarter])
            self.reach *= 2
        places = ((values.ravel() + np.float32(self.reach)) * np.float32(BINS / (2 * self.reach))).astype(np.int32)
        self.counts += np.bincount(np.clip(places, 0, BINS - 1), minlength=BINS)

    def centres(self) -> NDArray[np.float64]:
        """Return the middle of each bin."""
        middles: NDArray[np.float64] = (np.arange(BINS, dtype=np.float64) + 0.5) * (2 * self.reach / BINS) - self.reach
        return middles


@dataclass
class Observed:
    """The values of one tensor: least and greatest, and where wanted how they are distributed."""

    low: float = np.inf
    high: float = -np.inf
    histogram: Histogram | None = None

    def add(self, values: Array) -> None:
        """Take in one sample's values."""
        if not values.size:
            return
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        if self.histogram is not None:
            self.histogram.add(values)


def activations(exact: Graph) -> list[int]:
    """Return the float tensors that are computed or fed."""
    written = [i for op in exact.operators for i in op.outputs]
    return [i for i in (*exact.inputs, *written) if exact.tensors[i].dtype is DType.FLOAT32]


def observe(
    exact: Graph, content: bytes, arrays: Sequence[Column], *, histograms: bool = False
) -> Mapping[int, Observed]:
    """Run samples through a float file and return what each activation was seen to be.

    Args:
        exact: the file as a graph.
        content: the float `.tflite` file.
        arrays: samples along axis 0, one array for each input of the file.
        histograms: whether to keep distributions, not only least and greatest.
    """
    seen = {index: Observed(histogram=Histogram() if histograms else None) for index in activations(exact)}
    interpreter = Interpreter(content, keep=True)
    for _ in interpreter.each_sample(arrays):
        for index, found in seen.items():
            found.add(interpreter.tensor(index))
    return seen
