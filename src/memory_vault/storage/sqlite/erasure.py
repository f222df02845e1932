"""What proves that something is gone: files written anew, what to scan, what is still owed.

A forget that has to wait for a reader elsewhere leaves a note in the folder "new": the name of the
user's file, so that the next open finishes it. Everything here blocks.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from .connection import Database, translated
from .files import FilePool, make_folder, sync_folder, user_path
from .held import STAGING
from .keys import Keys
from .repair import DAMAGED
from .schema import CATALOG, USER, Schema
from .unit import Unit

_ENDINGS = ("", "-wal", "-shm", "-journal")
_STEPS = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a scan is to read.

    Attributes:
        files: As they are on the disk.
        encrypted: Databases to read decrypted as well, with the key of each.
        unreadable: Encrypted files that no key here opens.
    """

    files: tuple[Path, ...]
    encrypted: dict[Path, bytes] = field(repr=False)
    unreadable: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Owed:
    """A forget that waits for a reader elsewhere.

    Attributes:
        note: The file that tells the next open of it.
        path: The database to empty the log of.
        is_proven: Whether to write it anew too.
    """

    note: Path
    path: Path
    is_proven: bool


class Erasure:
    """The store's work to leave nothing behind.

    Args:
        data_dir: Folder of the vault.
        pool: The store's connections.
        keys: The store's keys.
    """

    def __init__(self, data_dir: Path, pool: FilePool, keys: Keys) -> None:
        self._dir, self._pool, self._keys = data_dir, pool, keys
        self._notes = data_dir / "new"
        self.catalog: Path = data_dir / "catalog.db"

    def path_of(self, user_id: str) -> Path:
        """The file of a user."""
        return user_path(self._dir, user_id)

    def empty_log(self, path: Path, *, rewrite: bool = False) -> Unit[bool]:
        """A unit that empties a log, maybe after writing the file anew without free pages.

        It says False if a reader elsewhere still needs the log. A unit that is told to stop
        while it rewrites leaves the file as it was.
        """

        def run(connection: Database, unit: Unit[bool]) -> bool:
            if rewrite:
                connection.set_progress_handler(lambda: unit.is_stopped, _STEPS)
                connection.execute("VACUUM")  # its copy is in memory: temp_store
                connection.set_progress_handler(None)
            try:
                row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except apsw.BusyError:
                return False
            if row[0] == 0:
                _sync_log(connection, "receipts" if path == self.catalog else "meta")
            return bool(row[0] == 0)

        return Unit(self._pool, path, self._schema(path), run, begin=None)

    def _schema(self, path: Path) -> Schema:
        return CATALOG if path == self.catalog else USER

    # scanning ------------------------------------------------------------------------------------

    def reading(self, user_id: str) -> Reading:
        """The files in which something of a user may stand."""
        path = user_path(self._dir, user_id)
        aside = sorted((self._dir / DAMAGED).glob(f"{path.stem[:16]}-*/*"))
        found = [
            *(Path(f"{path}{ending}") for ending in _ENDINGS),
            *(one for one in sorted(self._dir.iterdir())),
            *sorted((self._dir / DAMAGED).glob("catalog-*/*")),
            *sorted(self._notes.glob("*")),
            *sorted((self._dir / STAGING).glob("*")),
            *aside,
        ]
        files = tuple(one for one in found if one.is_file())
        if not self._keys.is_on:
            return Reading(files, {})
        keys = {one: self._keys.of(one) for one in (path, self.catalog) if one.exists()}
        kept = tuple(one for one in aside if one.suffix == ".db")
        return Reading(files, {one: key for one, key in keys.items() if key is not None}, kept)

    def names(self) -> list[str]:
        """Every user of the catalog."""

        def run(connection: Database, _: Unit[list[str]]) -> list[str]:
            return [row[0] for row in connection.execute("SELECT user_id FROM users")]

        return Unit(self._pool, self.catalog, CATALOG, run, begin="BEGIN").run()

    def secret(self) -> bytes:
        """The vault's own key of receipts."""

        def run(connection: Database, _: Unit[bytes]) -> bytes:
            (found,) = connection.execute("SELECT secret FROM receipts").fetchone()
            return bytes(found)

        return Unit(self._pool, self.catalog, CATALOG, run, begin="BEGIN").run()

    # what is owed --------------------------------------------------------------------------------

    def owe(self, path: Path, *, is_proven: bool) -> Owed:
        """Leave a note that the log of a file is still to be emptied."""
        make_folder(self._notes, durability="power")
        ending = "proven" if is_proven else "quick"
        note = self._notes / f"{path.stem}.{secrets.token_hex(4)}.{ending}"
        with translated(note):
            note.touch(mode=0o600)
        sync_folder(self._notes)
        return Owed(note, path, is_proven)

    def paid(self, owed: Owed) -> None:
        """Take the note away."""
        with translated(owed.note):
            owed.note.unlink(missing_ok=True)

    def owed(self) -> list[Owed]:
        """What earlier calls, here or in another process, left to do."""
        notes = sorted([*self._notes.glob("*.proven"), *self._notes.glob("*.quick")])
        return [Owed(note, self._path_of(note), note.suffix == ".proven") for note in notes]

    def _path_of(self, note: Path) -> Path:
        stem = note.name.partition(".")[0]
        if stem == self.catalog.stem:
            return self.catalog
        return self._dir / "users" / stem[:2] / f"{stem}.db"


def _sync_log(connection: Database, table: str) -> None:
    """Make the emptying of a log durable: a power loss could bring back what was in it.

    SQLite cuts the log without a sync and syncs it with the next write: here is one.
    """
    with suppress(apsw.BusyError):  # then another process is writing, and syncs it
        connection.execute(f"UPDATE {table} SET clock = clock + 1 WHERE id = 1")  # noqa: S608
