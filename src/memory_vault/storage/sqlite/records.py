"""Rows as they are, for export, import and restore: every version, with all its times."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .. import Chunk, Version
from .connection import Database
from .memories import spare_tables, text_hash
from .schema import CHUNKS_PER_VERSION, CONTENT_TABLES

_VERSION = (
    "id, session_id, memory_type, role, content, importance, occurred_at, recorded_at, changed_at, "
    "superseded_at, valid_from, valid_to, origin, derived_from, compressed, metadata"
)
_INSERT_VERSION = f"""
    INSERT INTO memories ({_VERSION}, seq, position, token_count, text_hash)
    VALUES ({", ".join("?" * 20)})
"""  # noqa: S608 - names of our own
_TABLES: dict[str, tuple[str, str, str]] = {
    "session": ("sessions", "id", "id, started_at, last_active_at, ended_at, metadata"),
    "preference": (
        "preferences",
        "seq",
        "key, value, confidence, recorded_at, superseded_at, source",
    ),
    "idempotency": ("idempotency", "key", "key, digest, at, result"),
}
"""Kind of a record to its table, the key that orders it, and its columns."""
_HOLDS_CONTENT = ("memories", "sessions", "preferences")
_GROUP = 500
Row = tuple[Any, ...]


class Records:
    """What copies read and write inside one transaction."""

    def __init__(self, connection: Database) -> None:
        self._db = connection

    # reading -------------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether there is no memory, session or preference, current or former."""
        return not any(
            self._db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608
            for table in _HOLDS_CONTENT
        )

    @property
    def fingerprint(self) -> str | None:
        """The kind of the embeddings; None where there are none."""
        row = self._db.execute(
            "SELECT fingerprint FROM meta WHERE EXISTS (SELECT 1 FROM memories)"
        ).fetchone()
        return row[0] if row else None

    def counts(self) -> dict[str, int]:
        """Rows by kind; `memory` counts current versions, `version` former ones."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM memories WHERE superseded_at IS NULL), "
            "(SELECT count(*) FROM memories WHERE superseded_at IS NOT NULL), "
            "(SELECT count(*) FROM sessions), (SELECT count(*) FROM preferences), "
            "(SELECT count(*) FROM idempotency)"
        ).fetchone()
        kinds = ("memory", "version", "session", "preference", "idempotency")
        return dict(zip(kinds, row, strict=True))

    def versions_after(self, seq: int, limit: int) -> list[tuple[int, Version]]:
        """The next versions by number, with their chunks."""
        rows = self._db.execute(
            f"SELECT seq, {_VERSION} FROM memories WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
            (seq, limit),
        ).fetchall()
        return [(row[0], _version(row[1:], self._chunks(row[0]))) for row in rows]

    def _chunks(self, seq: int) -> tuple[Chunk, ...]:
        rows = self._db.execute(
            "SELECT start, stop, embedding, words FROM chunks "
            "WHERE row BETWEEN ? AND ? ORDER BY row",
            (seq * CHUNKS_PER_VERSION, (seq + 1) * CHUNKS_PER_VERSION - 1),
        )
        return tuple(Chunk(*row) for row in rows)

    def rows_after(self, kind: str, key: int | str | None, limit: int) -> list[tuple[Any, Row]]:
        """The next rows of sessions, preferences or idempotency keys, each after its key."""
        table, order, columns = _TABLES[kind]
        rows = self._db.execute(
            f"SELECT {order}, {columns} FROM {table} "  # noqa: S608 - names of our own
            f"WHERE ?1 IS NULL OR {order} > ?1 ORDER BY {order} LIMIT ?2",
            (key, limit),
        ).fetchall()
        return [(row[0], row[1:]) for row in rows]

    def last_version(self, memory_id: str) -> tuple[int, int, int | None] | None:
        """Position, recorded_at and superseded_at of a memory's newest version, or None."""
        row: tuple[int, int, int | None] | None = self._db.execute(
            "SELECT position, recorded_at, superseded_at FROM memories WHERE id = ? "
            "ORDER BY seq DESC LIMIT 1",
            (memory_id,),
        ).fetchone()
        return row

    def has_current_preference(self, key: str) -> bool:
        """Whether a value of this key is in force."""
        row = self._db.execute(
            "SELECT 1 FROM preferences WHERE key = ? AND superseded_at IS NULL", (key,)
        ).fetchone()
        return row is not None

    def has(self, kind: str, key: str) -> bool:
        """Whether there is a row under this key."""
        table, order, _ = _TABLES[kind]
        row = self._db.execute(f"SELECT 1 FROM {table} WHERE {order} = ?", (key,)).fetchone()  # noqa: S608
        return row is not None

    def without_chunks(self, seq: int, limit: int) -> list[tuple[int, str, str]]:
        """Number, content and role of the next versions that have no chunk yet."""
        rows: list[tuple[int, str, str]] = self._db.execute(
            "SELECT seq, content, role FROM memories m WHERE seq > ?1 AND NOT EXISTS "
            "(SELECT 1 FROM chunks WHERE row BETWEEN m.seq * ?2 AND (m.seq + 1) * ?2 - 1) "
            "ORDER BY seq LIMIT ?3",
            (seq, CHUNKS_PER_VERSION, limit),
        ).fetchall()
        return rows

    # writing -------------------------------------------------------------------------------------

    def add_version(self, seq: int, position: int, version: Version, token_count: int) -> None:
        """Insert one version under a number of the caller's."""
        v = version
        derived = json.dumps(v.derived_from) if v.derived_from else None
        self._db.execute(
            _INSERT_VERSION,
            (
                *(v.id, v.session_id, v.memory_type, v.role, v.content, v.importance),
                *(v.occurred_at, v.recorded_at, v.changed_at, v.superseded_at),
                *(v.valid_from, v.valid_to, v.origin, derived, v.compressed, v.metadata),
                *(seq, position, token_count, text_hash(v.content)),
            ),
        )
        self.add_chunks(seq, v.chunks)

    def add_chunks(self, seq: int, chunks: Iterable[Chunk]) -> None:
        """Insert the chunks of a version."""
        self._db.executemany(
            "INSERT INTO chunks (row, start, stop, embedding, words) VALUES (?, ?, ?, ?, ?)",
            [
                (seq * CHUNKS_PER_VERSION + i, one.start, one.stop, one.embedding, one.words)
                for i, one in enumerate(chunks)
            ],
        )

    def add_row(self, kind: str, row: Row) -> None:
        """Insert a session, a preference or an idempotency key."""
        table, _, columns = _TABLES[kind]
        marks = ", ".join("?" * len(row))
        self._db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608

    def set_meta(self, *, fingerprint: str | None, clock: int) -> None:
        """Note the kind of the embeddings and the newest moment of the rows."""
        self._db.execute("UPDATE meta SET fingerprint = ?, clock = ?", (fingerprint, clock))

    def become(self, source: Database, check: Callable[[], None]) -> None:
        """Take over all content of another file of the same schema, in place of one's own.

        Under a new generation number, so that every index of this file starts anew.
        """
        for table in CONTENT_TABLES:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
        for table in CONTENT_TABLES:
            rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608
            for group in _groups(rows):
                check()
                marks = ", ".join("?" * len(group[0]))
                self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", group)  # noqa: S608
        for table in spare_tables(self._db):
            self._db.execute(f"DROP TABLE {table}")
        meta = source.execute("SELECT fingerprint, clock, created_at FROM meta").fetchone()
        self._db.execute(
            "UPDATE meta SET generation = generation + 1, fingerprint = ?, target = NULL, "
            "clock = max(clock, ?), "
            "created_at = coalesce(nullif(?, 0), created_at)",
            meta,
        )


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def _version(row: Sequence[Any], chunks: tuple[Chunk, ...]) -> Version:
    return Version(
        id=row[0],
        session_id=row[1],
        memory_type=row[2],
        role=row[3],
        content=row[4],
        importance=row[5],
        occurred_at=row[6],
        recorded_at=row[7],
        changed_at=row[8],
        superseded_at=row[9],
        valid_from=row[10],
        valid_to=row[11],
        origin=row[12],
        derived_from=tuple(json.loads(row[13])) if row[13] else (),
        compressed=bool(row[14]),
        metadata=row[15],
        chunks=chunks,
    )
