"""`midge doctor`: what is installed, and how to get what is not."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from midge.runtime.errors import MissingToolError
from midge.tools import log, options
from midge.tools.outputs import Outputs
from midge.tools.tables import make_table

_SECONDS = 20
"""For any program to say its version."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for."""

    part: str
    """What of Midge needs it: `base`, `convert`, `emulate`, ..."""
    name: str
    found: str | None
    """Its version; None where it is missing."""
    remedy: str
    """How to get it."""


@dataclass(frozen=True)
class _Package:
    part: str
    name: str


_PACKAGES = (
    _Package("base", "numpy"),
    _Package("base", "pyelftools"),
    _Package("base", "ai-edge-litert"),
    _Package("base", "cffi"),
    _Package("base", "click"),
    _Package("base", "msgspec"),
    _Package("base", "pyserial"),
    _Package("base", "rich"),
    _Package("convert", "tensorflow|tensorflow-cpu"),
    _Package("convert", "keras"),
    _Package("convert", "tf_keras"),
    _Package("emulate", "unicorn"),
    _Package("emulate", "ziglang"),
    _Package("emulate", "capstone"),
    _Package("boards", "esptool"),
    _Package("boards", "pyocd"),
)
_PROGRAMS = (
    ("build", "arm-none-eabi-gcc", "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi (zig serves as well)"),
    ("build", "riscv64-unknown-elf-gcc", "apt install gcc-riscv64-unknown-elf (zig serves as well)"),
    ("build", "cmake", "pip install cmake (only to build generated projects outside Midge)"),
    ("emulate", "qemu-system-arm", "apt install qemu-system-arm (for Cortex-M55; Unicorn serves the others)"),
    ("emulate", "qemu-system-riscv32", "apt install qemu-system-misc (Unicorn serves as well)"),
)


@click.command("doctor")
@options.json_option
def command(json_path: Path | None) -> None:
    """Check this installation and say how to get what is missing.

    Ends with 2 if something is missing that `inspect` and `run` need; all else is optional.
    """
    with Outputs() as outputs:
        outputs.add("--json", json_path)
        findings = list(_examine())
        table = make_table("For", "What", "", "~Found, or how to get it")
        for finding in findings:
            table.add_row(
                finding.part,
                finding.name,
                "ok" if finding.found is not None else "MISSING" if finding.part == "base" else "-",
                finding.found if finding.found is not None else finding.remedy,
            )
        log.result(table)
        missing = [finding for finding in findings if finding.part == "base" and finding.found is None]
        outputs.write_json(
            json_path,
            {
                "schema": 1,
                "ok": not missing,
                "findings": [
                    {"part": f.part, "name": f.name, "found": f.found, "remedy": None if f.found else f.remedy}
                    for f in findings
                ],
            },
        )
        outputs.publish()
        if missing:
            names = ", ".join(finding.name for finding in missing)
            raise MissingToolError(f"this installation is incomplete, missing {names}: {missing[0].remedy}")
        log.result("The base works: inspect, run, boards. Each other line is needed only for what its first word says.")


def _examine() -> Iterator[Finding]:
    yield Finding("base", "midge", version("midge"), "")
    yield Finding("base", "python", f"{platform.python_version()} ({sys.platform} {platform.machine()})", "")
    for package in _PACKAGES:
        yield _find_package(package)
    yield Finding("base", "kernel library", *_try(_load_kernels))
    yield Finding("emulate", "unicorn hook", *_try(_find_block_hook))
    for part, program, remedy in _PROGRAMS:
        yield Finding(part, program, _program_version(program), remedy)


def _find_package(package: _Package) -> Finding:
    for name in package.name.split("|"):
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        return Finding(package.part, name, found, "")
    extra = "" if package.part == "base" else f"[{package.part}]"
    return Finding(package.part, package.name.split("|")[0], None, f"pip install 'midge{extra}'")


def _try(check: Callable[[], str]) -> tuple[str | None, str]:
    """Return what a check found, or why it found nothing."""
    try:
        return check(), ""
    except MissingToolError as error:
        return None, str(error)
    except OSError as error:
        return None, f"it does not load ({error}): install midge again"


def _load_kernels() -> str:
    from midge.runtime import native

    library = native.library()
    kernels = [name for name in dir(library) if name.startswith("midge_")]
    return f"loads, {len(kernels)} kernels for {native.host_arch()}"


def _find_block_hook() -> str:
    from midge.runtime.emulators.trace import built_library

    return f"built, {built_library('midge_trace').name}"


def _program_version(program: str) -> str | None:
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return next(iter(done.stdout.splitlines()), "installed")
