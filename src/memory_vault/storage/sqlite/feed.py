"""What indexes read: rows after the last one they saw, and changes to older ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..index import IndexChange, IndexRow, Mark
from .connection import Database
from .schema import CHUNKS_PER_VERSION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS = """
    SELECT seq, id, position, session_id, role, memory_type, origin, importance, compressed,
        derived_from IS NOT NULL AND role != 'summary',
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
        """The next versions by number, with their chunks; chunks of no version are passed over."""
        rows = self._db.execute(_ROWS, (version, limit)).fetchall()
        if not rows:
            return []
        chunks: dict[int, list[tuple[bytes, bytes]]] = {row[0]: [] for row in rows}
        found = self._db.execute(
            "SELECT row, embedding, words FROM chunks WHERE row BETWEEN ? AND ? ORDER BY row",
            (rows[0][0] * CHUNKS_PER_VERSION, (rows[-1][0] + 1) * CHUNKS_PER_VERSION - 1),
        )
        for row, embedding, words in found:
            if (version := row // CHUNKS_PER_VERSION) in chunks:
                chunks[version].append((embedding, words))
        return [
            IndexRow._make((*row[:8], bool(row[8]), bool(row[9]), *row[10:], tuple(chunks[row[0]])))
            for row in rows
        ]

    def changes_after(self, seq: int) -> list[IndexChange]:
        """Changes to rows that were there before, in order."""
        rows = self._db.execute(
            "SELECT seq, version, superseded_at FROM changes WHERE seq > ? ORDER BY seq", (seq,)
        )
        return [IndexChange(*row) for row in rows]

    def embeddings(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """The embeddings of some chunks, which must be there."""
        import numpy as np

        rows = self._db.execute(
            "SELECT c.embedding FROM json_each(?) one CROSS JOIN chunks c ON c.row = one.value",
            (json.dumps(numbers.tolist()),),
        )
        packed = b"".join(row[0] for row in rows)
        return np.frombuffer(packed, "<f4").reshape(len(numbers), -1) if len(numbers) else _none()

    # what an outer index takes in -----------------------------------------------------------------

    def end(self) -> Mark:
        """How far the file goes."""
        row = self._db.execute("SELECT fingerprint, created_at, generation FROM meta").fetchone()
        kind, created_at, generation = row or (None, 0, 0)
        last = dict(self._db.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        return Mark(
            kind or "",
            f"{created_at}.{generation}",
            last.get("memories", 0),
            last.get("changes", 0),
        )

    def count(self) -> int:
        """How many chunks there are."""
        (count,) = self._db.execute("SELECT count(*) FROM chunks").fetchone()
        return int(count)

    def chunks_after(
        self, version: int, limit: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Numbers and embeddings of the chunks of the next versions, about `limit` of them.

        A version's chunks are not parted.
        """
        import numpy as np

        numbers: list[int] = []
        packed: list[bytes] = []
        found = self._db.execute(
            "SELECT row, embedding FROM chunks WHERE row >= ? ORDER BY row",
            ((version + 1) * CHUNKS_PER_VERSION,),
        )
        for number, embedding in found:
            is_next = (
                not numbers or number // CHUNKS_PER_VERSION != numbers[-1] // CHUNKS_PER_VERSION
            )
            if is_next and len(numbers) >= limit:
                break
            numbers.append(number)
            packed.append(embedding)
        if not numbers:
            return np.zeros(0, np.int64), _none()
        rows = np.frombuffer(b"".join(packed), "<f4").reshape(len(numbers), -1)
        return np.array(numbers, np.int64), rows

    def gone_after(self, change: int) -> list[int]:
        """Numbers of the chunks that went since a change."""
        return [
            version * CHUNKS_PER_VERSION + i
            for version, chunks in self._db.execute(
                "SELECT version, chunks FROM changes WHERE seq > ? AND superseded_at IS NULL",
                (change,),
            )
            for i in range(chunks)
        ]

    def without(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some numbers that no chunk has."""
        import numpy as np

        rows = np.fromiter((row[0] for row in self._db.execute("SELECT row FROM chunks")), np.int64)
        return np.setdiff1d(numbers, rows)

    def check(self) -> None:
        """Stop here if the unit was told to."""
        self._check()


def _none() -> NDArray[np.float32]:
    import numpy as np

    return np.zeros((0, 0), np.float32)
