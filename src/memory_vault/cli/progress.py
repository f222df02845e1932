"""A progress bar on stderr, shown to people only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


class Advance(Protocol):
    """Tells a bar how many steps were just done and, when that is only known now, of how many."""

    def __call__(self, steps: int, total: int | None = None) -> None:
        """Move the bar."""


@contextmanager
def bar(title: str, total: int | None, *, is_shown: bool = True) -> Iterator[Advance]:
    """Show how far the work is; yields what to call with the number of steps just done."""
    from rich.progress import MofNCompleteColumn

    with _progress(title, MofNCompleteColumn(), is_shown=is_shown) as progress:
        task = progress.add_task(title, total=total)

        def advance(steps: int, total: int | None = None) -> None:
            progress.update(task, advance=steps, total=total)

        yield advance


@contextmanager
def meter(title: str, *, is_shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show how far work of a length not known yet is; yields what to call with done and total."""
    from rich.progress import TaskProgressColumn

    with _progress(title, TaskProgressColumn(), is_shown=is_shown) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _progress(title: str, column: ProgressColumn, *, is_shown: bool) -> Progress:
    """A bar on stderr that is shown on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    is_hidden = not (is_shown and console.is_terminal)
    columns = (TextColumn(title), BarColumn(), column, TimeElapsedColumn())
    return Progress(*columns, console=console, disable=is_hidden, transient=True)
