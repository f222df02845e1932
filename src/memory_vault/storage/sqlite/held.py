"""Connections for work of many hops: one moment of a user's file, and a file of one's own aside.

Each hop is one `run` in a worker thread, by one thread at a time; `close` waits for the hop that
runs. A caller who leaves (native cancellation on asyncio ignores shields) and closes therefore
never meets its own last hop on the connection.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import apsw

from ...errors import NotOpen
from .backup import fill_from
from .connection import Database, Retired, close, connect, create, translated, unlock
from .files import FilePool, make_folder
from .records import Records
from .schema import USER
from .transaction import Transaction

T = TypeVar("T")

STAGING = "staging"
"""Folder of files that are being made; what a killed process left there is cleared at open."""
_FRESH_S = 60
_WAIT_MS = 2_000


class Snapshot:
    """One user's file as it stands at one moment, whatever others write meanwhile."""

    def __init__(self, pool: FilePool, path: Path, user_id: str) -> None:
        self._pool, self._path, self._user_id = pool, path, user_id
        self._lock = threading.Lock()
        self._held: tuple[Path | None, Database] | None = None
        self._user: Transaction | None = None
        self._is_closed = False

    def run(self, work: Callable[[Records], T]) -> T:
        """Work with the rows of that moment; the first call fixes it."""
        with self._lock:
            if self._is_closed:
                raise NotOpen("the export was ended")
            with translated(self._path):
                if self._user is None:
                    self._user = self._begin()
                return work(self._user.records)

    def _begin(self) -> Transaction:
        for _ in range(2):
            if self._path.exists():
                try:
                    return self._begin_on(self._path)
                except Retired:
                    pass
        return self._begin_on(None)

    def _begin_on(self, path: Path | None) -> Transaction:
        db = self._pool.take_empty() if path is None else self._pool.take(path, USER)
        self._held = path, db
        try:
            db.set_busy_timeout(_WAIT_MS)
            db.execute("BEGIN")
            return Transaction(db, self._user_id, lambda: None, is_writing=False)
        except BaseException:
            self._release(keep=False)
            raise

    def _release(self, *, keep: bool) -> None:
        if self._held is not None:
            path, db = self._held
            self._held = None
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._pool.give(path, db, keep=keep)

    def close(self) -> None:
        """Give the connection back. Repeatable."""
        with self._lock:
            self._is_closed = True
            self._release(keep=True)


class Stage:
    """A user's file of one's own, aside from the vault: filled, read once, then thrown away."""

    def __init__(self, data_dir: Path, key: bytes | None = None) -> None:
        self._folder, self._key = data_dir / STAGING, key
        self.path: Path = self._folder / f"{secrets.token_hex(8)}.db"
        self._lock = threading.RLock()
        self._db: Database | None = None
        self._is_closed = False

    def open(self) -> None:
        """Make the file with its tables, locked for as long as it is open."""
        with self._lock, translated(self.path):
            make_folder(self._folder)
            self._db = apsw.Connection(str(self.path))
            unlock(self._db, self._key)
            self._db.execute("PRAGMA journal_mode=OFF").fetchall()
            self._settle()
            create(self._db, USER)
            self._db.execute("INSERT INTO meta (id, user_id, created_at) VALUES (1, '', 0)")

    def copy(self, source: Path) -> Iterator[int]:
        """Make the file as a copy of another under the same key, then bring it up to date."""
        make_folder(self._folder)
        try:
            yield from fill_from(source, self._key, self.path)
            with self._lock, translated(self.path):
                if not self._is_closed:
                    self._db = connect(self.path, USER, "process", self._key)
                    self._settle()
        finally:
            if self._is_closed:  # meanwhile, by a caller who left twice
                remove(self.path)

    def _settle(self) -> None:
        assert self._db is not None
        for pragma in ("synchronous=OFF", "temp_store=MEMORY", "locking_mode=EXCLUSIVE"):
            self._db.execute(f"PRAGMA {pragma}").fetchall()

    def run(self, work: Callable[[Records], T]) -> T:
        """Work with the rows, in a transaction that is never undone: a failure ends the stage."""
        with self._lock, translated(self.path):
            db = self._opened()
            db.execute("BEGIN IMMEDIATE")
            result = work(Records(db))
            db.execute("COMMIT")
            return result

    def reading(self, work: Callable[[Database], T]) -> T:
        """Work with the connection, to read."""
        with self._lock, translated(self.path):
            return work(self._opened())

    def _opened(self) -> Database:
        if self._is_closed or self._db is None:
            raise NotOpen("the import was ended")
        return self._db

    def close(self) -> None:
        """Close and remove the file. Repeatable."""
        with self._lock:
            self._is_closed = True
            if self._db is not None:
                self._db.close()
                self._db = None
            remove(self.path)


def remove(path: Path) -> None:
    """Unlink a closed database with all that SQLite keeps beside it."""
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{end}").unlink(missing_ok=True)


def clear_staging(data_dir: Path) -> int:
    """Remove what killed processes left; files in use are locked and stay. How many went.

    Files that were to be published and never were, such as a key file, go after a minute.
    """
    gone = 0
    for path in sorted((data_dir / STAGING).glob("*.db")):
        if _is_old(path) and not _is_in_use(path):
            remove(path)
            gone += 1
    for path in data_dir.glob(".*.new*"):
        if _is_old(path):
            path.unlink(missing_ok=True)
    return gone


def _is_old(path: Path) -> bool:
    """Whether a file is past the moments in which its maker has not locked it yet."""
    try:
        return time.time() - path.stat().st_mtime > _FRESH_S
    except FileNotFoundError:
        return False


def _is_in_use(path: Path) -> bool:
    """Whether a connection anywhere holds the lock on a file; its content does not matter."""
    try:
        connection: Database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.CantOpenError:
        return False
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError:
        return True
    except apsw.Error:
        return False
    finally:
        close(connection)
    return False
