"""What a linked firmware puts where: read from the ELF, whose sections the linker script cuts as sizes are reported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from midge.runtime.board import Memory

_SHF_ALLOC = 2
_ERASED = b"\xff"


@dataclass(frozen=True)
class FlashSizes:
    """Bytes of flash."""

    code: int
    """The kernels and the model's functions."""
    weights: int
    """Every constant of the model: weights, biases, multipliers, tables, parameter structs."""
    other: int
    """Start-up, main, compiler runtime, initial values of variables, gaps between sections."""

    @property
    def total(self) -> int:
        """All of it: the length of the flash image."""
        return self.code + self.weights + self.other


@dataclass(frozen=True)
class RamSizes:
    """Bytes of RAM."""

    arena: int
    """The model's arena, scratch included."""
    data: int
    """All other variables, and gaps between sections."""
    stack: int
    """What is reserved for the stack."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.arena + self.data + self.stack


@dataclass(frozen=True)
class Section:
    """One section that takes part in the program."""

    name: str
    address: int
    load_address: int
    """Where its bytes lie in flash; for a section without bytes, `address`."""
    size: int
    content: bytes
    """Empty where the section has no bytes in the file."""


@dataclass(frozen=True)
class Symbol:
    """A function or variable."""

    name: str
    address: int
    size: int
    section: str


@dataclass(frozen=True)
class Layout:
    """The sections and symbols of a linked firmware."""

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    def image(self, flash: Memory) -> bytes:
        """Return what to write from the start of `flash` on, gaps as erased flash."""
        image = bytearray()
        for section in sorted(self.sections, key=lambda section: section.load_address):
            if section.content and flash.address <= section.load_address < flash.end:
                gap = section.load_address - flash.address - len(image)
                image += _ERASED * gap + section.content
        return bytes(image)

    def flash_sizes(self, flash: Memory) -> FlashSizes:
        """Return the sizes whose sum is the length of the flash image."""
        code, weights = self._size(".code"), self._size(".weights")
        return FlashSizes(code, weights, len(self.image(flash)) - code - weights)

    def ram_sizes(self, ram: Memory) -> RamSizes:
        """Return the sizes of what is variable; without an arena elsewhere their sum reaches from the start of `ram` to
        the end of its last section."""
        end = max(
            (s.address + s.size for s in self.sections if ram.address <= s.address < ram.end), default=ram.address
        )
        arena = sum(symbol.size for symbol in self.symbols if symbol.section == ".arena")
        stack = self._size(".stack")
        inside = arena if self.arena_lies_in(ram) else 0
        return RamSizes(arena, end - ram.address - inside - stack, stack)

    def arena_lies_in(self, memory: Memory) -> bool:
        """Whether the arena is in a memory."""
        return any(s.name == ".arena" and memory.address <= s.address < memory.end for s in self.sections)

    def listing(self) -> str:
        """Return a memory map in words, for linkers that write none."""
        lines = ["Memory map, written by midge from the ELF's sections and symbols", ""]
        for section in sorted(self.sections, key=lambda section: section.address):
            lines.append(f"{section.address:#010x} {section.size:#10x} {section.name}")
            inside = [symbol for symbol in self.symbols if symbol.section == section.name]
            lines += [f"{symbol.address:#010x} {symbol.size:#10x}     {symbol.name}" for symbol in inside]
        return "\n".join(lines) + "\n"

    def _size(self, name: str) -> int:
        return sum(section.size for section in self.sections if section.name == name)


def read_layout(elf: Path) -> Layout:
    """Return the sections and symbols of a linked ELF file."""
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        names = {index: section.name for index, section in enumerate(file.iter_sections())}
        sections = tuple(
            Section(
                name=section.name,
                address=section["sh_addr"],
                load_address=_load_address(file, section["sh_addr"]),
                size=section["sh_size"],
                content=b"" if section["sh_type"] == "SHT_NOBITS" else section.data(),
            )
            for section in file.iter_sections()
            if section["sh_flags"] & _SHF_ALLOC and section["sh_size"]
        )
        symbols = tuple(
            Symbol(symbol.name, symbol["st_value"], symbol["st_size"], names.get(symbol["st_shndx"], ""))
            for table in file.iter_sections()
            if isinstance(table, SymbolTableSection)
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT")
        )
    return Layout(sections, tuple(sorted(symbols, key=lambda symbol: (symbol.address, symbol.name))))


def _load_address(file: ELFFile, address: int) -> int:
    """Follow the segment that holds `address` to where its bytes lie before start-up."""
    for segment in file.iter_segments("PT_LOAD"):
        start: int = segment["p_vaddr"]
        if start <= address < start + segment["p_memsz"]:
            physical: int = segment["p_paddr"]
            return physical + address - start
    return address
