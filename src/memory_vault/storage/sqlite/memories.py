"""The `memories` and `chunks` tables: every version of every memory of one user."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..._times import optional_moment, to_moment
from ...models import Change, Memory, Page
from .. import Chunk, Cursor, NewMemory, next_cursor
from .connection import Database
from .schema import CHUNKS_PER_VERSION, SPARE_CHUNKS

_COLUMNS = (
    "id, session_id, memory_type, role, content, importance, occurred_at, recorded_at, "
    "valid_from, valid_to, origin, derived_from, compressed, token_count, metadata"
)
_VERSION_COLUMNS = "seq, position, changed_at, superseded_at, text_hash"
_INSERT = """
    INSERT INTO memories (seq, id, position, session_id, memory_type, role, content, importance,
        occurred_at, recorded_at, changed_at, valid_from, valid_to, origin, derived_from,
        compressed, token_count, metadata, text_hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_HISTORY_FIELDS = (
    "content",
    "memory_type",
    "importance",
    "occurred_at",
    "valid_from",
    "valid_to",
    "metadata",
    "session_id",
    "compressed",
)
_MANY = 500
Times = tuple[int, int | None, int]
"""`valid_from`, `valid_to` and `occurred_at` of a version."""


def text_hash(text: str) -> int:
    """A signed 64-bit number that finds equal texts fast; equality is then checked in full."""
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def to_memory(row: Sequence[Any], user_id: str) -> Memory:
    """A row of `_COLUMNS` as the value that callers get.

    By place and not by name, which is faster: a recall makes fifty.
    """
    id_, session_id, memory_type, role, content, importance, occurred, recorded = row[:8]
    start, end, origin, derived_from, compressed, token_count, metadata = row[8:15]
    return Memory(
        id_,
        user_id,
        session_id,
        memory_type,
        role,
        content,
        importance,
        optional_moment(occurred),
        to_moment(recorded),
        optional_moment(start),
        optional_moment(end),
        origin,
        tuple(json.loads(derived_from)) if derived_from else (),
        bool(compressed),
        token_count,
        json.loads(metadata) if metadata else {},
    )


def _groups(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Lists of bounded length, for statements with one mark a value."""
    group: list[Any] = []
    for value in values:
        group.append(value)
        if len(group) == _MANY:
            yield group
            group = []
    if group:
        yield group


def marks(count: int) -> str:
    """That many question marks, for a list in a statement."""
    return ", ".join("?" * count)


def spare_tables(db: Database) -> list[str]:
    """Those of `SPARE_CHUNKS` that a file has now."""
    rows = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return [row[0] for row in rows if row[0] in SPARE_CHUNKS]


class Memories:
    """What may be done with memories inside one transaction."""

    def __init__(self, connection: Database, user_id: str, now: int) -> None:
        self._db, self._user_id, self._now = connection, user_id, now

    # reading -------------------------------------------------------------------------------------

    def get(self, memory_id: str) -> Memory | None:
        """The current version."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM memories WHERE id = ? AND superseded_at IS NULL",  # noqa: S608
            (memory_id,),
        ).fetchone()
        return to_memory(row, self._user_id) if row else None

    def latest(self, memory_id: str) -> Memory | None:
        """The newest version, in force or withdrawn."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM memories WHERE id = ? ORDER BY seq DESC LIMIT 1",  # noqa: S608
            (memory_id,),
        ).fetchone()
        return to_memory(row, self._user_id) if row else None

    def get_many(self, memory_ids: Iterable[str]) -> dict[str, Memory]:
        """Current versions by id; ids that do not exist are missing."""
        found = {}
        for group in _groups(memory_ids):
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM memories WHERE superseded_at IS NULL "  # noqa: S608
                f"AND id IN ({marks(len(group))})",
                group,
            )
            found.update({row[0]: to_memory(row, self._user_id) for row in rows})
        return found

    def versions(self, versions: Iterable[int]) -> dict[int, Memory]:
        """Versions by number, current or former; numbers that do not exist are missing."""
        found = {}
        for group in _groups(versions):
            rows = self._db.execute(
                f"SELECT {_COLUMNS}, seq FROM memories WHERE seq IN ({marks(len(group))})",  # noqa: S608
                group,
            )
            found.update({row[15]: to_memory(row, self._user_id) for row in rows})
        return found

    def chunk_spans(self, version: int) -> list[tuple[int, int]]:
        """Character spans of a version's chunks, in text order."""
        rows = self._db.execute(
            "SELECT start, stop FROM chunks WHERE row BETWEEN ? AND ? ORDER BY row",
            _chunk_range(version),
        )
        return [(start, stop) for start, stop in rows]

    def words(self, versions: Iterable[int]) -> dict[int, bytes]:
        """Hashed search terms of versions, all chunks together, by version number."""
        found = {}
        for version in versions:
            rows = self._db.execute(
                "SELECT words FROM chunks WHERE row BETWEEN ? AND ? ORDER BY row",
                _chunk_range(version),
            )
            found[version] = b"".join(row[0] for row in rows)
        return found

    def chunks(self, version: int) -> tuple[Chunk, ...]:
        """A version's chunks with their embeddings, in text order."""
        rows = self._db.execute(
            "SELECT start, stop, embedding, words FROM chunks "
            "WHERE row BETWEEN ? AND ? ORDER BY row",
            _chunk_range(version),
        )
        return tuple(Chunk(*row) for row in rows)

    def history(self, memory_id: str) -> tuple[Change, ...]:
        """Every version, oldest first; empty if there is no such memory."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS}, changed_at, superseded_at FROM memories "  # noqa: S608
            "WHERE id = ? ORDER BY seq",
            (memory_id,),
        )
        changes: list[Change] = []
        for row in rows:
            memory = to_memory(row, self._user_id)
            before = changes[-1].memory if changes else memory
            fields = tuple(f for f in _HISTORY_FIELDS if getattr(memory, f) != getattr(before, f))
            changes.append(Change(memory, to_moment(row[15]), optional_moment(row[16]), fields))
        return tuple(changes)

    def page(
        self,
        *,
        memory_type: str | None,
        session_id: str | None,
        since: int | None,
        until: int | None,
        include_compressed: bool,
        size: int,
        after: Cursor | None,
    ) -> Page[Memory]:
        """Current memories by (recorded_at, id)."""
        tests, values = ["superseded_at IS NULL"], list[Any]()
        for test, value in (
            ("memory_type = ?", memory_type),
            ("session_id = ?", session_id),
            ("coalesce(occurred_at, recorded_at) >= ?", since),
            ("coalesce(occurred_at, recorded_at) < ?", until),
        ):
            if value is not None:
                tests.append(test)
                values.append(value)
        if not include_compressed:
            tests.append("compressed = 0")
        if after is not None:
            tests.append("(recorded_at, id) > (?, ?)")
            values += [after.key, after.id]
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM memories WHERE {' AND '.join(tests)} "  # noqa: S608
            "ORDER BY recorded_at, id LIMIT ?",
            [*values, size + 1],
        ).fetchall()
        items = tuple(to_memory(row, self._user_id) for row in rows[:size])
        return Page(items, next_cursor("memories", rows, size, key=7))

    def same_text(self, text: str, role: str) -> int | None:
        """The newest version with exactly this text and role; its embeddings can be shared."""
        row = self._db.execute(
            "SELECT seq FROM memories WHERE text_hash = ? AND content = ? AND role = ? "
            "ORDER BY seq DESC LIMIT 1",
            (text_hash(text), text, role),
        ).fetchone()
        return row[0] if row else None

    def duplicate_of(
        self, *, content: str, role: str, session_id: str | None, occurred_at: int | None
    ) -> tuple[str, str] | None:
        """The memory that already says this, and why it counts as the same.

        With a time: the same text, role, session and time. Without: the same text and role as the
        memory before it in the session.
        """
        if occurred_at is not None:
            row = self._db.execute(
                "SELECT id FROM memories WHERE text_hash = ? AND content = ? AND role = ? "
                "AND session_id IS ? AND occurred_at = ? AND superseded_at IS NULL "
                "ORDER BY seq LIMIT 1",
                (text_hash(content), content, role, session_id, occurred_at),
            ).fetchone()
            return (row[0], "same text, role, session and time") if row else None
        row = self._db.execute(
            "SELECT id, content, role FROM memories WHERE session_id IS ? "
            "AND superseded_at IS NULL AND derived_from IS NULL ORDER BY position DESC LIMIT 1",
            (session_id,),
        ).fetchone()
        if row and row[1] == content and row[2] == role:
            return row[0], "same text and role as the memory before it"
        return None

    def ids_of(
        self,
        *,
        session_id: str | None = None,
        origin: str | None = None,
        recorded_before: int | None = None,
        memory_type: str | None = None,
        include_former: bool = False,
    ) -> list[str]:
        """Ids of memories that meet all conditions given, oldest first.

        Args:
            include_former: Whether a former version that meets them is enough, of a memory that
                is in force still or was withdrawn.
        """
        tests, values = ["1" if include_former else "superseded_at IS NULL"], list[Any]()
        for test, value in (
            ("session_id = ?", session_id),
            ("recorded_at < ?", recorded_before),
            ("memory_type = ?", memory_type),
        ):
            if value is not None:
                tests.append(test)
                values.append(value)
        if origin is not None:
            tests.append("(origin = ? OR substr(origin, 1, length(?) + 1) = ? || ':')")
            values += [origin] * 3
        rows = self._db.execute(
            f"SELECT id FROM memories WHERE {' AND '.join(tests)} "  # noqa: S608
            "GROUP BY id ORDER BY min(position)",
            values,
        )
        return [row[0] for row in rows]

    def derived_from(self, memory_ids: Iterable[str]) -> list[str]:
        """Ids of memories that were made from any of these, even in part, at any remove."""
        found: dict[str, None] = {}
        pending = list(memory_ids)
        while pending:
            rows = self._db.execute(
                "SELECT DISTINCT m.id FROM memories m, json_each(m.derived_from) d "
                "WHERE m.derived_from IS NOT NULL "
                "AND d.value IN (SELECT value FROM json_each(?))",
                (json.dumps(pending),),
            )
            pending = [row[0] for row in rows if row[0] not in found]
            found.update(dict.fromkeys(pending))
        return list(found)

    def over(self, most: int) -> int:
        """How many more than so many current memories are not archived; 0 if not more."""
        if self._next() <= most:
            return 0  # there were never so many versions: nothing needs to be counted
        (count,) = self._db.execute(
            "SELECT count(*) FROM memories WHERE superseded_at IS NULL AND compressed = 0"
        ).fetchone()
        return max(0, int(count) - most)

    # writing -------------------------------------------------------------------------------------

    def add(self, new: NewMemory) -> Memory:
        """Insert a memory as its first version."""
        version = self._next()
        return self._insert(version, new, position=version, recorded_at=self._now)

    def replace(
        self, memory_id: str, values: Mapping[str, Any], chunks: tuple[Chunk, ...] | None
    ) -> Memory | None:
        """Close the current version and add the next one; None if there is no such memory.

        Args:
            values: Columns to change, in the store's own form.
            chunks: Chunks of the new content; None takes those of the version before.
        """
        row = self._db.execute(
            f"SELECT {_COLUMNS}, {_VERSION_COLUMNS} FROM memories "  # noqa: S608
            "WHERE id = ? AND superseded_at IS NULL",
            (memory_id,),
        ).fetchone()
        if row is None:
            return None
        old = dict(zip((_COLUMNS + ", " + _VERSION_COLUMNS).split(", "), row, strict=True))
        merged = {**old, **values}
        kept = self.chunks(old["seq"]) if chunks is None else chunks
        self._close(old["seq"])
        new = NewMemory(
            id=memory_id,
            session_id=merged["session_id"],
            memory_type=merged["memory_type"],
            role=merged["role"],
            content=merged["content"],
            importance=merged["importance"],
            occurred_at=merged["occurred_at"],
            origin=merged["origin"],
            token_count=merged["token_count"],
            metadata=merged["metadata"],
            chunks=kept,
            derived_from=tuple(json.loads(merged["derived_from"] or "[]")),
            valid_from=merged["valid_from"],
            valid_to=merged["valid_to"],
            compressed=bool(merged["compressed"]),
        )
        return self._insert(
            self._next(), new, position=old["position"], recorded_at=old["recorded_at"]
        )

    def withdraw(self, memory_id: str) -> None:
        """Close the current version without a next one: there is no such memory from now on."""
        for (version,) in self._db.execute(
            "SELECT seq FROM memories WHERE id = ? AND superseded_at IS NULL", (memory_id,)
        ).fetchall():
            self._close(version)

    def rewind(
        self, memory_id: str, told: Callable[[int], tuple[Times | None, Times | None]]
    ) -> bool:
        """Give a memory the times that its versions would have had, had something not been told.

        Versions that differ in nothing then become one. Every index of the file starts anew if
        anything changed. What was set by hand stays.

        Args:
            told: Gives for the moment of a version `valid_from`, `valid_to` and `occurred_at` as
                they were set, and as they are to be; None for what was not set.
        """
        is_changed = False
        for version, at, *times in self._db.execute(
            "SELECT seq, changed_at, valid_from, valid_to, occurred_at FROM memories WHERE id = ?",
            (memory_id,),
        ).fetchall():
            was, now = told(at)
            if now is not None and was == tuple(times) != now:
                self._db.execute(
                    "UPDATE memories SET valid_from = ?, valid_to = ?, occurred_at = ? "
                    "WHERE seq = ?",
                    (*now, version),
                )
                is_changed = True
        if is_changed:
            self._merge(memory_id)
            self._db.execute(  # what an index that starts anew would take for true again
                "DELETE FROM changes WHERE version IN (SELECT seq FROM memories WHERE id = ?)",
                (memory_id,),
            )
            self._db.execute("UPDATE meta SET generation = generation + 1 WHERE id = 1")
        return is_changed

    def _merge(self, memory_id: str) -> None:
        """Make one of versions that follow each other and are the same."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS}, seq, superseded_at FROM memories WHERE id = ? ORDER BY seq",  # noqa: S608
            (memory_id,),
        ).fetchall()
        spare = spare_tables(self._db)
        *kept, first, _ = rows[0]
        for *row, version, superseded_at in rows[1:]:
            if row != kept:
                kept, first = row, version
                continue
            self._remove_chunks(version, ("chunks", *spare))
            self._db.execute("DELETE FROM memories WHERE seq = ?", (version,))
            self._db.execute(
                "UPDATE memories SET superseded_at = ? WHERE seq = ?", (superseded_at, first)
            )

    def remove(self, memory_ids: Iterable[str]) -> dict[str, int]:
        """Delete every version of these memories with their chunks; counts by table."""
        counts = {"memories": 0, "versions": 0, "chunks": 0}
        spare = spare_tables(self._db)
        for memory_id in memory_ids:
            rows = self._db.execute(
                "SELECT seq FROM memories WHERE id = ?", (memory_id,)
            ).fetchall()
            for (version,) in rows:
                chunks = self._remove_chunks(version, ("chunks",))
                counts["chunks"] += chunks
                self._remove_chunks(version, spare)
                self._db.execute(
                    "INSERT INTO changes (version, chunks) VALUES (?, ?)", (version, chunks)
                )
            self._db.execute("DELETE FROM memories WHERE id = ?", (memory_id,))
            counts["versions"] += len(rows)
            counts["memories"] += bool(rows)
        return counts

    def _remove_chunks(self, version: int, tables: Iterable[str]) -> int:
        """Delete the chunks of a version from some tables; how many."""
        count = 0
        for table in tables:
            self._db.execute(
                f"DELETE FROM {table} WHERE row BETWEEN ? AND ?",  # noqa: S608 - names of our own
                _chunk_range(version),
            )
            count += self._db.changes()
        return count

    def _next(self) -> int:
        """The version number after the last that was ever used."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'memories'").fetchone()
        return (row[0] if row else 0) + 1

    def _close(self, version: int) -> None:
        self._db.execute(
            "UPDATE memories SET superseded_at = ? WHERE seq = ?", (self._now, version)
        )
        self._db.execute(
            "INSERT INTO changes (version, superseded_at) VALUES (?, ?)", (version, self._now)
        )

    def _insert(self, version: int, new: NewMemory, *, position: int, recorded_at: int) -> Memory:
        derived = json.dumps(new.derived_from) if new.derived_from else None
        self._db.execute(
            _INSERT,
            (
                *(version, new.id, position, new.session_id, new.memory_type, new.role),
                *(new.content, new.importance, new.occurred_at, recorded_at, self._now),
                *(new.valid_from, new.valid_to, new.origin, derived, new.compressed),
                *(new.token_count, new.metadata, text_hash(new.content)),
            ),
        )
        first = version * CHUNKS_PER_VERSION
        self._db.executemany(
            "INSERT INTO chunks (row, start, stop, embedding, words) VALUES (?, ?, ?, ?, ?)",
            [
                (first + i, chunk.start, chunk.stop, chunk.embedding, chunk.words)
                for i, chunk in enumerate(new.chunks)
            ],
        )
        return to_memory(
            (
                *(new.id, new.session_id, new.memory_type, new.role, new.content, new.importance),
                *(new.occurred_at, recorded_at, new.valid_from, new.valid_to, new.origin, derived),
                *(new.compressed, new.token_count, new.metadata),
            ),
            self._user_id,
        )


def _chunk_range(version: int) -> tuple[int, int]:
    """First and last row that chunks of a version may have."""
    return version * CHUNKS_PER_VERSION, (version + 1) * CHUNKS_PER_VERSION - 1
