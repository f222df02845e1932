"""The task that owns a vault's task group, so that open and close may be called from any task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import current_token

_STOP_TIMEOUT_S = 30.0
_tasks: set[object] = set()
"""Keeps asyncio's tasks alive: the loop itself holds them only weakly."""


def spawn(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start a task that belongs to no caller, on whichever event loop this is.

    It has none of the caller's context variables either: a trace would go on in them.
    """
    if type(current_token().native_token).__module__.partition(".")[0] == "trio":
        import trio

        trio.lowlevel.spawn_system_task(main)
        return
    import asyncio

    task = asyncio.get_running_loop().create_task(main(), context=Context())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def finish(job: Callable[[], Awaitable[None]]) -> None:
    """Run a job to its end in a task of its own, and wait for it.

    A caller that is cancelled natively (asyncio's `task.cancel` ignores shields) leaves, the job
    does not.
    """
    failures: list[Exception] = []
    ended = anyio.Event()

    async def main() -> None:
        try:
            await job()
        except Exception as error:  # noqa: BLE001 - handed to the caller below
            failures.append(error)
        finally:
            ended.set()

    spawn(main)
    with anyio.CancelScope(shield=True):
        await ended.wait()
    if failures:
        raise failures[0]


class Host:
    """Runs background jobs in one task group; a job that fails is recorded and harms no other."""

    def __init__(self) -> None:
        self._ready, self._stop, self._ended = anyio.Event(), anyio.Event(), anyio.Event()
        self._group: TaskGroup | None = None
        self._is_started = False
        self._failures: dict[str, str] = {}

    @property
    def failures(self) -> dict[str, str]:
        """What went wrong, by name of the job: the error's type and message."""
        return dict(self._failures)

    async def start(self) -> None:
        """Start the host task and wait until it takes jobs."""
        self._is_started = True
        spawn(self._main)
        try:
            await self._ready.wait()
        except BaseException:
            self._stop.set()
            raise

    async def stop(self) -> None:
        """Cancel all jobs and wait for their end. Repeatable; from any task."""
        self._stop.set()
        if not self._is_started:
            return
        with anyio.CancelScope(shield=True), anyio.move_on_after(_STOP_TIMEOUT_S):
            await self._ended.wait()

    def start_soon(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """Run a job in the background; does nothing once the host was asked to stop.

        It has none of the context variables of whoever asks for it.
        """
        if self._group is not None and not self._stop.is_set():
            start = partial(self._group.start_soon, name=f"memory-vault {name}")
            Context().run(start, self._fenced, name, job)

    async def _main(self) -> None:
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                self._ready.set()
                await self._stop.wait()
                group.cancel_scope.cancel()
        finally:
            self._group = None
            self._ended.set()

    async def _fenced(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        except Exception as error:  # noqa: BLE001 - a fence: a job must not take the vault down
            self._failures[name] = f"{type(error).__name__}: {error}"
        else:
            self._failures.pop(name, None)
