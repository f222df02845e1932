"""One event loop in one thread of this process, for all blocking callers.

All blocking objects share it; the first that opens starts it, the last that closes stops it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from threading import Event as ThreadEvent
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Generic, NoReturn, ParamSpec, TypeVar

from .errors import BlockingCallRefused, NotOpen

if TYPE_CHECKING:
    from anyio import CancelScope, Event
    from anyio.abc import TaskStatus
    from anyio.from_thread import BlockingPortal

P = ParamSpec("P")
T = TypeVar("T")

BACKEND = "asyncio"
"""The event loop behind blocking callers; tests run on trio too."""

_loops: dict[int, _Shared] = {}
"""By process id: a forked child finds its parent's entry beside its own, and never uses it."""


class Portal:
    """One blocking object's share of the loop thread: started by the first, stopped by the last.

    Args:
        allow_running_loop: Whether to block a thread that runs an event loop of its own, as a
            notebook's cell does; that loop stands still meanwhile.
    """

    def __init__(self, *, allow_running_loop: bool = False) -> None:
        self._allow_running_loop = allow_running_loop
        self._lock = Lock()
        self._held: _Loop | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has a share of a loop that runs in this process."""
        held = self._held
        return held is not None and held.is_running and held.pid == os.getpid()

    def open(self, func: Callable[[], Awaitable[None]]) -> None:
        """Take a share and run what opens the object; a failure gives the share back. Repeatable.

        Raises:
            BlockingCallRefused: In a running event loop, or after a fork.
        """
        self._refuse_where_it_would_hang()
        with self._lock:
            is_new = not self.is_open
            if is_new:
                self._held = _shared().acquire()
        try:
            self.call(func)
        except BaseException:
            if is_new:
                self._give_back()
            raise

    def close(self, func: Callable[[], Awaitable[None]]) -> None:
        """Run what closes the object and give the share back. Repeatable.

        The last one stops the loop and its thread. In a forked child it does nothing: what is open
        is the parent's.

        Raises:
            BlockingCallRefused: In a running event loop; the object stays open then.
        """
        if not self.is_open:
            return
        self._refuse_where_it_would_hang()
        has_begun = False

        async def close() -> None:
            nonlocal has_begun
            has_begun = True
            await func()

        try:
            self.call(close)
        finally:
            # Interrupted before it began, the object is as open as before: it can be closed again.
            if has_begun:
                self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            _shared().release(held)

    def call(self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function on the loop and wait for its result.

        Interrupted (Ctrl-C), it cancels the call, waits until that has ended, and raises; a second
        interrupt does not wait.

        Raises:
            BlockingCallRefused: In a running event loop, or after a fork.
            NotOpen: Before `open` or after `close`.
        """
        self._refuse_where_it_would_hang()
        held = self._held
        # The call has a share of its own: a close meanwhile cannot stop the loop under it.
        if held is None or not _shared().share(held):
            raise NotOpen("it is not open: use it in a `with` statement, or open() it")
        try:
            return held.run(partial(func, *args, **kwargs))
        finally:
            _shared().release(held)

    def _refuse_where_it_would_hang(self) -> None:
        _refuse_after_fork(self._held)
        if self._held is not None and self._held.thread_id == get_ident():
            raise BlockingCallRefused(
                "a blocking call from the thread that serves blocking calls would wait for itself: "
                "use the class without Sync there and await it"
            )
        library = running_library()
        if library and (not self._allow_running_loop or library == BACKEND == "trio"):
            raise BlockingCallRefused(
                f"a blocking call here would stop the running {library} event loop: use the class "
                "without Sync and await it, call this from a worker thread, or, in a notebook, "
                "give allow_running_loop=True"
            )


def _refuse_after_fork(held: _Loop | None) -> None:
    """Refuse what the parent had open, and to open SQLite's files beside an inherited copy."""
    pid = os.getpid()
    if held is not None and held.pid != pid:
        raise BlockingCallRefused(
            "this object was opened before a fork, and its loop thread is not in this process: "
            "open vaults after forking, or start processes with multiprocessing's 'spawn'"
        )
    for other, shared in tuple(_loops.items()):
        if other != pid and shared.is_running:
            raise BlockingCallRefused(
                "this process was forked while a vault was open, which SQLite does not allow "
                "for: open vaults after forking, or start processes with multiprocessing's 'spawn'"
            )


