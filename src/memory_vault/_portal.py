"""One event loop in one thread of this process, for all blocking callers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from threading import Event, Lock
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from .errors import BlockingCallRefused, NotOpen

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

P = ParamSpec("P")
T = TypeVar("T")

BACKEND = "asyncio"
"""The event loop behind blocking callers; tests run on trio too."""

_INTERRUPT_TIMEOUT_S = 30.0
_lock = Lock()
_portal: BlockingPortal | None = None
_stack = ExitStack()
_holders = 0
_pid = os.getpid()


class Portal:
    """One blocking object's share of the loop thread: started by the first, stopped by the last.

    Args:
        allow_running_loop: Whether to block a thread that runs an event loop of its own, as a
            notebook's cell does; that loop stands still meanwhile.
    """

    def __init__(self, *, allow_running_loop: bool = False) -> None:
        self._allow_running_loop = allow_running_loop
        self._held: BlockingPortal | None = None
        self._pid = os.getpid()

    @property
    def is_open(self) -> bool:
        """Whether it has a share of this process's loop."""
        return self._held is not None

    def open(self) -> None:
        """Take a share. Repeatable.

        Raises:
            BlockingCallRefused: In a running event loop.
        """
        self._refuse_where_it_would_hang()
        if self._held is None:
            self._held = _acquire()

    def close(self) -> None:
        """Give the share back; the last one stops the loop and its thread. Repeatable."""
        held, self._held = self._held, None
        if held is not None and self._pid == os.getpid():
            _release()

    def call(self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function on the loop and wait for its result.

        Interrupted (Ctrl-C), it cancels the call, waits until that has ended, and raises.

        Raises:
            BlockingCallRefused: In a running event loop, or after a fork.
            NotOpen: Before `open` or after `close`.
        """
        self._refuse_where_it_would_hang()
        if self._held is None:
            raise NotOpen("it is not open: use `with ...` or open() it")
        ended = Event()
        future = self._held.start_task_soon(_run, partial(func, *args, **kwargs), ended)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                future.cancel()
                ended.wait(_INTERRUPT_TIMEOUT_S)
            raise

    def _refuse_where_it_would_hang(self) -> None:
        if os.getpid() != self._pid:
            raise BlockingCallRefused(
                "this object was made before a fork, and its loop thread is not in this process: "
                "make and open a new one here"
            )
        if self._allow_running_loop:
            return
        from sniffio import AsyncLibraryNotFoundError, current_async_library

        try:
            library = current_async_library()
        except AsyncLibraryNotFoundError:
            return
        raise BlockingCallRefused(
            f"a blocking call here would stop the running {library} event loop: use the class "
            "without Sync and await it, call this from a worker thread, or, in a notebook, give "
            "allow_running_loop=True"
        )


async def _run(call: Callable[[], Awaitable[T]], ended: Event) -> T:
    """Await a call, and tell the waiting thread when it has ended, however that was."""
    try:
        return await call()
    finally:
        ended.set()


def _acquire() -> BlockingPortal:
    """The shared portal, started if this is its first holder."""
    global _portal, _holders, _stack, _pid
    from anyio.from_thread import start_blocking_portal

    with _lock:
        if _portal is None or _pid != os.getpid():
            _stack, _holders, _pid = ExitStack(), 0, os.getpid()
            _portal = _stack.enter_context(start_blocking_portal(BACKEND))
        _holders += 1
        return _portal


def _release() -> None:
    global _portal, _holders
    with _lock:
        _holders -= 1
        if _holders == 0:
            _portal = None
            _stack.close()
