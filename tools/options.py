"""Options that several commands share, each defined once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from midge.runtime.decisions import TUNING_NAME
from midge.runtime.errors import InputError
from midge.tools import log

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)


def _set_verbose(_: click.Context, __: click.Parameter, value: bool) -> None:
    if value:
        log.set_verbose()


def _choose_json(ctx: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
    if value == Path("-") and not ctx.resilient_parsing:
        log.results_to_json()
    return value


def model_argument(function: F) -> F:
    """`MODEL.tflite`."""
    return click.argument("model", type=_FILE, metavar="MODEL.tflite")(function)


def verbose_option(function: F) -> F:
    """`--verbose`."""
    return click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_set_verbose,
        help="Show all rows, and the traceback of an internal error.",
    )(function)  # fmt: skip


def json_option(function: F) -> F:
    """`--json F` and `--verbose`, which every command that prints numbers has."""
    option = click.option(
        "--json", "json_path", type=_FILE, metavar="F", callback=_choose_json,
        help="Write the results as JSON to this file; - prints it in place of the tables. Default: none.",
    )  # fmt: skip
    return option(verbose_option(function))


def board_option(*, required: bool) -> Callable[[F], F]:
    """`--board B`."""
    return click.option(
        "--board", required=required, envvar="MIDGE_BOARD", metavar="BOARD",
        help="A name from `midge boards`, or a board file of your own. Default: the variable MIDGE_BOARD.",
    )  # fmt: skip


def board_file(board: str | None) -> Path | None:
    """Return the file that `--board` names, if it names one."""
    return Path(board) if board is not None and Path(board).is_file() else None


@dataclass(frozen=True)
class BuildOptions:
    """How firmware is built."""

    optimize: str | None = None
    """`speed`, `size`, `ram`, or None for the default mode."""
    compiler: str | None = None
    """`gcc`, `zig`, or None for the first that is installed."""
    tune: bool | None = None
    """Whether to choose each layer's variant by counting; None leaves it to the mode."""
    tuning: Path | None = None
    """Earlier decisions to take instead."""


def build_options(function: F) -> F:
    """`--optimize`, `--compiler`, `--tune` and `--tuning`, which arrive as one `BuildOptions` called `build`."""

    @wraps(function)
    def command(
        *args: Any, optimize: str | None, compiler: str | None, tune: bool | None, tuning: Path | None, **rest: Any
    ) -> Any:
        return function(*args, build=BuildOptions(optimize, compiler, tune, tuning), **rest)

    decorators = (
        click.option(
            "--optimize", type=click.Choice(["speed", "size", "ram"]),
            help="What the build is good at: speed (weights and layers of their own may take more flash), size (of "
            "flash; built with -Os) or ram (convolutions may run band by band, some rows twice). Default: fast, "
            "without flash growth.",
        ),
        click.option(
            "--compiler", type=click.Choice(["gcc", "zig"]), help="C compiler. Default: gcc where installed, else zig."
        ),
        click.option(
            "--tune/--no-tune", default=None,
            help="Choose how each layer is computed by counting every way on the emulated core. Default: only with "
            "--optimize speed, where the core can be emulated.",
        ),
        click.option(
            "--tuning", type=_FILE, metavar="F",
            help=f"Take the decisions of this {TUNING_NAME}, which `midge compile` wrote, and count nothing. Default: "
            "none.",
        ),
    )  # fmt: skip
    wrapped: Any = command
    for decorator in reversed(decorators):
        wrapped = decorator(wrapped)
    return cast(F, wrapped)


def unit_options(function: F) -> F:
    """`--input-scale` and `--input-offset`."""
    scale = click.option(
        "--input-scale",
        type=float,
        default=1.0,
        show_default=True,
        metavar="S",
        help="The network sees value * S + O of the data; 1/255 is 0.00392156863.",
    )
    offset = click.option(
        "--input-offset", type=float, default=0.0, show_default=True, metavar="O", help="See --input-scale."
    )
    return scale(offset(function))


def input_option(*, help_text: str, required: bool = False, name: str = "--input") -> Callable[[F], F]:
    """`--input X`, once per input of the model or once for all."""
    return click.option(
        name, "inputs", type=_FILE, multiple=True, required=required, metavar="X",
        help=f"{help_text} An .npy file, given once per input of the model in order, or one .npz keyed by input name.",
    )  # fmt: skip


def on_option(choices: tuple[str, ...], default: str) -> Callable[[F], F]:
    """`--on`: where the model runs."""

    def choose(_: click.Context, __: click.Parameter, value: str) -> str:
        if value in choices:
            return value
        if is_port(value):
            raise InputError(
                f"--on {value}: this version does not talk to boards on a port; expected --on {' or '.join(choices)}"
            )
        raise InputError(
            f"--on: expected {', '.join(choices)} or a port (a path beginning with /, COMn or a URL), found {value!r}"
        )

    return click.option(
        "--on", default=default, show_default=True, metavar="|".join(choices), callback=choose,
        help="Where the model runs.",
    )  # fmt: skip


def is_port(word: str) -> bool:
    """Whether a word names a serial port: a path beginning with `/`, `COMn`, or a URL such as `socket://host:1`."""
    return word.startswith("/") or re.fullmatch(r"(?i)COM\d+|[a-z][a-z0-9+.-]*://.*", word) is not None
