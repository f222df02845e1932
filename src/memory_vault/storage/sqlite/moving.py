"""New chunks beside the old ones of one user, and the moment in which they take their place.

`fresh_chunks` is made for one target and filled while `chunks` serves; at the cut-over the tables
change names under a new generation number, so that every index starts anew; `old_chunks` is then
emptied a little at a time. Both tables are there only meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import Chunk
from .connection import Database
from .memories import spare_tables, text_hash
from .schema import CHUNKS_PER_VERSION

_HAS_FRESH = (
    "EXISTS (SELECT 1 FROM fresh_chunks WHERE row BETWEEN m.seq * ?1 AND (m.seq + 1) * ?1 - 1)"
)
_MISSING = f"""
    SELECT seq, content, role FROM memories m WHERE seq > ?2 AND NOT {_HAS_FRESH}
    ORDER BY seq LIMIT ?3
"""  # noqa: S608 - names of our own
_TWIN = f"""
    SELECT seq FROM memories m WHERE text_hash = ?2 AND content = ?3 AND role = ?4
    AND {_HAS_FRESH} ORDER BY seq DESC LIMIT 1
"""  # noqa: S608 - names of our own
_MAKE = """
    CREATE TABLE fresh_chunks (
        row INTEGER PRIMARY KEY,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        embedding BLOB NOT NULL,
        words BLOB NOT NULL
    )
"""


class Moving:
    """One user's way from one vector space to another, inside one transaction."""

    def __init__(self, connection: Database) -> None:
        self._db = connection

    def begin(self, target: str) -> int | None:
        """Make ready to gather chunks for this space: `making`; None if there is nothing to gather.

        What was gathered for another space is thrown away. A file without embeddings takes the
        space on at once.
        """
        row = self._db.execute("SELECT fingerprint, target FROM meta").fetchone()
        fingerprint, before = row or (target, None)  # there is no such user
        is_there = fingerprint in (None, target)
        if before is not None and (is_there or before != target):
            self._db.execute("DROP TABLE IF EXISTS fresh_chunks")
            self._db.execute("UPDATE meta SET target = NULL")
            before = None
        if fingerprint is None:
            self._db.execute("UPDATE meta SET fingerprint = ?", (target,))
        if is_there:
            return None
        if before is None:
            self._db.execute(_MAKE)
            self._db.execute("UPDATE meta SET target = ?", (target,))
        return self.making()

    def making(self) -> int:
        """Another number than before means that the tables may have been made anew."""
        return int(self._db.pragma("schema_version"))

    def is_for(self, target: str) -> bool:
        """Whether chunks for this space are being gathered."""
        row = self._db.execute("SELECT 1 FROM meta WHERE target = ?", (target,)).fetchone()
        return row is not None

    def is_under_way(self) -> bool:
        """Whether anything of a move is left in the file."""
        row = self._db.execute("SELECT 1 FROM meta WHERE target IS NOT NULL").fetchone()
        return row is not None or bool(spare_tables(self._db))

    def versions(self) -> int:
        """How many versions there are to move."""
        (count,) = self._db.execute("SELECT count(*) FROM memories").fetchone()
        return int(count)

    def missing(self, seq: int, limit: int, chars: int) -> list[tuple[int, str, str]]:
        """Number, content and role of the next versions without fresh chunks.

        Args:
            limit: Versions at most.
            chars: Characters after which no more are added.
        """
        found = []
        for row in self._db.execute(_MISSING, (CHUNKS_PER_VERSION, seq, limit)):
            found.append(row)
            chars -= len(row[1])
            if chars < 0:
                break
        return found

    def twin(self, content: str, role: str) -> int | None:
        """A version with fresh chunks, of the same words of the same speaker."""
        row = self._db.execute(
            _TWIN, (CHUNKS_PER_VERSION, text_hash(content), content, role)
        ).fetchone()
        return row[0] if row else None

    def copy(self, twin: int, seq: int) -> int:
        """Give a version the fresh chunks of its twin; how many, 0 if either is gone."""
        if not self.has(seq):
            return 0
        first = twin * CHUNKS_PER_VERSION
        self._db.execute(
            "INSERT OR IGNORE INTO fresh_chunks "
            "SELECT row + ?, start, stop, embedding, words FROM fresh_chunks "
            "WHERE row BETWEEN ? AND ?",
            (seq * CHUNKS_PER_VERSION - first, first, first + CHUNKS_PER_VERSION - 1),
        )
        return int(self._db.changes())

    def add(self, seq: int, chunks: Sequence[Chunk]) -> int:
        """Put the fresh chunks of a version down, unless it was forgotten; how many."""
        if not self.has(seq):
            return 0
        self._db.executemany(
            "INSERT OR IGNORE INTO fresh_chunks (row, start, stop, embedding, words) "
            "VALUES (?, ?, ?, ?, ?)",
            [
                (seq * CHUNKS_PER_VERSION + i, one.start, one.stop, one.embedding, one.words)
                for i, one in enumerate(chunks)
            ],
        )
        return len(chunks)

    def has(self, seq: int) -> bool:
        """Whether a version is still there."""
        row = self._db.execute("SELECT 1 FROM memories WHERE seq = ?", (seq,)).fetchone()
        return row is not None

    def cut_over(self, seq: int) -> bool:
        """Let the fresh chunks take the place of the old ones; False if any version lacks them.

        Args:
            seq: All up to this version are known to have them.
        """
        if self.missing(seq, 1, 0):
            return False
        for statement in (
            "DROP TABLE IF EXISTS old_chunks",
            "ALTER TABLE chunks RENAME TO old_chunks",
            "ALTER TABLE fresh_chunks RENAME TO chunks",
            "UPDATE meta SET fingerprint = target, target = NULL, generation = generation + 1",
        ):
            self._db.execute(statement).fetchall()
        return True

    def drop_old(self, limit: int) -> bool:
        """Overwrite some of the old chunks; False once there are none."""
        if "old_chunks" not in spare_tables(self._db):
            return False
        self._db.execute(
            "DELETE FROM old_chunks WHERE row IN (SELECT row FROM old_chunks LIMIT ?)", (limit,)
        )
        if self._db.changes() < limit:
            self._db.execute("DROP TABLE old_chunks")
        return True
