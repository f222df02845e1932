"""What a forget is to leave nowhere, read before it is deleted; and what may stand there still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..._shingles import EMBEDDING_STEP, TEXT_STEP, WIDTH, Collector, Shingles
from .connection import Database
from .memories import spare_tables
from .schema import CHUNKS_PER_VERSION

if TYPE_CHECKING:
    from ..._shingles import Places

_TEXTS = """
    SELECT id, coalesce(session_id, '') || memory_type || role || content, metadata,
        origin || coalesce(derived_from, '')
    FROM memories
"""
"""Columns that stand side by side in a row are one value."""
_CHUNKS = """
    SELECT m.id, c.embedding, c.words FROM memories m JOIN {} c
    ON c.row BETWEEN m.seq * ? AND (m.seq + 1) * ? - 1
"""
_PREFERENCES = "SELECT source, key || value FROM preferences"
_JOBS = "SELECT id, kind || arguments, error, result FROM jobs"
_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Sought:
    """What must be found nowhere once it is forgotten. Kept in memory only.

    Attributes:
        shingles: Windows of its texts, embeddings, token ids and ids.
        memory_ids: Memories that are forgotten: what they say is no excuse for what is found.
        session_ids: Sessions that are.
    """

    shingles: Shingles = field(repr=False)
    memory_ids: frozenset[str] = field(repr=False)
    session_ids: frozenset[str] = field(default=frozenset(), repr=False)


class Traces:
    """What of one user's file names or tells of certain memories."""

    def __init__(self, connection: Database) -> None:
        self._db = connection

    def of(self, memory_ids: Iterable[str], session_id: str | None) -> Sought:
        """Everything that forgetting these memories, and maybe a session, has to remove."""
        ids, into = list(memory_ids), Collector()
        for memory_id in ids:
            for value in self._of_memory(memory_id):
                into.add(value)
            where = " WHERE m.id = ?"
            self._add_chunks(into, where, (memory_id,))
        sessions = frozenset[str]() if session_id is None else frozenset([session_id])
        for one in sessions:
            rows = self._db.execute("SELECT id, metadata FROM sessions WHERE id = ?", (one,))
            for value in _values(rows):
                into.add(value)
        return Sought(into.shingles(), frozenset(ids), sessions)

    def everything(self, name: str | None) -> Sought:
        """All that the file holds, and the user's name if it is to go too."""
        into = Collector()
        for value in self._all_texts(frozenset(), frozenset()):
            into.add(value)
        self._add_chunks(into, "", ())
        if name is not None:
            into.add(name.encode())
        ids = frozenset(row[0] for row in self._db.execute("SELECT id FROM memories"))
        return Sought(
            into.shingles(),
            ids,
            frozenset(row[0] for row in self._db.execute("SELECT id FROM sessions")),
        )

    def unexplained(self, sought: Sought, places: Places, names: Iterable[str]) -> Places:
        """Which of those that were found no surviving memory, preference, session or name has."""
        left, shingles = places, sought.shingles.only(places)
        for data, step in self._surviving(sought, names):
            if not len(left):
                break
            found = shingles.found_in(data, step)
            if len(found):
                left = np.delete(left, found)
                shingles = sought.shingles.only(left)
        return left

    def _surviving(self, sought: Sought, names: Iterable[str]) -> Iterator[tuple[bytes, int]]:
        """What remains, in large pieces."""
        texts = self._all_texts(sought.memory_ids, sought.session_ids)
        for piece in _joined([*(name.encode() for name in names)]):
            yield piece, 1
        for piece in _joined(texts):
            yield piece, 1
        chunks = (e + w for i, e, w in self._chunks("", ()) if i not in sought.memory_ids)
        for piece in _joined(chunks):
            yield piece, 4

    def _of_memory(self, memory_id: str) -> Iterator[bytes]:
        one = self._db.execute
        yield from _values(one(f"{_TEXTS} WHERE id = ?", (memory_id,)))
        yield from _values(one(f"{_PREFERENCES} WHERE source = ?", (memory_id,)))
        yield from _values(
            one("SELECT key, result FROM idempotency WHERE instr(result, ?)", (memory_id,))
        )
        about = " WHERE instr(arguments || error || coalesce(result, ''), ?)"
        yield from _values(one(_JOBS + about, (memory_id,)))

    def _all_texts(self, but: frozenset[str], but_sessions: frozenset[str]) -> Iterator[bytes]:
        """Every value that is text, but those of some memories and sessions."""
        one = self._db.execute
        yield from _values(row for row in one(_TEXTS) if row[0] not in but)
        yield from _values(row for row in one(_PREFERENCES) if row[0] not in but)
        rows = one("SELECT id, metadata FROM sessions")
        yield from _values(row for row in rows if row[0] not in but_sessions)
        rows = one(
            "SELECT key, result FROM idempotency i WHERE NOT EXISTS (SELECT 1 FROM "
            "json_each(i.result) part, json_each(part.value) id WHERE id.value IN "
            "(SELECT value FROM json_each(?)))",
            (_as_json(but),),
        )
        yield from _values(rows)
        yield from _values(one(_JOBS))

    def _chunks(self, where: str, values: tuple[str, ...]) -> Iterator[tuple[str, bytes, bytes]]:
        for table in ("chunks", *spare_tables(self._db)):
            statement = _CHUNKS.format(table) + where
            yield from self._db.execute(statement, (CHUNKS_PER_VERSION,) * 2 + values)

    def _add_chunks(self, into: Collector, where: str, values: tuple[str, ...]) -> None:
        for _, embedding, words in self._chunks(where, values):
            into.add(embedding, EMBEDDING_STEP)
            into.add(embedding[-WIDTH + TEXT_STEP :] + words)


def _as_json(ids: frozenset[str]) -> str:
    import json

    return json.dumps(sorted(ids))


def _values(rows: Iterable[tuple[str | None, ...]]) -> Iterator[bytes]:
    for row in rows:
        yield from (value.encode() for value in row if value)


def _joined(values: Iterable[bytes]) -> Iterator[bytes]:
    """Values in pieces of some hundred kilobytes, so far apart that no window spans two."""
    group: list[bytes] = []
    size = 0
    for value in values:
        group.append(value + bytes(-len(value) % 4))
        size += len(value)
        if size > 1 << 18:
            yield bytes(WIDTH).join(group)
            group, size = [], 0
    if group:
        yield bytes(WIDTH).join(group)
