"""One rounding gives what the two roundings of the reference give, for every sum that can occur."""

from __future__ import annotations

import numpy as np

from midge.runtime.fixed_point import multiply_by_quantized_multiplier
from midge.runtime.operators.single_rounding import SHIFT, single_rounding


def test_every_sum_scales_alike() -> None:
    """All sums of a channel, for shifts below, at and above the common one, odd and even multipliers."""
    rng = np.random.default_rng(7)
    shifts = np.repeat(np.arange(-12, -2, dtype=np.int32), 4)
    channels = len(shifts)
    rows = rng.integers(-127, 128, (channels, 9)).astype(np.int8)
    bias = rng.integers(-20000, 20000, channels).astype(np.int32)
    multiplier = (rng.integers(2**30, 2**31, channels) & ~(np.arange(channels) % 2)).astype(np.int32)
    records = single_rounding(bias, multiplier, shifts, rows, -128)

    assert records is not None
    for channel, (start, factor, offset, scale) in enumerate(records.astype(np.int64)):
        spread = 128 * int(np.abs(rows[channel].astype(np.int64)).sum())
        sums = np.arange(-spread, spread + 1, dtype=np.int64)
        twice = multiply_by_quantized_multiplier(sums + bias[channel], multiplier[channel], shifts[channel])
        expected = np.clip(twice.astype(np.int64) - 128, -128, 127)
        once = ((((sums << scale) + start) * factor >> 32) + offset) >> (SHIFT - 1)

        assert (np.clip(once, -128, 127) == expected).all()
