"""Board files are strict, and the shipped ones say what data sheets and QEMU say."""

from __future__ import annotations

from pathlib import Path

import pytest

from midge.runtime.board import BOARDS_DIRECTORY, board_names, load_board
from midge.runtime.cpus import CPUS
from midge.runtime.errors import InputError

KIB = 1024
MIB = 1024 * KIB

GOOD = """\
name = "my-board"
title = "A board of mine"
cpu = "cortex-m4"
clock_hz = 100_000_000
clock_source = "its data sheet"

[mean_power_mw]
value = 20.5
source = "measured with a meter"

[[memories]]
name = "flash"
kind = "flash"
address = 0x0800_0000
size = 65_536
source = "its data sheet"

[[memories]]
name = "ram"
kind = "ram"
address = 0x2000_0000
size = 16_384
source = "its data sheet"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("name", board_names())
def test_a_shipped_board_is_named_as_its_file_and_sources_every_figure(name: str) -> None:
    """load_board refuses blank sources; a source also says where, not just that."""
    board = load_board(name)

    sources = [board.clock_source, *(memory.source for memory in board.memories)]
    if board.mean_power_mw:
        sources.append(board.mean_power_mw.source)
    assert board.name == name
    assert all(len(source) >= 10 for source in sources)


@pytest.mark.parametrize("name", board_names())
def test_a_shipped_boards_platform_exists(name: str) -> None:
    """A platform is a folder of firmware/; an emulated board always has one."""
    board = load_board(name)

    assert board.platform is not None or not board.emulated
    assert board.platform is None or (BOARDS_DIRECTORY.parent / "firmware" / board.platform / "startup.c").is_file()


def test_the_promised_boards_ship() -> None:
    """The names are a contract."""
    emulated = {
        "microbit",
        "rp2040-core",
        "mps2-an385",
        "mps2-an386",
        "mps2-an500",
        "mps2-an505",
        "mps3-an547",
        "qemu-rv32",
    }
    real = {
        "nucleo-l4r5zi", "nucleo-f446re", "nucleo-f746zg", "nucleo-h743zi", "nucleo-u575zi-q", "nrf52840-dk",
        "raspberry-pi-pico", "raspberry-pi-pico-2",
        "esp32-devkitc", "esp32-s3-devkitc", "esp32-c3-devkitm", "esp32-c6-devkitc",
    }  # fmt: skip

    assert {name for name in board_names() if load_board(name).emulated} == emulated
    assert {name for name in board_names() if not load_board(name).emulated} == real


@pytest.mark.parametrize(
    ("name", "cpu", "megahertz", "flash", "ram"),
    [  # flash and RAM: address and size of the region in use
        ("microbit", "cortex-m0", 16, (0, 256 * KIB), (0x2000_0000, 16 * KIB)),
        ("rp2040-core", "cortex-m0plus", 133, (0x1000_0000, 2 * MIB), (0x2000_0000, 264 * KIB)),
        ("mps2-an385", "cortex-m3", 25, (0, 4 * MIB), (0x2000_0000, 4 * MIB)),
        ("mps2-an386", "cortex-m4", 25, (0, 4 * MIB), (0x2000_0000, 4 * MIB)),
        ("mps2-an500", "cortex-m7", 25, (0, 4 * MIB), (0x2000_0000, 4 * MIB)),
        ("mps2-an505", "cortex-m33", 20, (0x1000_0000, 4 * MIB), (0x3800_0000, 4 * MIB)),
        ("mps3-an547", "cortex-m55", 32, (0, 512 * KIB), (0x3000_0000, 512 * KIB)),
        ("qemu-rv32", "rv32imc", 10, (0x8000_0000, 16 * MIB), (0x8100_0000, 16 * MIB)),
        ("nucleo-l4r5zi", "cortex-m4", 120, (0x0800_0000, 2 * MIB), (0x2000_0000, (192 + 64 + 384) * KIB)),
        ("nucleo-f446re", "cortex-m4", 180, (0x0800_0000, 512 * KIB), (0x2000_0000, (112 + 16) * KIB)),
        ("nucleo-f746zg", "cortex-m7", 216, (0x0800_0000, 1 * MIB), (0x2001_0000, (240 + 16) * KIB)),
        ("nucleo-h743zi", "cortex-m7", 480, (0x0800_0000, 2 * MIB), (0x2400_0000, 512 * KIB)),
        ("nucleo-u575zi-q", "cortex-m33", 160, (0x0800_0000, 2 * MIB), (0x2000_0000, (192 + 64 + 512) * KIB)),
        ("nrf52840-dk", "cortex-m4", 64, (0, 1 * MIB), (0x2000_0000, 256 * KIB)),
        ("raspberry-pi-pico", "cortex-m0plus", 133, (0x1000_0000, 2 * MIB), (0x2000_0000, 264 * KIB)),
        ("raspberry-pi-pico-2", "cortex-m33", 150, (0x1000_0000, 4 * MIB), (0x2000_0000, 520 * KIB)),
        ("esp32-devkitc", "xtensa-lx6", 240, (0x3F40_0000, 4 * MIB), (0x3FFA_E000, 200 * KIB)),
        ("esp32-s3-devkitc", "xtensa-lx7", 240, (0x3C00_0000, 8 * MIB), (0x3FC8_8000, 416 * KIB)),
        ("esp32-c3-devkitm", "rv32imc", 160, (0x4200_0000, 4 * MIB), (0x3FC8_0000, 384 * KIB)),
        ("esp32-c6-devkitc", "rv32imac", 160, (0x4200_0000, 8 * MIB), (0x4080_0000, 512 * KIB)),
    ],
)
def test_a_shipped_board_has_the_figures_of_its_data_sheet(
    name: str, cpu: str, megahertz: int, flash: tuple[int, int], ram: tuple[int, int]
) -> None:
    """The table is written from the documents that the board files name."""
    board = load_board(name)

    assert (board.cpu, board.clock_hz) == (cpu, megahertz * 1_000_000)
    assert (board.flash.address, board.flash.size) == flash
    assert (board.ram.address, board.ram.size) == ram


def test_all_ram_banks_of_an_stm32h743_are_listed() -> None:
    """Its data sheet: 1 MB of RAM in all but 4 KB of backup RAM: 64 + 128 + 512 + 288 + 64 = 1056 KiB."""
    total = sum(memory.size for memory in load_board("nucleo-h743zi").memories if memory.kind == "ram")

    assert total == 1056 * KIB


@pytest.mark.parametrize(("name", "milliwatts"), [("nucleo-l4r5zi", 41.7), ("nucleo-u575zi-q", 23.3)])
def test_measured_mean_power_is_given_where_somebody_measured_it(name: str, milliwatts: float) -> None:
    """Means measured while running MLPerf Tiny at the board's clock."""
    power = load_board(name).mean_power_mw

    assert power is not None
    assert power.value == milliwatts
    assert "MLPerf Tiny" in power.source


