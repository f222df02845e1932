"""How long an event loop stands still beside a call: for the suites of what works in threads."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import anyio

_ENOUGH_S = 0.4
"""A call this long is told apart from what threads and a busy machine do to a loop anyway."""


async def longest_pause(call: Callable[[int], Awaitable[object]]) -> float:
    """The longest pause of another task, as a share of the call beside it; the least of four tries.

    Args:
        call: Does what is tested with so many texts; it is given more until it takes long enough.
    """
    pause_s, whole_s, count = 0.0, 0.0, 8
    while whole_s < _ENOUGH_S:
        count *= 2
        pause_s, whole_s = await _measure(call, count)
    shares = [pause_s / whole_s]
    while min(shares) > 0.5 and len(shares) < 4:  # the machine may be busy with other things
        pause_s, whole_s = await _measure(call, count)
        shares.append(pause_s / whole_s)
    return min(shares)


async def _measure(call: Callable[[int], Awaitable[object]], count: int) -> tuple[float, float]:
    """Longest pause of a task beside one call, and the time of that call."""
    pauses = [0.0]

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await anyio.sleep(0.001)
            pauses.append(time.perf_counter() - before)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        await anyio.sleep(0.01)
        started = time.perf_counter()
        await call(count)
        whole_s = time.perf_counter() - started
        await anyio.sleep(0.002)  # a loop that was blocked ticks once more, and tells
        tasks.cancel_scope.cancel()
    return max(pauses), whole_s
