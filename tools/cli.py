"""The entry point: finds the command, runs it, and turns every error into its exit code.

Exit codes: 0 done; 1 the answer is no; 2 the user can fix it; 3 a device or a link failed; 130 interrupted; 70 our
bug. A command imports what it needs when it is called, so that `midge --version` does not wait for NumPy.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from midge.runtime.errors import Error
from midge.tools import log

COMMANDS = {
    "convert": "Turn a Keras model into a .tflite file.",
    "inspect": "Show a model's operators, its memory plan, and whether it fits a board.",
    "compile": "Turn a model into a C project for a board.",
    "run": "Run a model on arrays and show or save its outputs.",
    "validate": "Prove that a board computes the same bits as this host.",
    "profile": "Count what one inference costs on a board.",
    "bench": "Measure models on emulated boards and compare with a record.",
    "boards": "List the boards, or show one with the sources of its figures.",
    "doctor": "Check this installation and say how to get what is missing.",
}
"""Command names and what `midge --help` says of them; each is `command` in `midge.tools.commands.<name>`."""

INTERRUPTED = 130
OUR_BUG = 70
_LONGEST_MESSAGE = 10
"""Lines on stderr for any failure."""


class _Commands(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"midge.tools.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        log.result(f"midge {version('midge')}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Take a trained Keras model to a microcontroller, and prove what it does there.

    Results go to standard output, all talk to standard error. `midge COMMAND --help` explains a command.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; what went wrong is said on standard error."""
    log.start()
    try:
        outcome = cli.main(args=list(arguments), prog_name="midge", standalone_mode=False)
        code = outcome if isinstance(outcome, int) else 0
        log.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        log.talk(error.format_message())
        code = 2
    except click.ClickException as error:
        code = _usage_error(error)
    except Error as error:
        log.error(_shorten(str(error)))
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        log.talk("midge: interrupted")
        code = INTERRUPTED
    except Exception as error:
        _report_bug(error)
        code = OUR_BUG
    return code


def main() -> NoReturn:
    """Run the command line of this process."""
    # Also SIGINT: a shell's background jobs inherit it ignored, and Python then installs no handler.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    """End orderly: temporary files go, children end."""
    raise KeyboardInterrupt


def _usage_error(error: click.ClickException) -> int:
    message = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        message += f"\nTry `{context.command_path} --help`."
    log.error(_shorten(message))
    return 2


def _shorten(message: str) -> str:
    lines = message.strip().splitlines() or ["no message"]
    if len(lines) > _LONGEST_MESSAGE:
        lines = [*lines[: _LONGEST_MESSAGE - 1], f"... and {len(lines) - _LONGEST_MESSAGE + 1} more lines"]
    return "\n".join(lines)


def _report_bug(error: Exception) -> None:
    if log.is_verbose() or os.environ.get("MIDGE_DEBUG"):
        traceback.print_exc()
    first = next(iter(str(error).splitlines()), "")
    if len(first) > 300:
        first = first[:300] + "..."
    log.error(
        f"{type(error).__name__}: {first}\n"
        f"at {_place(error)}. This is a bug in Midge, not a mistake of yours.\n"
        "Please report it with this command line, `midge doctor`'s output and, if you may share it, the model;"
        " --verbose shows the traceback."
    )


def _place(error: Exception) -> str:
    """Return the innermost line of Midge's own code that the error passed."""
    place = "an unknown place"
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if not {"site-packages", "lib"} & set(path.parts[:-1]) or "midge" in path.parts:
            place = f"{'/'.join(path.parts[-3:])}:{frame.lineno}"
    return place
