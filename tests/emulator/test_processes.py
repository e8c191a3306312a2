"""Nothing stays behind: not after Ctrl-C, and no QEMU after its owner's death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

HANG = 103  # the input's first byte that makes model.c loop for ever

# A shell that starts the tests in the background makes them, and so this script, deaf to Ctrl-C: listen again.
SCRIPT = """
import signal
import sys
from pathlib import Path
from emulator import firmware
from midge.runtime.board import load_board
from midge.runtime.emulators import open_emulator
signal.signal(signal.SIGINT, signal.default_int_handler)
with open_emulator(Path(sys.argv[1]), firmware.manifest(), load_board("mps2-an386"), sys.argv[2]) as emulator:
    emulator.run([bytes(64)])
    print(getattr(emulator._engine, "process_id", 0), flush=True)
    try:
        emulator.run([bytes([103]) + bytes(63)])
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def is_running(process: int) -> bool:
    """Whether the process exists and is more than a dead entry in the table."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start(elf: Path, engine: str) -> tuple[subprocess.Popen[str], int]:
    """Start a run that hangs; return its process and the engine's."""
    script = [sys.executable, "-c", SCRIPT, str(elf), engine]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    running = subprocess.Popen(script, env=environment, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    line = running.stdout.readline()
    time.sleep(0.5)  # for the second run to begin; earlier is as good
    return running, int(line)


@pytest.mark.parametrize("engine", ["unicorn", "qemu"])
def test_ctrl_c_ends_a_run(build_firmware: Callable[..., Path], open_board: Callable[..., object], engine: str) -> None:
    """The interrupt arrives as KeyboardInterrupt, and the engine has ended."""
    open_board("mps2-an386", engine)  # skips where the engine is missing
    running, qemu = start(build_firmware("mps2-an386"), engine)
    running.send_signal(signal.SIGINT)
    try:
        said, _ = running.communicate(timeout=60)
    finally:
        running.kill()

    assert said == "interrupted\n"
    assert running.returncode == 0
    assert qemu == 0 or not is_running(qemu)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent's life")
def test_qemu_dies_with_its_owner(build_firmware: Callable[..., Path], open_board: Callable[..., object]) -> None:
    """Even SIGKILL, which leaves the owner no time to tidy up."""
    open_board("mps2-an386", "qemu")
    running, qemu = start(build_firmware("mps2-an386"), "qemu")
    assert qemu
    assert is_running(qemu)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while is_running(qemu) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not is_running(qemu)
