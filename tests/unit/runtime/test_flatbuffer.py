"""Reading flatbuffers of which every byte may be wrong."""

import struct

import pytest

from midge.runtime.errors import ModelError
from midge.runtime.tflite.flatbuffer import FlatBuffer


def table_bytes(fields: list[int | None]) -> bytes:
    """A root reference, a vtable and a table of int32 fields, laid out by hand."""
    present = [value for value in fields if value is not None]
    offsets, at = [], 4
    for value in fields:
        offsets.append(0 if value is None else at)
        at += 0 if value is None else 4
    vtable = struct.pack(f"<HH{len(fields)}H", 4 + 2 * len(fields), 4 + 4 * len(present), *offsets)
    vtable += b"\0" * (-len(vtable) % 4)
    table = struct.pack(f"<i{len(present)}i", len(vtable), *present)
    return struct.pack("<I", 4 + len(vtable)) + vtable + table


def test_fields_are_read_and_absent_ones_take_their_default() -> None:
    root = FlatBuffer(table_bytes([7, None, -3])).root()

    assert [root.scalar(i, "int32", 99) for i in range(4)] == [7, 99, -3, 99]


def test_a_field_beyond_its_table_is_refused() -> None:
    data = bytearray(table_bytes([7]))
    data[8:10] = struct.pack("<H", 200)  # the only field's offset

    with pytest.raises(ModelError, match="outside the table"):
        FlatBuffer(bytes(data)).root().scalar(0, "int32", 0)


@pytest.mark.parametrize("cut", range(len(table_bytes([7, 8]))))
def test_every_truncation_is_refused_or_read_without_leaving_the_bytes(cut: int) -> None:
    data = table_bytes([7, 8])[:cut]

    with pytest.raises(ModelError):
        root = FlatBuffer(data).root()
        root.scalar(0, "int32", 0)
        root.scalar(1, "int32", 0)


def test_a_vector_longer_than_the_file_is_refused() -> None:
    # Field 0 is a reference to its own following bytes, which claim a length of 2^31.
    data = table_bytes([4]) + struct.pack("<I", 1 << 31)

    with pytest.raises(ModelError, match="more than the file holds"):
        FlatBuffer(data).root().array(0, "int32")


def test_a_small_file_cannot_ask_for_unbounded_work() -> None:
    buffer = FlatBuffer(table_bytes([1]))

    with pytest.raises(ModelError, match="far more often"):
        for _ in range(100_000):
            buffer.root()
