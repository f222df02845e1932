"""What the catalog says of background work: whose file has some, so that no other is opened.

A hint is written before the user's commit and taken back under the user's lock, when there is
nothing to do. So a file with work always has one; one without work may have one, until somebody
looks. Lost hints are made anew from the files. Everything here blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from . import spaces
from .catalog import Catalog
from .connection import Database
from .jobs import Jobs

T = TypeVar("T")


class Hints:
    """The store's notes of work, and the jobs of the whole vault beside them.

    Args:
        catalog: Where they stand.

    Attributes:
        fresh: Users for whom work was noted since somebody looked here.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.fresh: set[str] = set()

    def note(self, user_id: str) -> None:
        """Say that a user's file will have work; called before it is committed there."""
        if self._catalog.read(lambda db: _is_noted(db, user_id)):
            self.fresh.add(user_id)
            return
        self._catalog.write(
            lambda db: db.execute(
                "INSERT INTO hints (user_id, is_waiting) VALUES (?, 1) "
                "ON CONFLICT (user_id) DO UPDATE SET is_waiting = 1",
                (user_id,),
            )
        )
        self.fresh.add(user_id)

    def settle(self, user_id: str, counts: tuple[int, int]) -> None:
        """Say what a user's file has; called under that file's lock, with nothing changed there."""
        waiting, failed = counts
        if not waiting and not failed:
            self._catalog.write(
                lambda db: db.execute("DELETE FROM hints WHERE user_id = ?", (user_id,))
            )
            return
        self._catalog.write(
            lambda db: db.execute(
                "INSERT OR REPLACE INTO hints (user_id, is_waiting, failed) VALUES (?, ?, ?)",
                (user_id, bool(waiting), failed),
            )
        )

    def after(self, user_id: str, limit: int) -> list[str]:
        """The next users who have work, by id."""

        def look(db: Database) -> list[str]:
            rows = db.execute(
                "SELECT user_id FROM hints WHERE user_id > ? AND is_waiting "
                "ORDER BY user_id LIMIT ?",
                (user_id, limit),
            )
            return [row[0] for row in rows]

        return self._catalog.read(look)

    def failed(self) -> int:
        """How many jobs failed for good, of all users and of the vault."""

        def look(db: Database) -> int:
            (count,) = db.execute("SELECT coalesce(sum(failed), 0) FROM hints").fetchone()
            return int(count) + Jobs(db, None, 0).counts()[1]

        return self._catalog.read(look)

    def space(self) -> str | None:
        """The fingerprint that all users are being moved to; None if the vault never switched."""
        found = self._catalog.read(spaces.known)
        return found[0].fingerprint if found else None

    def of_vault(self, work: Callable[[Jobs], T], *, is_writing: bool) -> T:
        """Work with the jobs of the whole vault, in one transaction."""
        if is_writing:
            return self._catalog.write(lambda db: work(Jobs(db, None, time.time_ns() // 1_000)))
        return self._catalog.read(lambda db: work(Jobs(db, None, 0)))


def _is_noted(db: Database, user_id: str) -> bool:
    row = db.execute("SELECT 1 FROM hints WHERE user_id = ? AND is_waiting", (user_id,)).fetchone()
    return row is not None
