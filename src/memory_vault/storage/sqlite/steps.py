"""Long work cut into steps: each one hop into a worker thread, by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Generic, TypeVar

from ...errors import NotOpen

T = TypeVar("T")


class Steps(Generic[T]):
    """Advances a generator that yields how far it is and cleans up after itself.

    A caller who leaves in the middle of a step (native cancellation on asyncio ignores shields)
    calls `close`, which waits for that step and then lets the generator clean up.

    Attributes:
        result: What the generator returned, once it has ended.
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
                self._is_closed, self.result = True, end.value
                return None
            except BaseException:
                self._is_closed = True
                raise

    def close(self) -> None:
        """End the work, wherever it is. Repeatable."""
        with self._lock:
            self._is_closed = True
            self._work.close()
