"""How results are shown: JSON for machines, tables and lines for people."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..models import Memory, RecallResult, Stats
from .streams import as_json as json_text
from .streams import visible

if TYPE_CHECKING:
    from rich.table import Table

_PIPE_WIDTH = 1000
"""Columns of a table that goes to a file or another program: nothing is folded there."""
_FOLDED_WIDTH = 16
"""A column is folded no narrower."""
_IDS = frozenset({"id", "session", "job", "key", "user"})
"""Columns whose cells are copied."""


def as_data(value: Any) -> Any:
    """Turn a result into what JSON knows: values by attribute name, times in ISO form."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {one.name: as_data(getattr(value, one.name)) for one in fields(value)}
        return found | _extra(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): as_data(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_data(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _extra(value: Any) -> dict[str, Any]:
    """What a result knows beyond its fields."""
    if isinstance(value, RecallResult):
        return {"budget_used": value.budget_used}
    return {"total": value.total} if isinstance(value, Stats) else {}


def as_json(value: Any) -> None:
    """Print a result as one JSON document."""
    typer.echo(json_text(as_data(value), sys.stdout, 2))


def lines(*texts: str) -> None:
    """Print lines of text; what a terminal would obey or hide in them is shown as escapes."""
    for one in texts:
        typer.echo(visible(one))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under their columns, or say that there are none.

    An id is never folded, so that it can be copied: where a terminal is too narrow for that, each
    row is one long line.
    """
    found = [
        [visible("" if one is None else str(one), in_line=True) for one in row] for row in rows
    ]
    if not found:
        return lines(empty)
    from rich.console import Console

    shown, console = _table(columns, found), Console()
    wide = console.options.update(width=_PIPE_WIDTH)
    if console.is_terminal and console.measure(shown, options=wide).minimum <= console.width:
        console.print(shown)
    else:
        _print_long(shown)
    return None


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for name, cells in zip(columns, zip(*rows, strict=True), strict=True):
        longest = max(map(cell_len, (name, *cells)))
        least = longest if name in _IDS else min(longest, _FOLDED_WIDTH)
        shown.add_column(name, overflow="fold", min_width=least)
    for row in rows:
        shown.add_row(*map(Text, row))
    return shown


def _print_long(shown: Table) -> None:
    """Print a table without folding, and without spaces at the ends of its lines."""
    from rich.console import Console

    wide = Console(file=io.StringIO(), width=_PIPE_WIDTH, force_terminal=False)
    with wide.capture() as capture:
        wide.print(shown, crop=False)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip())


def more(next_cursor: str | None) -> None:
    """Say how to read on, if there is more."""
    if next_cursor is not None:
        lines(f"there is more: add --cursor {next_cursor}")


def when(moment: datetime | None) -> str:
    """A time as a person in this time zone reads it; "" for None."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")


def memories(found: Iterable[Memory], *, empty: str = "no memories") -> None:
    """Print memories, one a row."""
    rows = [
        (one.id, when(one.occurred_at or one.recorded_at), one.memory_type, one.session_id,
         one.role, cut(one.content))
        for one in found
    ]  # fmt: skip
    table(("id", "when", "type", "session", "role", "content"), rows, empty=empty)


def cut(text: str, most: int = 100) -> str:
    """First characters of a text on one line."""
    line = " ".join(text[: most * 2].split())
    return line if len(line) <= most else line[: most - 1] + "…"


def plural(count: int, name: str, several: str = "") -> str:
    """A count with its noun: "1 memory", "2 memories"."""
    return f"{count} {name if count == 1 else several or name + 's'}"
