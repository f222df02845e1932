"""How long work goes on: step by step in worker threads, cleaned up in any case."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from anyio import to_thread

from .._host import finish
from ..storage.sqlite.steps import Steps

if TYPE_CHECKING:
    from ..storage.sqlite.store import SqliteStore

T = TypeVar("T")
Progress = Callable[[int, int], None]


async def work_off(
    store: SqliteStore, work: Generator[int, None, T], told: Callable[[int], None] | None = None
) -> T:
    """Do all steps of a generator; whoever is cancelled leaves it cleaned up."""
    steps = Steps(work)
    try:
        while (done := await store.step(steps)) is not None:
            if told is not None:
                told(done)
        return steps.result
    finally:
        await finish(partial(to_thread.run_sync, steps.close))


class Meter:
    """Adds up steps for a caller who wants to see how far the work is."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._done, self._progress = total, 0, progress

    def __call__(self, done: int) -> None:
        """Add what a step has done."""
        self._done += done
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)
