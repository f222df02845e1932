"""Everything that is searched of one user: embeddings, postings, and columns to filter by."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models import FACT_TYPES
from ...text.speakers import SUMMARY
from . import Found, IndexChange, IndexFeed, IndexRow
from .columns import Codes, Column, give_back
from .dense import EXACT_ROWS, SEGMENT_ROWS, DenseMatrix
from .lexical import Postings
from .stored import StoredEmbeddings
from .view import BYTES_A_ROW, View

_BATCH = 2_000
_DEAD_SHARE = 0.25
_LARGE_BUILD = 20_000
_POSITION_BITS = 40
"""Version numbers stay below 2 ** 40, sessions of one user below 2 ** 23."""
_CODE_BYTES = 150
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

    def moment(self, now: int) -> int:
        """The moment from which is looked back."""
        return next(one for one in (self.as_of, self.known_at, now) if one is not None)


_COLUMNS: tuple[tuple[str, type[np.generic]], ...] = (
    ("version", np.int64),
    ("position", np.int64),
    ("session", np.int32),
    ("role", np.int32),
    ("kind", np.int32),
    ("origin", np.int32),
    ("compressed", np.bool_),
    ("read", np.bool_),
    ("happened", np.int64),
    ("recorded", np.int64),
    ("changed", np.int64),
    ("superseded", np.int64),
    ("valid_from", np.int64),
    ("valid_to", np.int64),
    ("tokens", np.int32),
    ("importance", np.float32),
    ("chunk", np.int32),
    ("alive", np.bool_),
)


class UserIndex:
    """The index of one user; a row is a chunk. Hold `lock` while using it.

    Promises, each a test in testing/index_suite.py:
    1. After `refresh` it shows what the truth holds, whatever it had read before.
    2. Stopped between batches, it is consistent and goes on from there next time.
    3. A failure within a batch leaves nothing behind: the next refresh starts anew.
    4. Another generation starts anew.
    5. `visible` shows what the filters say, and at most one version of a memory.
    6. What is kept from one search for the next never outlives a change.

    Columns: `position` is also the number of the memory, the same in all its versions. `happened`
    holds when a memory occurred, else when it was recorded. `session` is a number for each session;
    memories without a session are grouped by save, those that were read from others by themselves.

    Args:
        dimension: Length of an embedding.
        few_rows: With an outer index: embeddings are left in the file, and up to so many rows all
            are read there; see `StoredEmbeddings`. None: embeddings are kept here.
        exact_rows: Rows up to which embeddings are kept in float32; see `DenseMatrix`.
        segment_rows: Rows of a full segment of embeddings.
        resized: Told after each refresh, which may have changed `nbytes`.
    """

    def __init__(
        self,
        dimension: int,
        *,
        few_rows: int | None = None,
        exact_rows: int = EXACT_ROWS,
        segment_rows: int = SEGMENT_ROWS,
        resized: Callable[[UserIndex], None] | None = None,
    ) -> None:
        self._rows, self._resized = (exact_rows, segment_rows), resized
        self.few_rows: int | None = few_rows
        self.lock: AbstractContextManager[Any] = threading.RLock()
        self.dimension: int = dimension
        self.nbytes: int = 0
        """Bytes held after the last refresh; may be read without the lock."""
        self._generation: int | None = None
        self._start()

    def _start(self) -> None:
        self.dense: DenseMatrix | StoredEmbeddings = self._embeddings()
        self.lexical: Postings = Postings()
        self.sessions: Codes = Codes()
        self.roles: Codes = Codes()
        self.kinds: Codes = Codes()
        self.origins: Codes = Codes()
        self._columns = {name: Column(dtype) for name, dtype in _COLUMNS}
        self._forget_order()
        self._seen: tuple[Filters, NDArray[np.bool_]] | None = None
        self._view: tuple[NDArray[np.bool_], View] | None = None
        self._last_version = self._last_change = 0

    def _embeddings(self) -> DenseMatrix | StoredEmbeddings:
        if self.few_rows is not None:
            return StoredEmbeddings(weakref.proxy(self), few_rows=self.few_rows)
        exact, segment = self._rows
        return DenseMatrix(self.dimension, exact_rows=exact, segment_rows=segment)

    def _forget_order(self) -> None:
        self._order = self._places = np.zeros(0, np.int64)
        self._ordered = 0

    def __len__(self) -> int:
        return len(self._columns["alive"])

    @property
    def generation(self) -> int | None:
        """The generation of the file that it was read from; None before that."""
        return self._generation

    def column(self, name: str) -> NDArray[Any]:
        """One attribute of every row; shape (n,), valid until the next refresh."""
        return self._columns[name].values

    def refresh(self, feed: IndexFeed, found: Found | None = None) -> None:
        """Take in what changed since the last time, in batches of about 2,000 versions.

        Args:
            feed: The truth. An index that leaves embeddings in the file reads them there until the
                next refresh.
            found: What an outer index has found for the question at hand.
        """
        is_new = feed.generation() != self._generation
        if is_new:
            self._start()
        if isinstance(self.dense, StoredEmbeddings):
            self.dense.read_from(feed, found)
        self._generation = feed.generation()
        before, change = self._last_version, self._last_change
        try:
            while rows := feed.rows_after(self._last_version, _BATCH):
                with self._or_anew():
                    self._add(rows)
                feed.check()
            self._change(feed.changes_after(self._last_change))
            if change < self._last_change and self._is_sparse():
                with self._or_anew():
                    self._compact()
        finally:
            if is_new or (before, change) != (self._last_version, self._last_change):
                self._has_grown(self._last_version - before)

    def _is_sparse(self) -> bool:
        """Whether so many rows are gone that it pays to drop them."""
        return int(np.count_nonzero(self.column("alive"))) < (1 - _DEAD_SHARE) * len(self)

    def _has_grown(self, versions: int) -> None:
        """Say how much is held after that many versions came."""
        self.nbytes = self._held()
        if versions >= _LARGE_BUILD:
            give_back()
        if self._resized is not None:
            self._resized(self)

    @contextmanager
    def _or_anew(self) -> Iterator[None]:
        """All of the block is done, or the next refresh starts anew."""
        generation, self._generation = self._generation, None
        yield
        self._generation = generation

    def _add(self, rows: list[IndexRow]) -> None:
        """Append the chunks of some versions."""
        self._seen = self._view = None
        chunks = [chunk for row in rows for chunk in row.chunks]
        packed = b"".join(embedding for embedding, _ in chunks)
        self.dense.add(np.frombuffer(packed, "<f4").reshape(len(chunks), self.dimension))
        self.lexical.add([np.frombuffer(words, "<u4") for _, words in chunks])
        counts = np.array([len(row.chunks) for row in rows])
        versions = np.repeat(np.arange(len(rows)), counts)
        for name, values in self._values(rows).items():
            self._columns[name].append(np.array(values)[versions])
        first = np.cumsum(counts) - counts
        self._columns["chunk"].append(np.arange(len(chunks)) - first[versions])
        self._columns["alive"].append(np.ones(len(chunks), np.bool_))
        self._last_version = rows[-1].version

    def _values(self, rows: list[IndexRow]) -> dict[str, Sequence[float]]:
        """What versions have in each column, but in those of their chunks."""
        of = dict(zip(IndexRow._fields, zip(*rows, strict=True), strict=True))
        happened = zip(of["occurred_at"], of["recorded_at"], strict=True)
        return {
            "version": of["version"],
            "position": of["position"],
            "session": [self.sessions[_group(row)] for row in rows],
            "role": [self.roles[one] for one in of["role"]],
            "kind": [self.kinds[one] for one in of["memory_type"]],
            "origin": [self.origins[one] for one in of["origin"]],
            "compressed": of["compressed"],
            "read": of["is_read"],
            "happened": [recorded if when is None else when for when, recorded in happened],
            "recorded": of["recorded_at"],
            "changed": of["changed_at"],
            "superseded": [_NEVER if one is None else one for one in of["superseded_at"]],
            "valid_from": [_ALWAYS if one is None else one for one in of["valid_from"]],
            "valid_to": [_NEVER if one is None else one for one in of["valid_to"]],
            "tokens": of["token_count"],
            "importance": of["importance"],
        }

    def _change(self, changes: list[IndexChange]) -> None:
        """Note which versions were superseded and which are gone, in order."""
        if not changes:
            return
        self._seen = self._view = None
        numbers = np.array([change.version for change in changes], np.int64)
        starts = self.column("version").searchsorted(numbers, "left").tolist()
        stops = self.column("version").searchsorted(numbers, "right").tolist()
        alive, superseded = self.column("alive"), self.column("superseded")
        for change, start, stop in zip(changes, starts, stops, strict=True):
            if change.superseded_at is None:
                alive[start:stop] = False
            else:
                superseded[start:stop] = change.superseded_at
            self._last_change = change.seq

    def _compact(self) -> None:
        """Drop the rows that are gone."""
        self._seen = self._view = None
        keep = self.column("alive")
        self.dense.compact(keep)
        self.lexical.compact(keep)
        for column in self._columns.values():
            column.compact(keep)
        self._forget_order()

    def _held(self) -> int:
        """Bytes of memory held, near enough to keep within a budget."""
        columns = sum(column.nbytes for column in self._columns.values())
        codes = sum(map(len, (self.sessions, self.roles, self.kinds, self.origins)))
        columns += int(self._order.nbytes + self._places.nbytes) + BYTES_A_ROW * len(self)
        if self.dense.reads_rows and len(self) > self.dense.sample_rows:
            columns += 4 * self.dimension * self.dense.sample_rows
        return self.dense.nbytes + self.lexical.nbytes + columns + _CODE_BYTES * codes

    def labels(self, rows: NDArray[np.int64]) -> Iterator[tuple[str, str | None, str]]:
        """Type, session and role of the memories that some rows belong to."""
        columns = (self.column(name)[rows].tolist() for name in ("kind", "session", "role"))
        kinds, sessions, roles = (c.by_number for c in (self.kinds, self.sessions, self.roles))
        for kind, session, role in zip(*columns, strict=True):
            group = sessions[session]
            session_id = group if isinstance(group, str) else None
            yield str(kinds[kind]), session_id, str(roles[role])

    def session_order(self) -> NDArray[np.int64]:
        """The first row of every version, ordered by session, then by place in it.

        Kept from call to call: what came since is merged into what was in order already.
        """
        if self._ordered < len(self):
            fresh = np.flatnonzero(self.column("chunk")[self._ordered :] == 0) + self._ordered
            session = self.column("session")[fresh].astype(np.int64)
            places = session << _POSITION_BITS | self.column("position")[fresh]
            order = np.argsort(places, kind="stable")
            fresh, places = fresh[order], places[order]
            at = self._places.searchsorted(places, "right")
            self._order = np.insert(self._order, at, fresh)
            self._places = np.insert(self._places, at, places)
            self._ordered = len(self)
        return self._order

    def view(self, visible: NDArray[np.bool_]) -> View:
        """What is in sight with these rows visible; kept for a result of `visible`."""
        if self._view is not None and self._view[0] is visible:
            return self._view[1]
        # Were the view to keep the index that keeps it, neither would go when the index is dropped.
        view = View(weakref.proxy(self), np.flatnonzero(visible))
        if self._seen is not None and self._seen[1] is visible:
            self._view = visible, view
        return view

    def visible(self, filters: Filters) -> NDArray[np.bool_]:
        """Which rows a search may see; shape (n,), not to be changed.

        The last result is kept for the next search with the same filters.
        """
        if "working" not in self.kinds:
            filters = replace(filters, current_session=None)
        if self._seen is None or self._seen[0] != filters:
            self._view = None
            self._seen = filters, self._visible(filters)
            self._seen[1].flags.writeable = False
        return self._seen[1]

    def _visible(self, filters: Filters) -> NDArray[np.bool_]:
        seen = self.column("alive") & self._in_force(filters)
        sessions = None if filters.session_id is None else (filters.session_id,)
        for name, codes, wanted in (
            ("kind", self.kinds, filters.memory_types),
            ("role", self.roles, filters.roles),
            ("session", self.sessions, sessions),
        ):
            if wanted is not None:
                seen &= codes.among(self.column(name), wanted)
        if filters.origins is not None:
            seen &= self.origins.among(self.column("origin"), self._trusted(filters.origins))
        seen &= self._in_time(filters) & self._not_working_elsewhere(filters)
        return seen if filters.include_compressed else seen & ~self.archived(seen)

    def archived(self, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of these rows have a summary among them that stands for them; shape (n,).

        Where the summary is left out by a filter, or was not known yet, its originals are shown.
        """
        compressed: NDArray[np.bool_] = seen & self.column("compressed")
        if not compressed.any():
            return compressed
        sessions = self.column("session")
        has_summary = np.zeros(len(self.sessions), np.bool_)
        has_summary[sessions[seen & self.summaries()]] = True
        found: NDArray[np.bool_] = compressed & has_summary[sessions]
        return found

    def summaries(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Which of some rows, or of all, belong to summaries; shape (n,)."""
        role, kind = (
            self.column(name) if rows is None else self.column(name)[rows]
            for name in ("role", "kind")
        )
        is_one: NDArray[np.bool_] = role == self.roles.get(SUMMARY, -1)
        is_one &= kind == self.kinds.get("semantic", -1)
        return is_one

    def facts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some rows are of a type that states what holds; shape (len(rows),)."""
        return self.kinds.among(self.column("kind")[rows], FACT_TYPES)

    def _in_force(self, filters: Filters) -> NDArray[np.bool_]:
        """Versions that were the current ones at `known_at`, or are now."""
        superseded = self.column("superseded")
        if filters.known_at is None:
            current: NDArray[np.bool_] = superseded == _NEVER
            return current
        known: NDArray[np.bool_] = self.column("changed") <= filters.known_at
        return known & (superseded > filters.known_at)

    def _in_time(self, filters: Filters) -> NDArray[np.bool_]:
        """What happened in the span, and what had happened and was valid at `as_of`."""
        happened = self.column("happened")
        seen = np.ones(len(self), np.bool_)
        if filters.since is not None:
            seen &= happened >= filters.since
        if filters.until is not None:
            seen &= happened < filters.until
        if filters.as_of is not None:
            seen &= happened <= filters.as_of
            seen &= self.column("valid_from") <= filters.as_of
            seen &= self.column("valid_to") > filters.as_of
        return seen

    def _trusted(self, wanted: tuple[str, ...]) -> list[object]:
        """Origins that are one of these, or of one of these classes."""
        return [
            origin
            for origin in self.origins
            if origin in wanted or str(origin).partition(":")[0] in wanted
        ]

    def _not_working_elsewhere(self, filters: Filters) -> NDArray[np.bool_]:
        """Working memory is visible to its own session only."""
        here = self.sessions.get(filters.current_session, -1)
        seen: NDArray[np.bool_] = self.column("session") == here
        seen |= self.column("kind") != self.kinds.get("working", -1)
        return seen


def _group(row: IndexRow) -> object:
    """What a memory shares with those of its session, or with those of its save if it has none."""
    if row.session_id is not None:
        return row.session_id
    return -row.recorded_at if row.is_read else row.recorded_at
