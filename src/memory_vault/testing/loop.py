"""Whether an event loop stands still: for how long, and what it was that blocked it."""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

import anyio

from memory_vault._host import spawn

_IDLE_TICKS = 30
_BOUNDS_MS = (0.5, 1, 2, 4, 8, 16, 32, 64)


class LoopWatch:
    """Measures how long the event loop stands still while the body runs, on asyncio and trio.

    A task of its own sleeps for a moment, over and over, and notes how late it wakes. Timers are
    late by themselves; what they are late by on this loop while nothing runs is measured first and
    taken off. While the loop stands still the task sees only one late tick, though whoever came
    in that time waited too: those waits are counted, so that a quantile is what a caller at a
    random moment meets.

    Example:
        async with LoopWatch() as watch:
            await memory.save("I take my tea without sugar.")
        print(watch.max_s, watch.quantile(0.99), watch.histogram())

    Args:
        interval_s: Seconds between two ticks.
    """

    def __init__(self, interval_s: float = 0.001) -> None:
        self._interval_s = interval_s
        self._late: list[float] = []
        self._is_stopped = False
        self._ended = anyio.Event()
        self.idle_s: float = 0.0

    @property
    def ticks(self) -> int:
        """How often the loop came round to the task that measures."""
        return len(self._late)

    @property
    def max_s(self) -> float:
        """The longest time that the loop stood still, in seconds."""
        return max(self._stalls(), default=0.0)

    def quantile(self, share: float) -> float:
        """Seconds that a caller at a random moment waits at most, in this share of the cases."""
        waits = sorted(self._waits())
        return waits[min(int(share * len(waits)), len(waits) - 1)] if waits else 0.0

    def histogram(self, bounds_ms: Sequence[float] = _BOUNDS_MS) -> dict[str, int]:
        """How many waits were at most so many milliseconds, each counted once."""
        names = [f"<= {bound:g} ms" for bound in bounds_ms] + [f"> {bounds_ms[-1]:g} ms"]
        counts = dict.fromkeys(names, 0)
        for wait in self._waits():
            counts[names[bisect_left(bounds_ms, wait * 1_000)]] += 1
        return counts

    async def __aenter__(self) -> Self:
        for _ in range(_IDLE_TICKS):
            await self._tick()
        self.idle_s = sorted(self._late)[_IDLE_TICKS // 2]
        self._late.clear()
        spawn(self._watch)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(2 * self._interval_s)  # a loop that stood still ticks, and tells
            self._is_stopped = True
            await self._ended.wait()

    async def _watch(self) -> None:
        try:
            while not self._is_stopped:
                await self._tick()
        finally:
            self._ended.set()

    async def _tick(self) -> None:
        began = time.perf_counter()
        await anyio.sleep(self._interval_s)
        self._late.append(time.perf_counter() - began - self._interval_s)

    def _stalls(self) -> list[float]:
        return [max(0.0, late - self.idle_s) for late in self._late]

    def _waits(self) -> Iterator[float]:
        """Each stall, and what those met who would have come while it went on."""
        for stall in self._stalls():
            yield stall
            later = stall - self._interval_s
            while later > 0:
                yield later
                later -= self._interval_s


_FILES = (
    *("access", "fdatasync", "fsync", "ftruncate", "link", "listdir", "lstat", "mkdir", "open"),
    *("read", "rename", "replace", "rmdir", "scandir", "stat", "statvfs", "unlink", "write"),
)
_CALLS = {"posix": _FILES, "nt": _FILES, "_io": ("open", "open_code"), "time": ("sleep",)}
_TYPES = {"apsw", "apsw.mc", "sqlite3", "_sqlite3", "tokenizers"}
_PACKAGES = ("onnxruntime.", "torch.", "sentence_transformers.")


@contextmanager
def blocking_calls() -> Iterator[list[str]]:
    """Collect the calls of this thread that may block it: of files, databases, models and sleep.

    Used around an `await`, it sees what the event loop's own thread does meanwhile, in any task,
    and nothing of what worker threads do. It sees no waiting for a lock, and no long computation
    in Python: that is what `LoopWatch` is for. It takes the place of a profiler.

    Example:
        with blocking_calls() as found:
            await memory.recall("Where do I live?")
        assert found == []
    """
    found: list[str] = []

    def look(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and (name := _blocking(called)):
            found.append(f"{name} in {frame.f_code.co_name}")
        elif event == "call" and str(frame.f_globals.get("__name__", "")).startswith(_PACKAGES):
            found.append(f"{frame.f_globals['__name__']}.{frame.f_code.co_name}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(before)


def _blocking(called: Any) -> str | None:
    """What a function written in C is called, if it may block."""
    name = str(getattr(called, "__name__", ""))
    owner = type(getattr(called, "__self__", None))
    if owner.__module__ in _TYPES:
        return f"{owner.__module__}.{owner.__name__}.{name}"
    module = str(getattr(called, "__module__", ""))
    return f"{module}.{name}" if name in _CALLS.get(module, ()) else None
