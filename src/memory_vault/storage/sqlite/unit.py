"""One unit of work: a whole transaction in one worker thread, which can be told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import apsw

from .connection import Database, Stopped, refuse_newer, translated
from .files import FilePool
from .schema import Schema

T = TypeVar("T")

_WAIT_S = 0.05
"""How long a unit waits for a lock inside its thread; longer waits happen on the event loop."""
_PROGRESS_STEPS = 2_000


class Unit(Generic[T]):
    """Runs one function in one transaction, with a connection taken and given back here.

    The connection never leaves the thread, so that a caller who goes away (native cancellation on
    asyncio ignores shields) leaves no second unit on it. Setting `is_stopped` from any thread ends
    a running statement or a wait for a lock; the transaction is rolled back then.
    """

    def __init__(
        self,
        pool: FilePool,
        path: Path | None,
        schema: Schema,
        work: Callable[[Database, Unit[T]], T],
        *,
        begin: str | None,
    ) -> None:
        self._pool, self._schema = pool, schema
        self.path: Path | None = path
        self._work, self._begin = work, begin
        self._is_scratch = path is None and begin == "BEGIN IMMEDIATE"
        self.is_stopped: bool = False
        self._deadline = 0.0

    def check(self) -> None:
        """Stop here if the unit was told to; for long stretches between statements."""
        if self.is_stopped:
            raise Stopped

    def run(self) -> T:
        """Do the work and commit, or roll back and raise. Runs in a worker thread."""
        self._deadline = time.monotonic() + _WAIT_S
        self.check()
        if self.path is None:
            connection = self._pool.take_empty()
        else:
            connection = self._pool.take(self.path, self._schema)
        try:
            with translated(self.path):
                return self._in_transaction(connection)
        finally:
            keep = self._reset(connection) and not self._is_scratch
            self._pool.give(self.path, connection, keep=keep)

    def _in_transaction(self, connection: apsw.Connection) -> T:
        connection.set_busy_handler(self._wait)
        if self._begin is None:
            return self._work(connection, self)
        connection.execute(self._begin)
        if self.path is not None and self._begin == "BEGIN IMMEDIATE":
            refuse_newer(connection, self.path, self._schema)
        connection.set_progress_handler(lambda: self.is_stopped, _PROGRESS_STEPS)
        result = self._work(connection, self)
        connection.set_progress_handler(None)
        self.check()
        connection.execute("COMMIT")
        return result

    def _reset(self, connection: apsw.Connection) -> bool:
        """Leave no handler and no transaction behind; say whether the connection is still good."""
        connection.set_progress_handler(None)
        connection.set_busy_handler(None)
        if not connection.in_transaction:
            return True
        try:
            connection.execute("ROLLBACK")
        except apsw.Error:
            return False
        return True

    def _wait(self, _calls: int) -> bool:
        """SQLite's busy handler: wait a little, unless stopped or out of time."""
        if self.is_stopped or time.monotonic() > self._deadline:
            return False
        time.sleep(0.002)
        return True
