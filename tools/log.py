"""Everything that the commands say: results to standard output, talk and progress to standard error.

Nothing else in `midge.tools` prints. Colours are for terminals only; a reader who closes standard output early (as
`head` does) ends the printing, not the command.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

_PLAIN_WIDTH = 100
"""Columns where the output is no terminal and `COLUMNS` does not say."""


class _State:
    """What the options of the running command have set."""

    verbose = False
    results = True
    result_closed = False


_state = _State()


def start() -> None:
    """Forget what an earlier command in this process has set."""
    _state.verbose = False
    _state.results = True
    _state.result_closed = False


def set_verbose() -> None:
    """Say more from now on."""
    _state.verbose = True


def is_verbose() -> bool:
    """Whether `--verbose` was given."""
    return _state.verbose


def results_to_json() -> None:
    """Leave standard output to the JSON: tables are no longer printed."""
    _state.results = False


def result(*items: Any) -> None:
    """Print results: text, or anything that rich can render (a table, say), on standard output."""
    if not _state.results:
        return
    if all(isinstance(item, str) for item in items):
        write_result(" ".join(items) + "\n")
        return
    console = _console(sys.stdout)
    with console.capture() as captured:
        console.print(*items)
    # rich fills lines with blanks to the table's width.
    write_result("\n".join(line.rstrip() for line in captured.get().split("\n")))


def result_wrapped(text: str, hanging: int = 0) -> None:
    """Print a paragraph, wrapped at the width of the output, all lines but the first set in by `hanging` columns."""
    result(textwrap.fill(text, width(), subsequent_indent=" " * hanging, break_on_hyphens=False))


def write_result(text: str) -> None:
    """Write text to standard output as it is."""
    if _state.result_closed:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_results()


def flush() -> None:
    """Bring out what is still on its way to standard output."""
    write_result("")


def talk(message: str) -> None:
    """Say something that is not a result, on standard error."""
    try:
        click.echo(printable(message), err=True)
    except BrokenPipeError:
        _discard(sys.stderr)


def detail(message: str) -> None:
    """Say something that only `--verbose` asks for."""
    if _state.verbose:
        talk(message)


def error(message: str) -> None:
    """Say why the command ends."""
    head = click.style("error:", fg="red", bold=True) if _colours(sys.stderr) else "error:"
    try:
        click.echo(f"midge: {head} {printable(message)}", err=True, color=_colours(sys.stderr))
    except BrokenPipeError:
        _discard(sys.stderr)


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Progress]:
    """Show a bar (or, without `total`, a spinner) on a terminal while the block runs; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield Progress(None, None)
        return
    from rich import progress as rich_progress

    columns: list[rich_progress.ProgressColumn] = [
        rich_progress.SpinnerColumn(),
        rich_progress.TextColumn("{task.description}", markup=False),
    ]
    if total is not None:
        columns += [
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TimeRemainingColumn(),
        ]
    with rich_progress.Progress(*columns, console=_console(sys.stderr), transient=True) as bar:
        yield Progress(bar, bar.add_task(label, total=total))


class Progress:
    """A running progress bar, or nothing where there is no terminal."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar = bar
        self._task = task

    def advance(self, count: int = 1) -> None:
        """Move the bar on."""
        if self._bar is not None:
            self._bar.advance(self._task, count)

    def note(self, line: str) -> None:
        """Leave a line above the bar; where there is no terminal, only `--verbose` shows it."""
        if self._bar is None:
            detail(line)
        else:
            self._bar.console.print(printable(line))

    def describe(self, label: str) -> None:
        """Say what is being done now."""
        if self._bar is not None:
            self._bar.update(self._task, description=printable(label))


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep quiet what libraries written in C++ print on standard error while the block runs."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def printable(text: str) -> str:
    """Replace what could confuse a terminal: names in a model file may hold any character."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def can_draw(characters: str) -> bool:
    """Whether standard output's encoding has these characters."""
    try:
        characters.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def width() -> int:
    """Return the columns of standard output."""
    return int(_console(sys.stdout).width)


def _colours(stream: IO[str]) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")


def _console(stream: IO[str]) -> Any:
    from rich.console import Console

    fixed = None if stream.isatty() or os.environ.get("COLUMNS") else _PLAIN_WIDTH
    return Console(
        file=stream, width=fixed, markup=False, highlight=False, emoji=False, force_terminal=stream.isatty(),
        no_color=not _colours(stream),
    )  # fmt: skip


def _close_results() -> None:
    _state.result_closed = True
    _discard(sys.stdout)


def _discard(stream: IO[str]) -> None:
    """Send what is still buffered nowhere, so that the interpreter does not complain when it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return
