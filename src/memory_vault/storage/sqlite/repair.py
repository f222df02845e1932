"""What is wrong with a file, and setting a damaged one aside so that the others work on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from ...errors import NotAVault, StorageError
from ...models import Problem
from .connection import Database, close, translated
from .files import make_folder, sync_folder, user_path
from .memories import spare_tables
from .schema import CATALOG, CHUNKS_PER_VERSION, USER, Schema

DAMAGED = "damaged"
"""Folder of files that a repair set aside."""
_ADVICE = (
    "`memory-vault doctor --repair` sets this file aside; restore the user from a backup. Other "
    "users are not affected"
)
Connect = Callable[[Path, Schema], apsw.Connection]

_ROWS: tuple[tuple[str, str], ...] = (
    (
        "versions without embeddings",
        "SELECT count(*) FROM memories m WHERE NOT EXISTS (SELECT 1 FROM chunks "
        "WHERE row BETWEEN m.seq * ?1 AND (m.seq + 1) * ?1 - 1)",
    ),
    (
        "embeddings of another length",
        "SELECT count(*) FROM chunks WHERE length(embedding) <> "
        "(SELECT max(length(embedding)) FROM chunks) OR length(words) % 4 <> 0 OR ?1 < 0",
    ),
)
"""What a user's file must not hold, with the statement that counts it."""
_ORPHANS = "FROM {} WHERE NOT EXISTS (SELECT 1 FROM memories WHERE seq = row / ?)"
"""Embeddings of no version, in one table."""


def problem_of(connect: Connect, path: Path, data_dir: Path) -> Problem | None:
    """Read a file from end to end; None if nothing is wrong, or if it has gone."""
    is_user = path.parent != data_dir
    advice = _ADVICE if is_user else "`memory-vault doctor --repair` makes it anew from the others"
    try:
        db: Database = connect(path, USER if is_user else CATALOG)
    except StorageError as error:
        return Problem(None, str(error), advice) if path.exists() else None
    user_id: str | None = None
    try:
        with translated(path):
            (said,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                return Problem(None, f"{path}: {said}", advice)
            if is_user:
                (user_id,) = db.execute("SELECT user_id FROM meta").fetchone()
                return _problem_of_user(db, path, data_dir, str(user_id))
    except StorageError as error:
        return Problem(user_id, str(error), advice)
    finally:
        close(db)
    return None


def _problem_of_user(db: Database, path: Path, data_dir: Path, user_id: str) -> Problem | None:
    if user_path(data_dir, user_id) != path:
        return Problem(user_id, f"{path} is not where user {user_id!r} belongs", _ADVICE)
    for name, count in _ROWS:
        (found,) = db.execute(count, (CHUNKS_PER_VERSION,)).fetchone()
        if found:
            what = f"{path} has {found} {name}: recall does not see all of it"
            return Problem(user_id, what, "export this user, forget_all(), import: it embeds anew")
    if found := orphans(db):
        what = f"{path} has {found} embeddings of no version: perhaps of what was forgotten"
        return Problem(user_id, what, "`memory-vault doctor --repair` deletes them")
    return None


def orphans(db: Database) -> int:
    """How many embeddings of no version a user's file has."""
    return sum(
        db.execute(f"SELECT count(*) {_ORPHANS.format(table)}", (CHUNKS_PER_VERSION,)).fetchone()[0]
        for table in ("chunks", *spare_tables(db))
    )


def drop_orphans(db: Database) -> int:
    """Delete them; how many there were."""
    count = 0
    for table in ("chunks", *spare_tables(db)):
        db.execute(f"DELETE {_ORPHANS.format(table)}", (CHUNKS_PER_VERSION,))
        count += db.changes()
    return count


def is_unreadable(connect: Connect, path: Path) -> bool:
    """Whether a file is damaged, or no file of a vault.

    Raises:
        StorageError: If that cannot be said: another process has the lock, a newer version wrote
            it, or it may not be read.
    """
    is_user = path.parent.parent.name == "users"
    try:
        db: Database = connect(path, USER if is_user else CATALOG)
    except NotAVault:
        return path.exists()
    try:
        with translated(path):
            (said,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            return bool(said != "ok")
    except NotAVault:
        return True
    finally:
        close(db)


def set_aside(data_dir: Path, path: Path, what: str) -> Path:
    """Move a file, with all that belongs to it, into a folder of its own with a note."""
    folder = data_dir / DAMAGED / f"{path.stem[:16]}-{time.time_ns()}"
    make_folder(folder)
    for one in sorted(path.parent.glob(f"{path.stem}.*")):
        one.replace(folder / one.name)
    write_note(folder / "note.txt", what)
    sync_folder(folder)
    sync_folder(path.parent)
    return folder


def discard(data_dir: Path, path: Path) -> int:
    """Remove what was ever set aside of a user's file; how many folders there were."""
    found = sorted((data_dir / DAMAGED).glob(f"{path.stem[:16]}-*"))
    for folder in found:
        for one in sorted(folder.iterdir()):
            one.unlink()
        folder.rmdir()
    return len(found)


def write_note(path: Path, text: str) -> None:
    """Write a few lines for whoever finds the folder."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{text}\n".encode("utf-8", "replace"))
    finally:
        os.close(handle)
