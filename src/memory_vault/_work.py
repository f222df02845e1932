"""Long work in short steps: each one hop into a worker thread, cleaned up however it ends."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing
from functools import partial
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

from ._host import finish
from .errors import NotOpen

T = TypeVar("T")
Progress = Callable[[int, int], None]


class Meter:
    """Adds up steps for a caller who wants to see how far the work is.

    Attributes:
        total: What the steps add up to; may be set by the work itself, before its first step ends.
    """

    def __init__(self, progress: Progress | None, total: int = 0) -> None:
        self.total: int = total
        self._done, self._progress = 0, progress

    def add(self, done: int) -> None:
        """Add what a step has done."""
        self._done += done
        if self._progress is not None:
            self._progress(min(self._done, self.total), self.total)


async def work_off(
    limiter: CapacityLimiter, work: Generator[int, None, T], meter: Meter | None = None
) -> T:
    """Do all steps of a generator, which yields what each has done and cleans up after itself.

    Cancelled, the step under way is waited for, then the generator is closed.
    """
    steps = _Steps(work)
    try:
        while (done := await to_thread.run_sync(steps.advance, limiter=limiter)) is not None:
            if meter is not None:
                meter.add(done)
        return steps.result
    finally:
        await finish(partial(to_thread.run_sync, steps.close))


async def each(limiter: CapacityLimiter, work: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """What a generator yields, each found in a worker thread; closed where it is left.

    Leave it by `contextlib.aclosing`: on trio nothing else closes it in time.
    """
    found: deque[T] = deque()
    steps = _Steps(_into(found, work))
    try:
        while await to_thread.run_sync(steps.advance, limiter=limiter) is not None:
            yield found.popleft()
    finally:
        await finish(partial(to_thread.run_sync, steps.close))


def _into(found: deque[T], work: Generator[T, None, None]) -> Generator[int, None, None]:
    with closing(work):
        for one in work:
            found.append(one)
            yield 1


class _Steps(Generic[T]):
    """A generator advanced by one thread at a time.

    A caller who leaves in the middle of a step (native cancellation on asyncio ignores shields)
    closes it, and that waits for the step.
    """

    result: T

    def __init__(self, work: Generator[int, None, T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._is_closed = False

    def advance(self) -> int | None:
        """Do the next step; what it yields, None after the last."""
        with self._lock:
            if self._is_closed:
                raise NotOpen("this work was ended")
            try:
                return next(self._work)
            except StopIteration as end:
                self.result = end.value
                return None

    def close(self) -> None:
        """End the work, wherever it is. Repeatable."""
        with self._lock:
            self._is_closed = True
            self._work.close()
