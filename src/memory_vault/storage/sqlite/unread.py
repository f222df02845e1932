"""Which memories a language model is still to read: written with them, gone once they are read."""

from __future__ import annotations

from .connection import Database
from .jobs import Jobs

READ_FACTS = "read_facts"
"""The kind of the jobs that have a language model read facts."""


class Unread:
    """What may be done with that list inside one transaction."""

    def __init__(self, connection: Database, jobs: Jobs) -> None:
        self._db, self._jobs = connection, jobs

    def add(self, memory_id: str, after_s: float) -> None:
        """Have a memory read so many seconds from now, with all that is added until then."""
        self._db.execute("INSERT OR IGNORE INTO unread (memory) VALUES (?)", (memory_id,))
        self._jobs.add(READ_FACTS, after_s=after_s)

    def ids(self) -> list[str]:
        """All of them, in the order in which they were saved."""
        return [row[0] for row in self._db.execute("SELECT memory FROM unread ORDER BY memory")]

    def has(self, memory_id: str) -> bool:
        """Whether a memory is still to be read."""
        found = self._db.execute("SELECT 1 FROM unread WHERE memory = ?", (memory_id,))
        return found.fetchone() is not None

    def drop(self, memory_id: str) -> None:
        """Take a memory off, because it was read or is forgotten."""
        self._db.execute("DELETE FROM unread WHERE memory = ?", (memory_id,))
