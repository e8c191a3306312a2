"""Layers whose weights take at most 16 values, stored in four bits each; see kernels/src/packed.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from midge.runtime.graph import Array, DType, Node
from midge.runtime.operators.conv_geometry import conv_window, input_zero_point
from midge.runtime.operators.few_values import codebook_of, filled_codebook, fits_nibbles, pays
from midge.runtime.operators.row import constant
from midge.runtime.operators.variant import Variant
from midge.runtime.operators.variants.pairs import BLOCK, QUAD, UNIT, conv_lead, cut_runs
from midge.runtime.operators.weighted import channel_records, output_params
from midge.runtime.operators.window import Window
from midge.runtime.program import KernelCall, ParamValue, Target

Blocks = npt.NDArray[np.int32]

_ARCHES = ("armv7em",)
_HIGH_LIMIT = 2**12
"""The magnitudes of every fourth channel's weights add up to less: 128 times as much fits 19 bits and a sign."""
_MOST_INPUTS = 4096
"""So many inputs times 128 times 15 fit 23 bits and a sign."""
_TABLE_BYTES = 1024


def _fill(rows: Array, unit: int) -> Array:
    """Append zeros up to whole units of inputs."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % unit)))


def _words(rows: Array) -> npt.NDArray[np.int64]:
    """Bring weights or indices into the order of the words of a widened patch, zeros where channels are missing.

    Args:
        rows: shape (channels, inputs), whole quads.

    Returns:
        Shape (blocks, words, 4 channels, 2 halves): inputs 0 and 2 of a quad share its first word, 1 and 3 its second.
    """
    padded = np.pad(rows.astype(np.int64), ((0, -len(rows) % BLOCK), (0, 0)))
    quads = padded.reshape(-1, BLOCK, rows.shape[1] // QUAD, 2, 2)
    return quads.transpose(0, 2, 4, 1, 3).reshape(len(quads), -1, BLOCK, 2)


def pack_nibbles(rows: Array) -> Blocks | None:
    """Pack weights as `midge_conv_2d_nibbles_s8` takes them.

    Args:
        rows: shape (channels, inputs), whole quads.

    Returns:
        Shape (blocks, words), or None if a weight is outside [-8, 7] or sums could leave their digits.
    """
    high = np.abs(rows[BLOCK - 1 :: BLOCK].astype(np.int64)).sum(axis=1).max(initial=0)
    if not fits_nibbles(rows) or rows.shape[1] > _MOST_INPUTS or high >= _HIGH_LIMIT:
        return None
    stored = _words(rows) + np.array([[8], [8], [8], [0]])
    halves = (stored * 16 ** np.arange(BLOCK)[:, None]).sum(axis=2) & 0xFFFF
    packed: Blocks = (halves[..., 0] | halves[..., 1] << 16).astype(np.uint32).view(np.int32)
    return packed


def pack_codes(codes: Array) -> Blocks:
    """Pack indices below 16 as `midge_conv_2d_codebook_s8` takes them.

    Args:
        codes: shape (channels, inputs), whole quads.

    Returns:
        Shape (blocks, words).
    """
    halves = _words(codes)
    stored = (halves[..., 0] | halves[..., 1] << 4) << 8 * np.arange(BLOCK)
    packed: Blocks = stored.sum(axis=2).astype(np.uint32).view(np.int32)
    return packed


def _records(node: Node, rows: Array) -> Blocks | None:
    """Return the records of whole blocks, powers of two for shifts, shape (blocks, 4, 3); None if some do not fit."""
    records = channel_records(node, rows)
    if records is None or records[:, 2].min() < 2:
        return None
    filled = np.ones((len(rows) + -len(rows) % BLOCK, 3), np.int32)
    filled[: len(rows)] = np.column_stack([records[:, :2], np.int32(1) << (32 - records[:, 2])])
    return filled.reshape(-1, BLOCK, 3)


def _nibble_blocks(node: Node, rows: Array, filled: Array) -> tuple[Blocks, int] | None:
    """Return the blocks in one dimension and the words of one.

    `rows` are the weights, shape (channels, depth), `filled` the same with zeros between them and whole quads.
    """
    records, weights = _records(node, rows), pack_nibbles(filled)
    if records is None or weights is None or not pays(rows.size, weights.nbytes):
        return None
    factors = records[..., 1:].reshape(len(records), -1)
    blocks = np.concatenate([records[:, :1, 0], weights, records[:, 1:, 0], factors], axis=1)
    return blocks.ravel(), blocks.shape[1]


def _codebook_blocks(node: Node, rows: Array, filled: Array) -> tuple[Blocks, int] | None:
    """Do the same as `_nibble_blocks` with a codebook behind the blocks."""
    records, codebook = _records(node, rows), codebook_of(filled)
    if records is None or codebook is None:
        return None
    weights, values = pack_codes(np.searchsorted(codebook, filled)), filled_codebook(codebook)
    if not pays(rows.size, weights.nbytes + values.nbytes):
        return None
    blocks = np.concatenate([records[..., 0], weights, records[..., 1:].reshape(len(records), -1)], axis=1)
    return np.concatenate([blocks.ravel(), values.view("<i4").astype(np.int32)]), blocks.shape[1]


def _params(node: Node, blocks: tuple[Blocks, int]) -> dict[str, ParamValue]:
    """Return the parameters that do not speak of shapes."""
    output = output_params(node)
    limits = {name: output[name] for name in ("output_zero_point", "activation_min", "activation_max")}
    return {"blocks": blocks[0], "block_words": blocks[1], **limits}


_Pack = Callable[[Node, Array, Array], "tuple[Blocks, int] | None"]


def _lower_conv(node: Node, kind: str, pack: _Pack, table_bytes: int) -> tuple[KernelCall, ...] | None:
    weights = constant(node.input(1), "weights")
    if node.input(0).dtype != DType.INT8 or weights.shape[3] != node.input(0).shape[3]:
        return None
    return _conv_call(node, conv_window(node), weights.reshape(weights.shape[0], -1), kind, pack, table_bytes)


def _conv_call(
    node: Node, window: Window, rows: Array, kind: str, pack: _Pack, table_bytes: int
) -> tuple[KernelCall, ...] | None:
    window, runs, run_quads, filled = cut_runs(window, rows)
    blocks = pack(node, rows, _fill(filled, QUAD))
    if blocks is None:
        return None
    params: dict[str, ParamValue] = {
        "window": window.as_param(),
        "runs": runs,
        "run_quads": run_quads,
        "input_zero_point": input_zero_point(node),
        **_params(node, blocks),
    }
    scratch = (16 if window.all_interior else 24) * runs * run_quads + table_bytes
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    return (KernelCall(f"midge_conv_2d_{kind}_s8", params, inputs, outputs, scratch, conv_lead(window)),)


def _lower_fully_connected(node: Node, kind: str, pack: _Pack, table_bytes: int) -> tuple[KernelCall, ...] | None:
    rows = constant(node.input(1), "weights")
    channels, depth = rows.shape
    batches = node.input(0).elements // depth
    if node.input(0).dtype != DType.INT8:
        return None
    if batches > 1:
        # Two rows at a time are faster: a 1x1 convolution of one row of pixels is the same thing.
        window = Window(1, 1, batches, depth, 1, batches, channels, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, batches)
        return _conv_call(node, window, rows, kind, pack, table_bytes)
    blocks = pack(node, rows, _fill(rows, UNIT))
    if blocks is None:
        return None
    params: dict[str, ParamValue] = {
        "batches": batches,
        "depth": depth,
        "output_channels": channels,
        **_params(node, blocks),
    }
    scratch = 2 * UNIT * -(-depth // UNIT) + table_bytes
    inputs, outputs = (node.input_index(0),), node.operator.outputs
    # The whole row has been read before anything is written.
    return (KernelCall(f"midge_fully_connected_{kind}_s8", params, inputs, outputs, scratch, 0),)


def _conv_nibbles(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    return _lower_conv(node, "nibbles", _nibble_blocks, 0)


def _conv_codebook(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    return _lower_conv(node, "codebook", _codebook_blocks, _TABLE_BYTES)


def _fully_connected_nibbles(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    return _lower_fully_connected(node, "nibbles", _nibble_blocks, 0)


def _fully_connected_codebook(node: Node, _: Target) -> tuple[KernelCall, ...] | None:
    return _lower_fully_connected(node, "codebook", _codebook_blocks, _TABLE_BYTES)


_NIBBLE_MODES = ("default", "size", "ram")
_CODEBOOK_MODES = ("default", "size")
"""The table that a codebook is expanded to is memory."""
CONV_2D = (
    Variant("nibbles", _ARCHES, _conv_nibbles, _NIBBLE_MODES),
    Variant("codebook", _ARCHES, _conv_codebook, _CODEBOOK_MODES),
)
FULLY_CONNECTED = (
    Variant("nibbles", _ARCHES, _fully_connected_nibbles, _NIBBLE_MODES),
    Variant("codebook", _ARCHES, _fully_connected_codebook, _CODEBOOK_MODES),
)
CONV_2D_FOR_SPEED = tuple(replace(variant, modes=("speed",)) for variant in CONV_2D)
"""The same where time counts more than flash: other ways come first."""
FULLY_CONNECTED_FOR_SPEED = tuple(replace(variant, modes=("speed",)) for variant in FULLY_CONNECTED)
