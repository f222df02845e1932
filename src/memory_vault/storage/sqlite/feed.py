"""What the in-memory index reads: rows after the last one it saw, and changes to older ones."""

from __future__ import annotations

from collections.abc import Callable

from ..index import IndexChange, IndexRow
from .connection import Database
from .schema import CHUNKS_PER_VERSION

_ROWS = """
    SELECT seq, id, position, session_id, role, memory_type, origin, importance, compressed,
        occurred_at, recorded_at, changed_at, superseded_at, valid_from, valid_to, token_count
    FROM memories WHERE seq > ? ORDER BY seq LIMIT ?
"""


class Feed:
    """One user's index feed inside one transaction; see `IndexFeed` for the meaning."""

    def __init__(self, connection: Database, generation: int, check: Callable[[], None]) -> None:
        self._db, self._generation, self._check = connection, generation, check

    def generation(self) -> int:
        """Another number than before means: start anew."""
        return self._generation

    def rows_after(self, version: int, limit: int) -> list[IndexRow]:
        """The next versions by number, with their chunks."""
        rows = self._db.execute(_ROWS, (version, limit)).fetchall()
        if not rows:
            return []
        chunks: dict[int, list[tuple[bytes, bytes]]] = {row[0]: [] for row in rows}
        found = self._db.execute(
            "SELECT row, embedding, words FROM chunks WHERE row BETWEEN ? AND ? ORDER BY row",
            (rows[0][0] * CHUNKS_PER_VERSION, (rows[-1][0] + 1) * CHUNKS_PER_VERSION - 1),
        )
        for row, embedding, words in found:
            chunks[row // CHUNKS_PER_VERSION].append((embedding, words))
        return [
            IndexRow._make((*row[:8], bool(row[8]), *row[9:], tuple(chunks[row[0]])))
            for row in rows
        ]

    def changes_after(self, seq: int) -> list[IndexChange]:
        """Changes to rows that were there before, in order."""
        rows = self._db.execute(
            "SELECT seq, version, superseded_at FROM changes WHERE seq > ? ORDER BY seq", (seq,)
        )
        return [IndexChange(*row) for row in rows]

    def check(self) -> None:
        """Stop here if the unit was told to."""
        self._check()
