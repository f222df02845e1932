"""How far a call is, told to a client that wants to know while it waits."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

import anyio
from anyio.abc import ObjectReceiveStream
from anyio.streams.memory import MemoryObjectSendStream

from .._stages import watched

T = TypeVar("T")
_ended: ContextVar[MemoryObjectSendStream[str] | None] = ContextVar("ended", default=None)


@contextmanager
def stages_told() -> Iterator[None]:
    """Pass on each stage that ends to the call that it is part of."""
    with watched(_note):
        yield


def _note(_: str, name: str, __: float) -> None:
    stream = _ended.get()
    if stream is not None:
        # Nobody listens to a call that is being cancelled.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            stream.send_nowait(name)


async def telling(session: Any, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work; each stage of it that ends is one step, told before the result.

    Args:
        session: The SDK's view of the client; it knows whether the client wants to be told.
        work: Does not raise: an error of the library is a result here.
    """
    send, receive = anyio.create_memory_object_stream[str](math.inf)
    before = _ended.set(send)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_tell, session, receive)
            with send:
                found = await work()
        return found
    finally:
        _ended.reset(before)


async def _tell(session: Any, stages: ObjectReceiveStream[str]) -> None:
    async with stages:
        done = 0
        async for name in stages:
            done += 1
            await session.report_progress(done, message=f"{name}: done")
