"""The processor cores that emulators know, by the name that board files give them."""

from __future__ import annotations

from dataclasses import dataclass

from midge.runtime.cpus import CPUS, Family
from midge.runtime.errors import UnsupportedError

# Where start-up code may touch a peripheral. Armv7-M and Armv8-M architecture: 0x40000000 peripherals,
# 0xE0000000 the private peripheral bus (FPU, MPU, NVIC, SysTick); 0xD0000000 is the RP2040's single-cycle I/O.
_ARM_PERIPHERALS = ((0x4000_0000, 0x6000_0000), (0xD000_0000, 0xD000_1000), (0xE000_0000, 0xE010_0000))
# QEMU's virt machine (test device, timers, interrupt controller, UART), and the ESP32-C3's and C6's peripherals.
_RISCV_PERIPHERALS = (
    (0x0010_0000, 0x0010_1000),
    (0x0200_0000, 0x0201_0000),
    (0x0C00_0000, 0x1001_0000),
    (0x6000_0000, 0x6010_0000),
)


@dataclass(frozen=True)
class Core:
    """What an engine must know of a core."""

    family: Family
    unicorn_model: str | None
    """Name of the constant in `unicorn.arm_const` or `unicorn.riscv_const`; absent: Unicorn does not model it."""
    peripherals: tuple[tuple[int, int], ...]
    """Address ranges (begin, end) that read as zero and ignore writes."""

    aligned_only: bool = False
    """Whether an access that is not aligned to its size faults; Unicorn lets it pass."""

    @property
    def qemu_program(self) -> str:
        """The QEMU program for this core."""
        return "qemu-system-arm" if self.family == "cortex_m" else "qemu-system-riscv32"


CORES = {
    # Armv6-M Architecture Reference Manual, A3.2.1: every unaligned access faults.
    "cortex-m0": Core("cortex_m", "UC_CPU_ARM_CORTEX_M0", _ARM_PERIPHERALS, aligned_only=True),
    # Same instruction set as the M0, and Unicorn counts instructions, not cycles.
    "cortex-m0plus": Core("cortex_m", "UC_CPU_ARM_CORTEX_M0", _ARM_PERIPHERALS, aligned_only=True),
    "cortex-m3": Core("cortex_m", "UC_CPU_ARM_CORTEX_M3", _ARM_PERIPHERALS),
    "cortex-m4": Core("cortex_m", "UC_CPU_ARM_CORTEX_M4", _ARM_PERIPHERALS),
    "cortex-m7": Core("cortex_m", "UC_CPU_ARM_CORTEX_M7", _ARM_PERIPHERALS),
    "cortex-m33": Core("cortex_m", "UC_CPU_ARM_CORTEX_M33", _ARM_PERIPHERALS),
    "cortex-m55": Core("cortex_m", None, _ARM_PERIPHERALS),
    "rv32imc": Core("riscv", "UC_CPU_RISCV32_ANY", _RISCV_PERIPHERALS),
    "rv32imac": Core("riscv", "UC_CPU_RISCV32_ANY", _RISCV_PERIPHERALS),
}


def find_core(board: str, cpu: str) -> Core:
    """Return the core called `cpu`, of the board called `board`.

    Raises:
        UnsupportedError: nothing emulates that core.
    """
    core = CORES.get(cpu)
    if core is not None:
        return core
    if cpu in CPUS and CPUS[cpu].family == "xtensa":
        raise UnsupportedError(
            f"board {board} has a windowed-Xtensa core ({cpu}), for which neither a compiler nor an emulator is "
            "packaged: run on the board itself with `--on PORT`, or check the model with `--on host`"
        )
    raise UnsupportedError(
        f"board {board} has the core {cpu!r}, which no emulator here models; expected one of {', '.join(CORES)}"
    )
