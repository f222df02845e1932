"""Where each user's file is, how a new one appears, and which are kept open."""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import apsw

from ...errors import NotAVault, StorageBusy, StorageError, StorageReadOnly
from .connection import (
    Database,
    close,
    configure,
    connect,
    connect_empty,
    create,
    is_plain,
    translated,
    unlock,
)
from .schema import USER, Schema

_IDLE_PER_FILE = 4


@lru_cache(4096)
def user_path(data_dir: Path, user_id: str) -> Path:
    """The file of a user: named by a hash, so that no id can lead out of the folder.

    SHA-256 of the exact id; ids that differ in case or normal form have different files.
    """
    digest = hashlib.sha256(user_id.encode("utf-8")).hexdigest()
    return data_dir / "users" / digest[:2] / f"{digest}.db"


def make_folder(path: Path, *, durability: str = "process") -> None:
    """Make a folder and those above it, private to the owner; under "power" they survive one.

    Raises:
        StorageReadOnly: If it cannot be made.
        StorageError: If something else is in its place.
    """
    try:
        missing = [one for one in (path, *path.parents) if not one.exists()]
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StorageError(f"{path} is not a folder: choose another data_dir") from None
    except OSError as error:
        raise StorageReadOnly(f"{path} cannot be made: {error.strerror}") from error
    if durability == "power":
        for one in missing:
            sync_folder(one.parent)


def sync_folder(path: Path) -> None:
    """Make a folder's entries durable; systems that cannot do it do it by themselves.

    Raises:
        StorageError: If the disk fails.
    """
    if os.name == "nt":
        return
    with translated(path):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def publish(
    path: Path,
    schema: Schema,
    durability: str,
    fill: str,
    values: tuple[object, ...],
    key: bytes | None = None,
    *,
    aside_dir: Path,
) -> None:
    """Make a new file aside and link it into place: no other process ever sees half of it.

    Does nothing when another process was first. `fill` writes its first rows.

    Raises:
        StorageBusy: If a process that was opening the folder took the unfinished file for a
            leftover; trying again helps.
    """
    make_folder(path.parent, durability=durability)
    make_folder(aside_dir)
    aside = aside_dir / f"{secrets.token_hex(8)}.new"
    with translated(path):
        try:
            _fill(aside, schema, fill, values, key)
            if key is not None and is_plain(aside):
                raise StorageError(f"{path} was not encrypted, so it was thrown away")
            link(aside, path)
        except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.IOError):
            if aside.exists():
                raise
            raise _swept(path) from None
        finally:
            _unlink_aside(aside)
    # Always: a power loss must not keep the log of a file and take the file.
    sync_folder(path.parent)


def _fill(
    aside: Path,
    schema: Schema,
    fill: str,
    values: tuple[object, ...],
    key: bytes | None,
) -> None:
    """Write a whole new file; its exclusive lock tells other processes that it is being made.

    One sync, at the last write, makes all of it durable: what fails before is thrown away.
    """
    connection = apsw.Connection(str(aside))
    try:
        unlock(connection, key)
        configure(connection, "power")
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=OFF", "synchronous=OFF"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        create(connection, schema)
        connection.execute(fill, values)
        connection.execute("PRAGMA synchronous=FULL").fetchall()
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
    finally:
        connection.close()


def link(aside: Path, path: Path) -> None:
    """Give a finished file its name, unless the name is taken."""
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    except FileNotFoundError:
        raise _swept(path) from None
    except OSError as error:
        raise StorageError(
            f"{path} cannot be made: the file system has no hard links ({error.strerror})"
        ) from error


def unlink_file(path: Path) -> None:
    """Unlink a database that nobody else can open now, its log first and for good.

    A log that outlived its file would be read together with the user's next file.
    """
    Path(f"{path}-wal").unlink(missing_ok=True)
    sync_folder(path.parent)
    path.unlink()


def note_removal(aside_dir: Path, path: Path) -> None:
    """Leave a note that a user's file is being removed, for the next open to finish it."""
    make_folder(aside_dir, durability="power")
    with translated(path):
        _note(aside_dir, path).touch(mode=0o600)
    sync_folder(aside_dir)


def drop_note(aside_dir: Path, path: Path) -> None:
    """The removal is over, and no power loss can bring the file back."""
    if path.parent.exists():
        sync_folder(path.parent)
    with translated(path):
        _note(aside_dir, path).unlink(missing_ok=True)


def noted_removals(aside_dir: Path, data_dir: Path) -> list[Path]:
    """Users' files whose removal was begun and is not known to have ended."""
    digests = sorted(note.stem for note in aside_dir.glob("*.gone"))
    return [data_dir / "users" / digest[:2] / f"{digest}.db" for digest in digests]


def _note(aside_dir: Path, path: Path) -> Path:
    return aside_dir / f"{path.stem}.gone"


