"""What the emulators read of a firmware's ELF file: memory contents, symbols, and where statics end."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from midge.runtime.board import Board
from midge.runtime.errors import CapacityError, InputError


@dataclass(frozen=True)
class Symbol:
    """A named piece of code or data; a function's address is that of its first instruction."""

    name: str
    address: int
    size: int
    is_function: bool

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.size


@dataclass(frozen=True)
class Segment:
    """Bytes of the file and where they belong."""

    address: int
    """Where the running program sees them."""
    load_address: int
    """Where a programmer writes them; start-up code copies them from there where the two differ."""
    data: bytes


@dataclass(frozen=True)
class Section:
    """A range of addresses that the program occupies at run time."""

    name: str
    address: int
    size: int

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.size


class Image:
    """A linked program."""

    def __init__(
        self, path: Path, entry: int, segments: list[Segment], sections: list[Section], symbols: list[Symbol]
    ) -> None:
        self.path = path
        self.entry = entry
        """First instruction, without the Thumb bit."""
        self.segments = tuple(segments)
        self.sections = tuple(sections)
        self.symbols = {symbol.name: symbol for symbol in symbols}
        self._functions = sorted((s for s in symbols if s.is_function), key=lambda s: (s.address, s.size))
        self._starts = [function.address for function in self._functions]
        self._objects = [s for s in symbols if not s.is_function and s.size]

    def symbol(self, name: str) -> Symbol:
        """Return the symbol called `name`, or its only form with a compiler's suffix such as `.constprop.0`.

        Raises:
            InputError: the program has no such symbol.
        """
        if name in self.symbols:
            return self.symbols[name]
        for candidate, symbol in self.symbols.items():
            if candidate.startswith(name + "."):
                return symbol
        raise InputError(
            f"{self.path} has no symbol `{name}`: expected firmware made by `midge compile`, built with its symbols "
            "and without link-time inlining; build the folder anew"
        )

    def function_at(self, address: int) -> str:
        """Return the name of the function that covers `address`, or the address in hexadecimal."""
        at = bisect_right(self._starts, address) - 1
        if at >= 0:
            function = self._functions[at]
            # Assembly functions often carry no size: they last until the next function.
            if function.size == 0 or address < function.end:
                return function.name
        return f"0x{address:08x}"

    def code(self, address: int, size: int) -> bytes:
        """Return `size` bytes of the program at run-time address `address`."""
        for segment in self.segments:
            offset = address - segment.address
            if offset >= 0 and offset + size <= len(segment.data):
                return segment.data[offset : offset + size]
        raise InputError(f"{self.path} has no contents at 0x{address:08x}: built with a position-independent loader?")

    def free_below(self, stack_pointer: int, bottom: int) -> int:
        """Return the lowest address of the memory between the statics above `bottom` and `stack_pointer`."""
        pieces = [(s.address, s.end) for s in self.sections] + [(s.address, s.end) for s in self._objects]
        for begin, end in pieces:
            # What contains the stack pointer is a section or an array set aside for the stack.
            limit = begin if begin < stack_pointer <= end else end
            if limit <= stack_pointer:
                bottom = max(bottom, limit)
        return bottom


def check_fits(image: Image, board: Board) -> None:
    """Check that a program's contents lie in a board's memories.

    Raises:
        CapacityError: some do not.
    """
    for segment in image.segments:
        end = segment.load_address + len(segment.data)
        if not any(m.address <= segment.load_address and end <= m.end for m in board.memories):
            raise CapacityError(
                f"{image.path} puts {len(segment.data)} bytes at 0x{segment.load_address:08x}, outside the memories of "
                f"board {board.name}: it was built for another board"
            )


def read_image(path: Path) -> Image:
    """Read a linked ELF32 file.

    Raises:
        InputError: the file is missing or is not a linked 32-bit little-endian ELF file.
    """
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            if elf.elfclass != 32 or not elf.little_endian or elf["e_type"] != "ET_EXEC":
                raise InputError(f"{path}: expected a linked 32-bit little-endian ELF program")
            thumb = elf["e_machine"] == "EM_ARM"
            return Image(
                path,
                elf["e_entry"] & ~1 if thumb else elf["e_entry"],
                [
                    Segment(segment["p_vaddr"], segment["p_paddr"], segment.data())
                    for segment in elf.iter_segments("PT_LOAD")
                    if segment["p_filesz"]
                ],
                [
                    Section(section.name, section["sh_addr"], section["sh_size"])
                    for section in elf.iter_sections()
                    if section["sh_flags"] & 2 and section["sh_size"]  # SHF_ALLOC
                ],
                _symbols(elf, thumb),
            )
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; build the project first") from None
    except (ELFError, KeyError, ValueError) as error:
        raise InputError(f"{path} is not an ELF file that can be read: {error}") from None


def _symbols(elf: Any, thumb: bool) -> list[Symbol]:
    table = elf.get_section_by_name(".symtab")
    found = []
    for symbol in table.iter_symbols() if table is not None else ():
        kind = symbol["st_info"]["type"]
        if kind in ("STT_FUNC", "STT_OBJECT") and symbol["st_shndx"] != "SHN_UNDEF":
            is_function = kind == "STT_FUNC"
            address = symbol["st_value"] & ~1 if is_function and thumb else symbol["st_value"]
            found.append(Symbol(symbol.name, address, symbol["st_size"], is_function))
    return found
