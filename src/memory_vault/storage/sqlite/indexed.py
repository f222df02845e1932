"""What the catalog says of the outer index: of whose files it has all.

A user is struck off before the commit of what the outer index lacks, and listed under the lock of
the user's file, when it has all. So whoever is listed needs no look. Everything here blocks.
"""

from __future__ import annotations

from .catalog import Catalog
from .connection import Database


class Indexed:
    """The store's list of users of whom the outer index has all.

    Args:
        catalog: Where it stands.

    Attributes:
        is_kept: Whether there is an outer index.
        fresh: Users who were struck off since somebody looked here.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.is_kept: bool = False
        self.fresh: set[str] = set()

    def strike(self, user_id: str) -> None:
        """Say that a user's file will have what the index lacks; called before the commit."""
        if self._catalog.read(lambda db: _is_listed(db, user_id)):
            self._catalog.write(
                lambda db: db.execute("DELETE FROM indexed WHERE user_id = ?", (user_id,))
            )
        self.fresh.add(user_id)

    def enter(self, user_id: str) -> None:
        """Say that the index has all of a user's file; called under that file's lock."""
        if not self._catalog.read(lambda db: _is_listed(db, user_id)):
            self._catalog.write(
                lambda db: db.execute(
                    "INSERT INTO indexed SELECT user_id FROM users WHERE user_id = ?", (user_id,)
                )
            )

    def clear(self) -> None:
        """Believe nothing: files are written without regard for an outer index."""
        if self._catalog.read(lambda db: db.execute("SELECT 1 FROM indexed LIMIT 1").fetchone()):
            self._catalog.write(lambda db: db.execute("DELETE FROM indexed"))

    def behind(self, user_id: str, limit: int) -> list[str]:
        """The next users after this one whose files are to be looked at, by id."""

        def look(db: Database) -> list[str]:
            rows = db.execute(
                "SELECT user_id FROM users WHERE user_id > ? "
                "AND user_id NOT IN (SELECT user_id FROM indexed) ORDER BY user_id LIMIT ?",
                (user_id, limit),
            )
            return [row[0] for row in rows]

        return self._catalog.read(look)


def _is_listed(db: Database, user_id: str) -> bool:
    row = db.execute("SELECT 1 FROM indexed WHERE user_id = ?", (user_id,)).fetchone()
    return row is not None
