"""Both roundings of a requantization in one multiplication, for a shift that is the same for all channels.

TFLite Micro scales a sum a by multiplier m and right shift e in two steps, each rounded. Where negative results clamp
to the output's zero point anyway, the direction of the second rounding does not matter for them, and the nested floors
of both steps join: the output is

    floor((a * m + 2^30 + (2 * zero_point + 1) * 2^(e + 30)) / 2^(31 + e)),     clamped.

With weights scaled by 2^p, p = SHIFT - e, the divisor is 2^(31 + SHIFT) for every channel. The constant term is split
into b * m + offset * 2^32: b joins the bias, and `offset` what SMMLA adds to the high word of the product. All that is
left is an arithmetic shift by SHIFT - 1, the same for all channels, which SSAT does on the way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array

SHIFT = 10
"""The common right shift; see `midge_depthwise_conv_2d_planes_s8`."""
MAX_WEIGHT_SHIFT = 8
"""Weights scaled by 2**8 still fit int16."""
_ATTEMPTS = 64
_LIMIT = 2**31


def single_rounding(bias: Array, multiplier: Array, shift: Array, rows: Array, zero_point: int) -> Array | None:
    """Return the constants of every channel, or None if one has no exact ones.

    Args:
        bias: int32, input offsets folded in.
        multiplier: int32 in [2**30, 2**31).
        shift: TFLite's, -1 or less.
        rows: the int8 weights, shape (channels, depth).
        zero_point: the output's, at most its least value.

    Returns:
        int32 of shape (channels, 4): what sums start from, multiplier, offset, and p, the bits by which the weights
        have to be scaled. Proven equal at every step of the output that a sum can reach.
    """
    spread = 128 * np.abs(rows.astype(np.int64)).sum(axis=1)
    records = np.zeros((len(rows), 4), np.int64)
    for channel in range(len(rows)):
        record = _split(int(bias[channel]), int(multiplier[channel]), -int(shift[channel]), zero_point)
        if record is None or (int(spread[channel]) << record[3]) + abs(record[0]) >= _LIMIT:
            return None
        records[channel] = record
    exact = _steps(multiplier.astype(np.int64), -shift.astype(np.int64), zero_point)
    return records.astype(np.int32) if _is_exact(records, bias.astype(np.int64), spread, exact) else None


def _split(bias: int, multiplier: int, right: int, zero_point: int) -> tuple[int, int, int, int] | None:
    """Return the constants of one channel, right shift `right`; exact but for what a lost bit may do."""
    if SHIFT - right > MAX_WEIGHT_SHIFT or right < 1:
        return None
    scale = max(0, SHIFT - right)
    lost = max(0, right - SHIFT)
    factor = (multiplier + (1 << lost >> 1)) >> lost
    if not 0 < factor < _LIMIT:
        return None
    term = (1 << 30) + ((2 * zero_point + 1) << (right + 30))
    if lost:
        # What the factor loses shall be missing nowhere near the bias.
        term = ((bias * multiplier + term) >> lost) - bias * factor
    term <<= scale
    twos = (factor & -factor).bit_length() - 1
    modulus = 1 << (32 - twos)
    inverse = pow(factor >> twos, -1, modulus)
    for more in range(-term % (1 << twos), _ATTEMPTS << twos, 1 << twos):
        start = ((term + more) >> twos) * inverse % modulus
        start -= modulus if start >= modulus // 2 else 0
        offset = (term + more - start * factor) >> 32
        if abs(start) <= 2**30 and abs(offset) < 2**30:
            return (bias << scale) + start, factor, offset, scale
    return None


def _steps(multiplier: npt.NDArray[np.int64], right: npt.NDArray[np.int64], zero_point: int) -> npt.NDArray[np.int64]:
    """Return the least sum, bias included, that gives at least n, of shape (channels, 255) for n from -127 to 127."""
    outputs = np.arange(-127, 128, dtype=np.int64)
    term = (1 << 30) + ((2 * zero_point + 1) << (right + 30))
    steps: npt.NDArray[np.int64] = -((term[:, None] - (outputs << (right[:, None] + 31))) // multiplier[:, None])
    return steps


def _is_exact(
    records: npt.NDArray[np.int64],
    bias: npt.NDArray[np.int64],
    spread: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
) -> bool:
    """Whether the output steps where it should, for all sums within `spread` of the bias."""
    start, factor, offset, scale = (column[:, None] for column in records.T)
    outputs = np.arange(-127, 128, dtype=np.int64)
    least, greatest = (bias - spread)[:, None], (bias + spread)[:, None]
    at = np.clip(steps, least, greatest + 1)

    def scaled(total: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        result: npt.NDArray[np.int64] = (((((total - bias[:, None]) << scale) + start) * factor >> 32) + offset) >> (
            SHIFT - 1
        )
        return result

    reached = (at > greatest) | (scaled(at) >= outputs)
    not_before = (at <= least) | (scaled(at - 1) < outputs)
    return bool((reached & not_before).all())
