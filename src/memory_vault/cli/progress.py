"""A progress bar on stderr, shown to people only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Tells a bar how many steps were just done and, when that is only known now, of how many."""

    def __call__(self, steps: int, total: int | None = None) -> None:
        """Move the bar."""


@contextmanager
def bar(title: str, total: int | None, *, is_shown: bool = True) -> Iterator[Advance]:
    """Show how far the work is; yields what to call with the number of steps just done.

    Without a terminal on stderr nothing is shown.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    is_hidden = not (is_shown and console.is_terminal)
    with Progress(*columns, console=console, disable=is_hidden, transient=True) as progress:
        task = progress.add_task(title, total=total)

        def advance(steps: int, total: int | None = None) -> None:
            progress.update(task, advance=steps, total=total)

        yield advance


@contextmanager
def meter(title: str, *, is_shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show how far work of a length not known yet is; yields what to call with done and total.

    Without a terminal on stderr nothing is shown.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    is_hidden = not (is_shown and console.is_terminal)
    with Progress(*columns, console=console, disable=is_hidden, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
