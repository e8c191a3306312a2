"""Exit codes, and what is said where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest

from midge.runtime.errors import DeviceError, UnsupportedError
from midge.tools import cli

Midge = Callable[..., Any]
SECONDS = 60
"""For anything that must end by itself."""


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "midge", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_version_is_the_packages(midge: Midge) -> None:
    outcome = midge("--version")

    assert (outcome.code, outcome.out, outcome.err) == (0, f"midge {version('midge')}\n", "")


def test_every_listed_command_exists_and_explains_each_option(midge: Midge) -> None:
    """A registry entry has a file, and no option goes without a line of help."""
    for name in cli.COMMANDS:
        command = cli.cli.get_command(click.Context(cli.cli), name)

        assert command is not None and command.help, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{name} {option.opts}"
        assert midge(name, "--help").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["inspect"],
        ["inspect", "a.tflite", "--bogus"],
        ["validate", "a.tflite"],
        ["profile", "a.tflite", "--board", "mps2-an386", "--optimize", "luck"],
        ["run", "a.tflite"],
        ["validate", "a.tflite", "--board", "mps2-an386", "--samples", "0"],
    ],
)
def test_wrong_usage_ends_with_2_and_says_where_help_is(midge: Midge, arguments: list[str]) -> None:
    outcome = midge(*arguments)

    assert outcome.code == 2
    assert outcome.out == ""
    assert "--help" in outcome.err
    assert 1 <= len(outcome.err.splitlines()) <= 10


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnsupportedError("no"), 1),
        (DeviceError("gone"), 3),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("oops"), 70),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    midge: Midge, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("midge.tools.commands.boards.load_board", fail)
    outcome = midge("boards", "microbit")

    assert outcome.code == code
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert 1 <= len(outcome.err.strip().splitlines()) <= 10


def test_our_bug_says_so_and_shows_the_traceback_only_on_request(midge: Midge, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("midge.tools.commands.boards.load_board", fail)

    outcome = midge("boards", "microbit")
    assert "ZeroDivisionError: oops" in outcome.err and "bug in Midge" in outcome.err

    outcome = midge("boards", "microbit", "--verbose")
    assert "Traceback" in outcome.err


def test_long_messages_are_cut_to_ten_lines(midge: Midge, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UnsupportedError("\n".join(f"line {number}" for number in range(50)))

    monkeypatch.setattr("midge.tools.commands.boards.load_board", fail)
    outcome = midge("boards", "microbit")

    assert len(outcome.err.splitlines()) == 10
    assert "41 more lines" in outcome.err


def test_a_reader_that_goes_away_changes_neither_verdict_nor_talk(unsupported: Path) -> None:
    """`midge inspect ... | head -1` still ends with the command's own exit code, and quietly."""
    with start("inspect", unsupported) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()

    assert process.returncode == 1
    assert "BrokenPipe" not in err and "LOG_SOFTMAX" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_run_with_130_and_leave_nothing(
    digits: Path, tmp_path: Path, number: signal.Signals, contents: Callable[[], set[str]]
) -> None:
    before = contents()
    scratch = tmp_path / "scratch"
    process = start(
        "validate", digits, "--board", "mps2-an386", "--samples", 1_000_000, "--json", tmp_path / "v.json",
        env=os.environ | {"TMPDIR": str(scratch)}, start_new_session=True,
    )  # fmt: skip
    scratch.mkdir()
    assert process.stderr is not None
    try:
        while process.poll() is None and not any(scratch.iterdir()):
            pass
        process.send_signal(number)
        _, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()

    assert process.returncode == 130
    assert "Traceback" not in err
    assert contents() == before | {"scratch"}


def test_nothing_but_the_converters_child_imports_tensorflow(digits: Path) -> None:
    script = (
        "import sys; from midge.tools import cli; "
        f"code = cli.run(['inspect', {str(digits)!r}]); "
        "heavy = {'tensorflow', 'keras', 'ai_edge_litert', 'unicorn'} & set(sys.modules); "
        "sys.exit(code or (9 if heavy else 0))"
    )

    assert subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_saying_the_version_loads_no_numpy() -> None:
    script = "import sys; from midge.tools import cli; cli.run(['--version']); sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, check=False).returncode == 0
