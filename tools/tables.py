"""Tables and numbers as all commands print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midge.tools.log import printable

if TYPE_CHECKING:
    from rich.table import Table

_LONGEST_NAME = 36


def make_table(*columns: str) -> Table:
    """Return an empty table.

    A column whose heading begins with `>` is right-aligned; one whose heading begins with `~` may wrap.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(
            column.lstrip(">~"),
            justify="right" if column.startswith(">") else "left",
            no_wrap=not column.startswith("~"),
            overflow="fold",
        )
    return table


def quantity(value: float, unit: str) -> str:
    """Write a number with a decimal prefix and four digits: 4000000 Hz is `4 MHz`."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.4g} {prefix}{unit}"
    return f"{value:.4g} {unit}"


def count(value: int | None) -> str:
    """Write a whole number with thousands separated; `-` for None."""
    return "-" if value is None else f"{value:,}"


def duration(microseconds: float) -> str:
    """Write a time in the unit that reads best."""
    for factor, unit in ((1e6, "s"), (1e3, "ms")):
        if microseconds >= factor:
            return f"{microseconds / factor:.4g} {unit}"
    return f"{microseconds:.4g} us"


def short_name(name: str, longest: int = _LONGEST_NAME) -> str:
    """Shorten a tensor's name: converters join the names of fused layers with `;`, and the first says enough."""
    name = printable(name.split(";")[0] or name)
    if len(name) <= longest:
        return name
    keep = longest - 1
    if longest < 24:
        return f"…{name[-keep:]}"
    return f"{name[: keep // 3]}…{name[len(name) - (keep - keep // 3) :]}"


def shape_text(shape: tuple[int, ...]) -> str:
    """Write a shape: `1x32x32x3`."""
    return "x".join(str(extent) for extent in shape) or "scalar"