@pytest.mark.parametrize("name", [n for n in board_names() if n not in ("nucleo-l4r5zi", "nucleo-u575zi-q")])
def test_no_other_board_claims_a_power(name: str) -> None:
    """A figure that nobody measured is absent."""
    assert load_board(name).mean_power_mw is None


def test_a_board_file_of_the_users_own_is_read_by_path(write) -> None:
    """A string with a separator or the suffix .toml is a path."""
    path = write(GOOD)

    assert load_board(str(path)) == load_board(path)
    assert load_board(path).name == "my-board"


def test_a_bare_toml_name_is_a_path(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--board mine.toml` needs no ./ in front."""
    monkeypatch.chdir(write(GOOD).parent)

    assert load_board("mine.toml").name == "my-board"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "tittle =", r"tittle"),
        ("clock_hz = 100_000_000\n", "", r"clock_hz"),
        ("clock_hz = 100_000_000", 'clock_hz = "100 MHz"', r"clock_hz"),
        ("clock_hz = 100_000_000", "clock_hz = 0", r"clock_hz: expected hertz, above 0"),
        ("clock_hz = 100_000_000", "clock_hz = -5", r"clock_hz: expected hertz, above 0"),
        ('cpu = "cortex-m4"', 'cpu = "cortex-m99"', r"cpu: expected one of cortex-m0, .*found 'cortex-m99'"),
        ('cpu = "cortex-m4"', 'cpu = "cortex-m4"\nplatform = "riscv"', r"platform: expected 'cortex_m'.*found 'riscv'"),
        ('cpu = "cortex-m4"', 'cpu = "xtensa-lx6"\nplatform = "cortex_m"', r"platform: expected no platform"),
        ('name = "my-board"', 'name = "My Board"', r"name: expected lower-case words"),
        ('title = "A board of mine"', 'title = " "', r"title: expected some words"),
        ('clock_source = "its data sheet"', 'clock_source = ""', r"clock_source: expected some words"),
        ('source = "measured with a meter"\n', "", r"source.*mean_power_mw"),
        ('source = "measured with a meter"', 'source = ""', r"mean_power_mw.source: expected some words"),
        ("value = 20.5", "value = 0", r"mean_power_mw.value: expected milliwatts above 0"),
        ("value = 20.5", "value = nan", r"mean_power_mw.value: expected milliwatts above 0"),
        ('kind = "ram"', 'kind = "rom"', r"rom"),
        ('kind = "ram"', 'kind = "flash"', r"at least one of kind 'ram'"),
        ('kind = "flash"', 'kind = "ram"', r"at least one of kind 'flash'"),
        ("size = 16_384", "size = 0", r"memories.ram.size: expected bytes above 0, found 0"),
        ("size = 16_384", "size = -16", r"memories.ram.size: expected bytes above 0, found -16"),
        ("size = 16_384", "size = 1001", r"memories.ram: expected .* divisible by 16"),
        ("size = 16_384", "size = 16_384.5", r"size|float"),
        ("address = 0x2000_0000", "address = 0x2000_0004", r"memories.ram: expected .* divisible by 16"),
        ("address = 0x2000_0000", "address = 0x1_2000_0000", r"memories.ram: expected it within 32 bits"),
        ("address = 0x2000_0000", "address = -16", r"memories.ram: expected it within 32 bits"),
        ("address = 0x2000_0000", "address = 0x0800_FFF0", r"memories.ram: expected no overlap.*0x800fff0.*0x8010000"),
        ('name = "ram"', 'name = "flash"', r"memories.flash: expected every memory's name once"),
        ('name = "ram"', 'name = "my ram"', r"memories.my ram: expected a name of lower-case"),
        ('[[memories]]\nname = "ram"', '[[memories]]\nbank = 2\nname = "ram"', r"bank.*memories\[1\]"),
        ("[mean_power_mw]", "[mean_power_mw", r"line|Expected|end"),
    ],
)  # fmt: skip
def test_a_wrong_board_file_is_refused_by_file_and_key(write, old: str, new: str, message: str) -> None:
    """Unknown keys, missing keys and impossible values are InputErrors that name the file and the key."""
    assert GOOD.count(old) >= 1
    path = write(GOOD.replace(old, new, 1))

    with pytest.raises(InputError, match=message) as caught:
        load_board(path)
    assert str(path) in str(caught.value)


TWO_RAMS = """
[[memories]]
name = "tcm"
kind = "ram"
address = 0x3000_0000
size = 0x1000
source = "data sheet"
"""


def test_the_arena_lies_in_the_first_preferred_memory_that_it_fits(write) -> None:
    path = write('arena = ["tcm", "ram"]\n' + GOOD + TWO_RAMS)
    board = load_board(path)

    assert board.ram.name == "ram"
    assert board.arena_memory(0x1000).name == "tcm"
    assert board.arena_memory(0x1001).name == "ram"
    assert board.arena_memory(1 << 30).name == "ram"  # which then is too small


def test_without_a_preference_the_arena_lies_in_the_first_ram(write) -> None:
    assert load_board(write(GOOD + TWO_RAMS)).arena_memory(16).name == "ram"


@pytest.mark.parametrize(
    ("names", "message"),
    [('"flash"', r"arena: expected names of RAM \(ram\), found 'flash'"), ('"ram", "ram"', "every name once")],
)
def test_an_arena_in_no_ram_is_refused(write, names: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_board(write(f"arena = [{names}]\n" + GOOD))


def test_memories_may_touch(write) -> None:
    """The end of a region is the first address after it."""
    assert load_board(write(GOOD.replace("0x2000_0000", "0x0801_0000"))).ram.address == 0x0801_0000


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00" * 64])
def test_bytes_that_are_no_toml_are_refused(tmp_path: Path, content: bytes) -> None:
    """Any bytes are an InputError, never a traceback."""
    path = tmp_path / "board.toml"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"board\.toml"):
        load_board(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """What cannot be read says so with its path."""
    with pytest.raises(InputError, match=r"none\.toml: cannot read"):
        load_board(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot read"):
        load_board(tmp_path)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nucleo-l4r5", "nucleo-l4r5zi"),
        ("Nucleo_F446RE", "nucleo-f446re"),
        ("mps2-an387", "mps2-an38"),
        ("", "the boards are"),
    ],
)
def test_an_unknown_name_is_refused_with_close_ones(name: str, hint: str) -> None:
    """A slip of the finger gets the name that was meant."""
    with pytest.raises(InputError, match=hint):
        load_board(name)


def test_every_core_has_a_title() -> None:
    """Messages name the core by it."""
    assert all(cpu.title for cpu in CPUS.values())