def running_library() -> str | None:
    """The event loop that runs in this thread; a library nobody imported runs none."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        return "trio"
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return None
    return "asyncio"


def _shared() -> _Shared:
    """What the blocking objects of this process share."""
    pid = os.getpid()
    return _loops.get(pid) or _loops.setdefault(pid, _Shared())


class _Shared:
    """The process's loop, and how many objects and calls need it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loop: _Loop | None = None
        self._shares = 0

    @property
    def is_running(self) -> bool:
        return self._loop is not None

    def acquire(self) -> _Loop:
        """A share of the loop, started if there is none."""
        with self._lock:
            if self._loop is None or not self._loop.is_running:
                self._loop, self._shares = _Loop(BACKEND), 0
            self._shares += 1
            return self._loop

    def share(self, loop: _Loop) -> bool:
        """Take one more share of a loop, unless it has been stopped."""
        with self._lock:
            is_current = loop is self._loop and loop.is_running
            self._shares += is_current
            return is_current

    def release(self, loop: _Loop) -> None:
        """Give a share back; the last one stops the loop."""
        with self._lock:
            if loop is not self._loop:
                return
            self._shares -= 1
            if self._shares == 0:
                self._loop = None
                loop.stop()


class _Loop:
    """An event loop in a thread of its own that runs calls for other threads."""

    def __init__(self, backend: str) -> None:
        from anyio.from_thread import start_blocking_portal

        self.pid = os.getpid()
        self.is_running = True
        self._host: AbstractContextManager[BlockingPortal] = start_blocking_portal(backend)
        self._portal = self._host.__enter__()
        _, (self.thread_id, self._stop) = self._portal.start_task(_hold, self._host)

    def run(self, func: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function here while the calling thread waits."""
        call = _Call(func)
        try:
            result = self._portal.start_task_soon(call.run).result()
        except BaseException:
            if not call.ended.is_set():
                self._portal.start_task_soon(call.cancel)
                call.ended.wait()
            raise
        return result()

    def stop(self) -> None:
        """End the thread, after the calls under way."""
        self.is_running = False
        self._portal.start_task_soon(self._stop.set)
        self._host.__exit__(None, None, None)


async def _hold(host: object, *, task_status: TaskStatus[tuple[int, Event]]) -> None:
    """Keep what runs the loop alive in a frame of the loop's own thread.

    When objects are left open at exit, or in a forked child, Python would otherwise collect `host`
    and with that wait for ever for a thread that no longer runs.
    """
    import anyio

    stop = anyio.Event()
    task_status.started((get_ident(), stop))
    await stop.wait()
    del host


class _Call(Generic[T]):
    """One call, with the means to cancel it at any moment, begun or not."""

    def __init__(self, func: Callable[[], Awaitable[T]]) -> None:
        self.ended = ThreadEvent()
        self._func = func
        self._scope: CancelScope | None = None
        self._is_cancelled = False

    async def run(self) -> Callable[[], T]:
        """Await the function, if not cancelled before; the waiting thread calls what it gives."""
        from anyio import CancelScope

        if self._is_cancelled:
            return _cancelled
        try:
            with CancelScope() as self._scope:
                value = await self._func()
                return lambda: value
        except (KeyboardInterrupt, SystemExit) as error:
            # Raised here, it would end the loop and with it the calls of all other threads.
            return partial(_raise, error)
        finally:
            self.ended.set()
        return _cancelled

    def cancel(self) -> None:
        """Ask the call to end, or not to begin; on the loop."""
        self._is_cancelled = True
        if self._scope is None:
            self.ended.set()
        else:
            self._scope.cancel()


def _raise(error: BaseException) -> NoReturn:
    raise error


def _cancelled() -> NoReturn:
    raise NotOpen("the call was cancelled")
