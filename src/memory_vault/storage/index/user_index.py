"""Everything that is searched of one user: embeddings, postings, and columns to filter by."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import IndexFeed, IndexRow
from .dense import DenseMatrix
from .lexical import Postings

_BATCH = 2_000
_DEAD_SHARE = 0.25
_NEVER, _ALWAYS = np.iinfo(np.int64).max, np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search may see; None means no condition. Times in microseconds UTC.

    Attributes:
        origins: Classes of trust, or exact origins with a detail.
        since: By occurred_at, else recorded_at; inclusive.
        until: The same; exclusive.
        as_of: What had happened then, and facts valid then.
        known_at: The versions in force then; None means the current ones.
        current_session: The session whose working memory is visible.
    """

    memory_types: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    origins: tuple[str, ...] | None = None
    session_id: str | None = None
    since: int | None = None
    until: int | None = None
    as_of: int | None = None
    known_at: int | None = None
    include_compressed: bool = False
    current_session: str | None = None


class _Codes:
    """Small numbers for strings that recur."""

    def __init__(self) -> None:
        self.numbers: dict[object, int] = {}

    def __getitem__(self, key: object) -> int:
        return self.numbers.setdefault(key, len(self.numbers))

    def __len__(self) -> int:
        return len(self.numbers)

    def matching(self, wanted: Iterable[object]) -> list[int]:
        """Numbers of those that were seen."""
        return [self.numbers[one] for one in wanted if one in self.numbers]


_COLUMNS: tuple[tuple[str, type[np.generic]], ...] = (
    ("version", np.int64),
    ("position", np.int64),
    ("session", np.int32),
    ("role", np.int32),
    ("kind", np.int32),
    ("origin", np.int32),
    ("importance", np.float32),
    ("compressed", np.bool_),
    ("occurred", np.int64),
    ("changed", np.int64),
    ("superseded", np.int64),
    ("valid_from", np.int64),
    ("valid_to", np.int64),
    ("chunk", np.int32),
)


