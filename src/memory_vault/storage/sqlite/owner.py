"""Who alone may use something in the data folder: a lock that ends with its process, and a name."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import apsw

from ...errors import StorageBusy
from .connection import Database, close, translated
from .files import make_folder

_MAKE = (
    "CREATE TABLE IF NOT EXISTS holder (id INTEGER PRIMARY KEY, pid INTEGER, host TEXT, at TEXT)"
)
_NAME = "INSERT OR REPLACE INTO holder (id, pid, host, at) VALUES (1, ?, ?, ?)"


class Owner:
    """Takes and keeps SQLite's write lock on a small file, in which its holder's name stands.

    The lock goes with the process, however it ends; the name is then overwritten by the next.
    Everything here blocks.

    Args:
        path: The file; made at first use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: Database | None = None

    @property
    def is_held(self) -> bool:
        """Whether the lock is ours."""
        return self._held is not None

    def take(self) -> bool:
        """Take the lock; False if another has it. Repeatable."""
        if self._held is not None:
            return True
        make_folder(self._path.parent)
        with translated(self._path):
            connection: Database = apsw.Connection(str(self._path))
            try:
                connection.execute("PRAGMA journal_mode=WAL").fetchall()
                self._sign(connection)
            except apsw.BusyError:
                close(connection)
                return False
            except BaseException:
                close(connection)
                raise
        self._held = connection
        return True

    def _sign(self, connection: Database) -> None:
        """Write one's name, then hold the lock; whoever comes in between has it."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_MAKE)
        connection.execute(_NAME, (os.getpid(), platform.node(), since))
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")

    def require(self, what: str) -> None:
        """Take the lock.

        Raises:
            StorageBusy: If another has it; the message says who.
        """
        if not self.take():
            raise StorageBusy(
                f"{what} is used by {self.holder()}, and one process alone can use it"
            )

    def holder(self) -> str:
        """Who has the lock, as it was signed."""
        with translated(self._path):
            connection: Database = apsw.Connection(
                str(self._path), flags=apsw.SQLITE_OPEN_READWRITE
            )
            try:
                row = connection.execute("SELECT pid, host, at FROM holder").fetchone()
            except apsw.SQLError:
                row = None
            finally:
                close(connection)
        return "another process" if row is None else f"process {row[0]} on {row[1]} since {row[2]}"

    def give_back(self) -> None:
        """Let the lock go. Repeatable."""
        held, self._held = self._held, None
        if held is not None:
            close(held)