def _swept(path: Path) -> StorageBusy:
    return StorageBusy(f"{path} was taken away while it was being made; try again")


def _unlink_aside(aside: Path) -> None:
    with translated(aside):
        for ending in ("", "-wal", "-shm", "-journal"):
            Path(f"{aside}{ending}").unlink(missing_ok=True)


def sweep(aside_dir: Path) -> None:
    """Remove unfinished files of processes that were killed; those of living ones are spared.

    What cannot be removed is left to a later open.
    """
    names = {one.name.partition(".")[0] for one in aside_dir.glob("*.new*")}
    for path in (aside_dir / f"{name}.new" for name in names):
        if not _is_being_made(path):
            with suppress(StorageError):
                _unlink_aside(path)


def _is_being_made(aside: Path) -> bool:
    """Whether a process holds the lock that `_fill` takes."""
    try:
        connection = apsw.Connection(str(aside), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.CantOpenError:
        return False
    try:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
    except apsw.BusyError:
        return True
    except apsw.Error:
        return False
    finally:
        connection.close()
    return False


def has_moved(connection: Database) -> bool:
    """Whether the file behind an open connection has lost its name; one look at the folder."""
    moved = ctypes.c_int(0)
    connection.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(moved))
    return bool(moved.value)


class FilePool:
    """Connections to recently used files: taken and given back inside worker threads.

    At most `limit` idle connections are kept; the least recently used are closed. A connection is
    used by one unit at a time, since only the unit that took it has it.

    Args:
        limit: Idle connections kept.
        durability: "power" or "process".
        key_of: Finds the key of a file; None for a plain one.
    """

    def __init__(
        self,
        limit: int,
        durability: str,
        key_of: Callable[[Path], bytes | None] = lambda _: None,
    ) -> None:
        self._limit, self._durability, self._key_of = limit, durability, key_of
        self._lock = threading.Lock()
        self._idle: OrderedDict[Path, list[apsw.Connection]] = OrderedDict()
        self._empty: list[apsw.Connection] = []
        self._taken = 0
        self._is_closed = False

    @property
    def taken(self) -> int:
        """Connections that units have now."""
        return self._taken

    def take(self, path: Path, schema: Schema) -> apsw.Connection:
        """An idle connection to the file that has this name now, or a new one.

        Another process may have removed the file or set it aside: who reads on there sees what
        was forgotten or damaged.
        """
        with self._lock:
            self._taken += 1
            idle = self._idle.get(path)
            kept = idle.pop() if idle else None
        try:
            if kept is not None and not has_moved(kept):
                return kept
            if kept is not None:
                close(kept)
                self.drop(path)
            return self.connect(path, schema)
        except BaseException:
            with self._lock:
                self._taken -= 1
            raise

    def connect(self, path: Path, schema: Schema) -> apsw.Connection:
        """A connection that is the caller's own, to close."""
        key = self._key_of(path)
        try:
            return connect(path, schema, self._durability, key)
        except NotAVault:
            fresh = self._key_of(path)
            if fresh == key:
                raise
        return connect(path, schema, self._durability, fresh)  # removed and made anew in between

    def take_empty(self) -> apsw.Connection:
        """A connection that reads as a user's file with nothing in it."""
        with self._lock:
            self._taken += 1
            if self._empty:
                return self._empty.pop()
        try:
            return connect_empty(USER)
        except BaseException:
            with self._lock:
                self._taken -= 1
            raise

    def give(self, path: Path | None, connection: apsw.Connection, *, keep: bool = True) -> None:
        """Take a connection back; keep it for the next unit, or close it."""
        surplus: list[apsw.Connection] = []
        with self._lock:
            self._taken -= 1
            if not keep or self._is_closed:
                surplus.append(connection)
            elif path is None:
                self._empty.append(connection)
            else:
                idle = self._idle.setdefault(path, [])
                self._idle.move_to_end(path)
                (surplus if len(idle) >= _IDLE_PER_FILE else idle).append(connection)
                surplus += self._over_limit()
        for one in surplus:
            close(one)

    def _over_limit(self) -> list[apsw.Connection]:
        """Idle connections above the limit, least recently used first; the lock is held."""
        surplus = []
        while sum(map(len, self._idle.values())) > self._limit:
            path, idle = next(iter(self._idle.items()))
            if idle:
                surplus.append(idle.pop(0))
            if not idle:
                del self._idle[path]
        return surplus

    def drop(self, path: Path) -> None:
        """Close the idle connections to one file."""
        with self._lock:
            idle = self._idle.pop(path, [])
        for one in idle:
            close(one)

    def close(self) -> None:
        """Close all idle connections; those that units have are closed when given back."""
        with self._lock:
            self._is_closed = True
            idle = [one for each in self._idle.values() for one in each] + self._empty
            self._idle.clear()
            self._empty.clear()
        for one in idle:
            close(one)