class UserIndex:
    """The index of one user; a row is a chunk. Hold `lock` while using it.

    `occurred` holds when a memory happened, else when it was recorded. A memory without a session
    is grouped with those of the same save.

    Args:
        dimension: Length of an embedding.
    """

    def __init__(self, dimension: int) -> None:
        self.lock = threading.RLock()
        self._dimension = dimension
        self._generation: int | None = None
        self._start()

    def _start(self) -> None:
        self.dense, self.lexical = DenseMatrix(self._dimension), Postings()
        self.sessions, self.roles, self.kinds, self.origins = (_Codes() for _ in range(4))
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(0, dtype) for name, dtype in _COLUMNS
        }
        self._alive = np.zeros(0, np.bool_)
        self._last_version = self._last_change = 0

    def __len__(self) -> int:
        return len(self._alive)

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, near enough to keep within a budget."""
        columns = sum(column.nbytes for column in self._columns.values())
        return self.dense.nbytes + self.lexical.nbytes + columns

    def column(self, name: str) -> NDArray[Any]:
        """One attribute of every row; shape (n,)."""
        return self._columns[name]

    def refresh(self, feed: IndexFeed) -> None:
        """Take in what changed since the last time.

        Stopped between batches, it holds a consistent part and goes on from there next time.
        """
        if feed.generation() != self._generation:
            self._start()
            self._generation = feed.generation()
        while rows := feed.rows_after(self._last_version, _BATCH):
            self._add(rows)
            feed.check()
        for change in feed.changes_after(self._last_change):
            self._change(change.version, change.superseded_at)
            self._last_change = change.seq
        if len(self) and np.count_nonzero(self._alive) < (1 - _DEAD_SHARE) * len(self):
            self._compact()

    def _add(self, rows: list[IndexRow]) -> None:
        """Append the chunks of some versions."""
        chunks = [chunk for row in rows for chunk in row.chunks]
        count = [len(row.chunks) for row in rows]
        if chunks:
            packed = b"".join(embedding for embedding, _ in chunks)
            self.dense.add(np.frombuffer(packed, "<f4").reshape(len(chunks), self._dimension))
            self.lexical.add([np.frombuffer(words, "<u4") for _, words in chunks])
        values = np.array([self._values(row) for row in rows], np.int64).T
        weights = np.repeat([row.importance for row in rows], count)
        for (name, dtype), column in zip(_COLUMNS, values, strict=False):
            repeated = weights if name == "importance" else np.repeat(column, count)
            self._append(name, repeated.astype(dtype))
        ordinals = [np.arange(n) for n in count]
        self._append("chunk", np.concatenate(ordinals).astype(np.int32))
        self._alive = np.concatenate([self._alive, np.ones(len(chunks), np.bool_)])
        self._last_version = rows[-1].version

    def _values(self, row: IndexRow) -> tuple[int, ...]:
        """A row's columns, in order, as whole numbers; importance is filled in after."""
        group = row.session_id if row.session_id is not None else row.recorded_at
        return (
            *(row.version, row.position, self.sessions[group], self.roles[row.role]),
            *(self.kinds[row.memory_type], self.origins[row.origin], 0, row.compressed),
            row.recorded_at if row.occurred_at is None else row.occurred_at,
            *(row.changed_at, _NEVER if row.superseded_at is None else row.superseded_at),
            _ALWAYS if row.valid_from is None else row.valid_from,
            _NEVER if row.valid_to is None else row.valid_to,
        )

    def _append(self, name: str, values: NDArray[Any]) -> None:
        self._columns[name] = np.concatenate([self._columns[name], values])

    def _change(self, version: int, superseded_at: int | None) -> None:
        """Note that a version was superseded, or is gone."""
        versions = self._columns["version"]
        start = np.searchsorted(versions, version, "left")
        stop = np.searchsorted(versions, version, "right")
        if superseded_at is None:
            self._alive[start:stop] = False
        else:
            self._columns["superseded"][start:stop] = superseded_at

    def _compact(self) -> None:
        """Drop the rows that are gone."""
        keep = self._alive
        self.dense.compact(keep)
        self.lexical.compact(keep)
        self._columns = {name: column[keep] for name, column in self._columns.items()}
        self._alive = keep[keep]

    def visible(self, filters: Filters) -> NDArray[np.bool_]:
        """Which rows a search may see; shape (n,)."""
        seen = self._alive & self._in_force(filters)
        for name, codes, wanted in (
            ("kind", self.kinds, filters.memory_types),
            ("role", self.roles, filters.roles),
            (
                "session",
                self.sessions,
                None if filters.session_id is None else [filters.session_id],
            ),
        ):
            if wanted is not None:
                seen &= np.isin(self._columns[name], codes.matching(wanted))
        if filters.origins is not None:
            seen &= np.isin(self._columns["origin"], self._trusted(filters.origins))
        return seen & self._in_time(filters) & self._not_working_elsewhere(filters)

    def _in_force(self, filters: Filters) -> NDArray[np.bool_]:
        """Versions that were the current ones at `known_at`, or are now."""
        superseded = self._columns["superseded"]
        if filters.known_at is None:
            current: NDArray[np.bool_] = superseded == _NEVER
            return current
        known: NDArray[np.bool_] = self._columns["changed"] <= filters.known_at
        return known & (superseded > filters.known_at)

    def _in_time(self, filters: Filters) -> NDArray[np.bool_]:
        occurred = self._columns["occurred"]
        seen = np.ones(len(self), np.bool_)
        if filters.since is not None:
            seen &= occurred >= filters.since
        if filters.until is not None:
            seen &= occurred < filters.until
        if filters.as_of is not None:
            seen &= occurred <= filters.as_of
            seen &= self._columns["valid_from"] <= filters.as_of
            seen &= self._columns["valid_to"] > filters.as_of
        if not filters.include_compressed:
            seen &= ~self._columns["compressed"]
        return seen

    def _trusted(self, wanted: tuple[str, ...]) -> list[int]:
        """Origins that are one of these, or of one of these classes."""
        return [
            number
            for origin, number in self.origins.numbers.items()
            if origin in wanted or str(origin).partition(":")[0] in wanted
        ]

    def _not_working_elsewhere(self, filters: Filters) -> NDArray[np.bool_]:
        """Working memory is visible to its own session only."""
        here = self.sessions.numbers.get(filters.current_session, -1)
        seen: NDArray[np.bool_] = self._columns["session"] == here
        seen |= self._columns["kind"] != self.kinds.numbers.get("working", -1)
        return seen
