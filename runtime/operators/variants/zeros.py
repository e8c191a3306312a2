"""Whether it pays to leave out weights that are zero: estimates of time and flash, with and without.

Time is in cycles of the Cortex-M4's model, and in instructions on the other cores. The figures are fitted to what
`tests/benchmark/sparse.py` prints: what an entry takes is the difference between two sparsities divided by that of the
entries, the rest is shared out to what is done once for every list, channel and input.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST_GAIN = 0.05
"""Part of the time of the dense kernel that must be saved by estimate: what the estimates are worth."""


@dataclass(frozen=True)
class Costs:
    """What a kernel takes for one row of inputs, or for one tile of pixels."""

    entry: float
    """For each weight, or block of them, that is stored."""
    list: float
    """For each list or segment of places."""
    channel: float
    """For each output channel, or block of them."""
    input: float
    """For each input."""

    def time(self, entries: int, lists: int, channels: int, inputs: int) -> float:
        """Return the time for so many of each."""
        return self.entry * entries + self.list * lists + self.channel * channels + self.input * inputs


# Fully connected 640 -> 128, Cortex-M4: (469,399 - 55,514 cycles) / (0.9 * 81,920 weights) = 5.61, and 9,500 for 384
# lists and 128 channels. RV32: (541,834 - 63,468 instructions) / (0.9 * 81,920) = 6.5, and 10,300.
# Cortex-M3, instructions: (582,578 - 66,482) / (0.9 * 81,920) = 7.0, and 9,100. Cortex-M0+: (919,904 - 108,899) /
# (0.9 * 81,920) = 11.0, and 18,800.
ROW_LISTS = {
    "armv7em": Costs(5.61, 18, 20, 0),
    "armv7m": Costs(7.0, 12, 36, 0),
    "armv6m": Costs(11.0, 15, 102, 0),
    "riscv": Costs(6.5, 16, 32, 0),
}
# The same in blocks, Cortex-M4: (128,053 - 36,448) / (0.75 * 10,240 blocks) = 11.9, and 5,900 for 64 segments, 32 rows
# of blocks and 640 inputs. RV32: (316,646 - 83,394) / 7,680 = 30.4, and 5,300.
ROW_BLOCKS = {"armv7em": Costs(11.9, 22, 102, 2), "riscv": Costs(30.4, 14, 137, 0)}
# 1x1 64 -> 64 on 8x8, that is 8 tiles, Cortex-M4: (565,179 - 128,043) / (0.9 * 8 * 4,096) = 14.8, and 9,900 a tile for
# 64 lists, 64 channels and 64 inputs. RV32: (1,072,354 - 187,930) / (0.9 * 8 * 4,096) = 30, and 11,200.
TILE_LISTS = {"armv7em": Costs(14.8, 20, 105, 30), "riscv": Costs(30, 14, 139, 22)}
# The same in blocks, Cortex-M4, 32 tiles: (404,434 - 166,738) / (0.75 * 32 * 512 blocks) = 19.3, and 2,700 a tile for
# 16 rows of blocks and 64 inputs. RV32, 16 tiles: (834,230 - 313,886) / (0.75 * 16 * 512) = 84.7, and 8,800.
TILE_BLOCKS = {"armv7em": Costs(19.3, 0, 155, 4), "riscv": Costs(84.7, 60, 445, 11)}


_LEAST_MASKED = {"armv7m": 1.88, "armv6m": 3.87, "riscv": 2.65}


def dense_row_time(arch: str, channels: int, depth: int) -> float:
    """Return the time of a fully connected layer that ignores zeros, for one row of inputs.

    Cortex-M4 (`pairs`): 39 cycles for eight inputs and four channels, and 100 for these. The others (`masked`): the
    least instructions for a product that weights with many zeros have taken.
    """
    if arch in _LEAST_MASKED:
        return _LEAST_MASKED[arch] * channels * depth
    return -(-channels // 4) * (39.0 * -(-depth // 8) + 100)


def dense_pixels_time(arch: str, pixels: int, channels: int, depth: int) -> float:
    """Return the time of a 1x1 convolution that ignores zeros.

    Cortex-M4 (`pairs`): 32 cycles for two pixels, four channels and four inputs, 85 for the two pixels and four
    channels, and 2.2 for each input of two pixels. RV32 (`segments`): 2.3 instructions for a product, likewise the
    least.
    """
    if arch == "riscv":
        return 2.3 * pixels * channels * depth
    return -(-pixels // 2) * (-(-channels // 4) * (32.0 * -(-depth // 4) + 85) + 2.2 * depth)


def pays(optimize: str, time: float, dense_time: float, size: int, dense_size: int, code: int) -> bool:
    """Whether a kernel shall take a layer.

    Args:
        optimize: see `Target.optimize`. Size mode asks for flash alone; in the others time must be saved, and flash may
            grow in speed mode only.
        time: the kernel's estimated time.
        dense_time: that of the best kernel that ignores zeros.
        size: bytes of the weights that are stored, places included.
        dense_size: bytes of all weights, zeros too.
        code: bytes of the kernel's code, which size mode adds.
    """
    if optimize == "size":
        return size + code < dense_size
    return time <= (1 - LEAST_GAIN) * dense_time and (optimize == "speed" or size <= dense_size)
