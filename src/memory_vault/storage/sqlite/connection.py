"""One SQLite connection: opened, checked against its schema, its errors turned into ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw

from ...errors import (
    NotAVault,
    SchemaTooNew,
    StorageBusy,
    StorageError,
    StorageFull,
    StorageReadOnly,
)
from .schema import CATALOG, PAGE_SIZE, Schema

_PLAIN = b"SQLite format 3\0"
_OF_SYSTEM: dict[int, type[StorageError]] = {
    errno.ENOSPC: StorageFull,
    errno.EDQUOT: StorageFull,
    errno.EROFS: StorageReadOnly,
    errno.EACCES: StorageReadOnly,
    errno.EPERM: StorageReadOnly,
}
_SYNCHRONOUS = {"power": "FULL", "process": "NORMAL"}


Database = Any
"""A connection where rows are read: apsw types every value as any of SQLite's, which says less
than the statement beside it."""


class Stopped(Exception):
    """The unit was told to stop; its transaction was rolled back."""


class Retired(Exception):
    """The file was struck from the vault; the user's next file takes its place."""


def translate(error: Exception, path: Path | None) -> Exception:
    """Turn an error of SQLite or of the system into ours; anything else passes unchanged."""
    where = str(path) if path else "the store"
    if isinstance(error, OSError):
        kind = _OF_SYSTEM.get(error.errno or 0, StorageError)
        return kind(f"{where}: {error.strerror}")
    if isinstance(error, apsw.InterruptError | apsw.AbortError):
        return Stopped()
    if not isinstance(error, apsw.Error):
        return error
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StorageBusy(f"{where} is locked by another process; try again")
    if isinstance(error, apsw.FullError):
        return StorageFull(f"the disk that holds {where} is full; nothing was stored")
    if isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError | apsw.AuthError):
        return StorageReadOnly(f"{where} cannot be written: check its permissions")
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return NotAVault(f"{where} is damaged or no vault file; `memory-vault doctor` tells more")
    if isinstance(error, apsw.CantOpenError):
        return StorageReadOnly(f"{where} cannot be opened: check the folder and its permissions")
    return StorageError(f"{where}: SQLite reports {type(error).__name__}")


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
    """Raise our errors instead of SQLite's and the system's."""
    try:
        yield
    except StorageError:
        raise  # an OSError too, for callers who expect one
    except (apsw.Error, OSError) as error:
        raise translate(error, path) from error


def run_script(connection: apsw.Connection, script: str) -> None:
    """Run each statement of a script to its end."""
    for statement in script.split(";\n"):
        connection.execute(statement).fetchall()


def configure(connection: apsw.Connection, durability: str) -> None:
    """Settings that every connection of ours has."""
    for pragma in (
        f"synchronous={_SYNCHRONOUS[durability]}",
        "secure_delete=ON",
        "temp_store=MEMORY",
        "cache_size=-4000",
        "journal_size_limit=4194304",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def unlock(connection: apsw.Connection, key: bytes | None) -> None:
    """Give a connection the key of its file, before anything else; None for a plain file.

    The key goes in as hexadecimal digits, so that no statement is made of anyone's text.
    """
    if key is not None:
        connection.pragma("cipher", "chacha20")
        connection.pragma("hexkey", (b"raw:" + key).hex())


def is_plain(path: Path) -> bool:
    """Whether a file begins as every unencrypted database does.

    Read through SQLite's own layer: an `open` of Python's would, when closed, drop the locks that
    this process has on the file.
    """
    vfs = "win32" if os.name == "nt" else "unix"
    flags = [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY, 0]
    file = apsw.VFSFile(vfs, str(path), flags)
    try:
        return file.xRead(len(_PLAIN), 0) == _PLAIN
    finally:
        file.xClose()


def connect(
    path: Path, schema: Schema, durability: str, key: bytes | None = None
) -> apsw.Connection:
    """Open a file that exists, check that it is of this kind, and bring it up to date.

    Raises:
        NotAVault: If it is something else or damaged.
        SchemaTooNew: If a newer version of this library wrote it.
    """
    with translated(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(50)
            unlock(connection, key)
            # The catalog is written once a user: no file may outlive a power loss unlisted.
            configure(connection, "power" if schema is CATALOG else durability)
            _check_kind(connection, path, schema)
            _migrate(connection, schema)
        except BaseException:
            connection.close()
            raise
    return connection


def connect_empty(schema: Schema) -> apsw.Connection:
    """A database in memory with the tables and nothing in them: what a missing file reads as."""
    connection = apsw.Connection(":memory:")
    create(connection, schema)
    return connection


def create(connection: apsw.Connection, schema: Schema) -> None:
    """Make all tables in an empty database, in one transaction."""
    connection.execute(f"PRAGMA page_size={PAGE_SIZE}").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id={schema.application_id}").fetchall()
    _apply(connection, schema, 0)
    connection.execute("COMMIT")


def _check_kind(connection: apsw.Connection, path: Path, schema: Schema) -> None:
    """Refuse a file of another kind or of a newer version."""
    if connection.pragma("application_id") != schema.application_id:
        raise NotAVault(f"{path} is not a {schema.name} file of a vault; it was left untouched")
    refuse_newer(connection, path, schema)


def refuse_newer(connection: Database, path: Path, schema: Schema) -> None:
    """Make sure that no newer version of this library has brought the file up to date.

    One may do so while it is open here: who writes asks again, in the transaction.

    Raises:
        SchemaTooNew: If one has.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > schema.version:
        raise SchemaTooNew(
            f"{path} has schema {version}, this version of memory-vault knows {schema.version}: "
            "upgrade memory-vault"
        )


def _migrate(connection: apsw.Connection, schema: Schema) -> None:
    """Apply the migrations that are missing, all or none."""
    if connection.pragma("user_version") == schema.version:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply(connection, schema, connection.pragma("user_version"))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _apply(connection: apsw.Connection, schema: Schema, version: int) -> None:
    for migration in schema.migrations[version:]:
        if isinstance(migration, str):
            run_script(connection, migration.strip())
        elif version:
            migration(connection)
    connection.execute(f"PRAGMA user_version={schema.version}").fetchall()


def close(connection: apsw.Connection) -> None:
    """Close after a checkpoint of its own, since `close` itself holds the GIL while it writes.

    What fails here loses nothing: the log stays and is read at the next open.
    """
    with suppress(apsw.Error):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    with suppress(apsw.Error):
        connection.close()
