"""Copies of whole files, page by page, while others write."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from ...errors import NotAVault
from .connection import Database, is_plain, translated, unlock
from .files import FilePool, make_folder
from .keys import Keys, read_salt, salt_path, write_salt
from .schema import USER

_PAGES = 1_000
"""Pages of one step: 4 MB."""
_WAIT_MS = 2_000


def user_files(folder: Path) -> list[Path]:
    """The file of every user."""
    return sorted((folder / "users").glob("*/*.db"))


def copy_user(pool: FilePool, keys: Keys, path: Path, to: Path) -> Generator[int, None, bool]:
    """Copy a user's file as it is at this moment, with its salt; yields the bytes just copied.

    Returns:
        Whether there was anything to copy: a file that was struck from the vault is left out.
    """
    with _held(pool, path) as source:
        if source is None:
            return False
        make_folder(to.parent)
        if keys.is_on:
            write_salt(salt_path(to), read_salt(salt_path(path)))
        with translated(to):
            target: Database = apsw.Connection(str(to))
            try:
                unlock(target, keys.of(path))
                yield from _pages(source, target)
                target.execute("PRAGMA journal_mode=DELETE").fetchall()
                (said,) = target.execute("PRAGMA integrity_check(1)").fetchone()
            finally:
                target.close()
        if said != "ok":
            raise NotAVault(
                f"{path} is damaged: run `memory-vault doctor --repair`, which sets it aside, then "
                "try again"
            )
        if keys.is_on and is_plain(to):
            raise NotAVault(f"{to} was not encrypted")
    return True


@contextmanager
def _held(pool: FilePool, path: Path) -> Iterator[Database | None]:
    """A connection of the pool with a moment fixed; None for a file that was struck."""
    db: Database = pool.take(path, USER)
    try:
        with translated(path):
            db.set_busy_timeout(_WAIT_MS)
            db.execute("BEGIN")
            (retired,) = db.execute("SELECT retired FROM meta").fetchone()
            yield None if retired else db
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
        pool.give(path, db)


def _pages(source: Database, target: Database) -> Iterator[int]:
    """Copy all pages, a step at a time; the source's open transaction keeps them as they are."""
    size = source.pragma("page_size")
    with target.backup("main", source, "main") as work:
        while not work.done:
            before = work.remaining
            work.step(_PAGES)
            yield size * ((before or work.page_count) - work.remaining)


@contextmanager
def opened(path: Path, key: bytes | None) -> Iterator[Database]:
    """A file of a backup, to read; nothing is written beside it and no lock is taken."""
    with translated(path):
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        db: Database = apsw.Connection(f"{path.as_uri()}?mode=ro&immutable=1", flags=flags)
        try:
            unlock(db, key)
            yield db
        finally:
            db.close()


def owner(path: Path, key: bytes | None) -> tuple[str, int]:
    """Whose file of a backup it is, and since when there is such a user."""
    with opened(path, key) as db:
        if db.pragma("application_id") != USER.application_id:
            raise NotAVault(f"{path} is no user's file: give the folder of a backup")
        found: tuple[str, int] = db.execute("SELECT user_id, created_at FROM meta").fetchone()
        return found


def fill_from(path: Path, key: bytes | None, to: Path) -> Iterator[int]:
    """Copy a file of a backup under the same key; yields the bytes just copied."""
    with opened(path, key) as source, translated(to):
        target: Database = apsw.Connection(str(to))
        try:
            unlock(target, key)
            yield from _pages(source, target)
        finally:
            target.close()
