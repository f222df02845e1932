"""The indexes of one user, in memory and outside: derived from the store, rebuilt when missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNKS_PER_VERSION = 1 << 13
"""The number of a chunk is that of its version, times this, plus its place in the version."""


class Mark(NamedTuple):
    """How far an outer index has taken in a file, or how far the file goes.

    Attributes:
        kind: Fingerprint of the embeddings; "" for a file that has none.
        making: Another one than before means that rows may have changed unseen.
        version: All versions up to this one have been put.
        change: All that went up to this change has been taken out.
    """

    kind: str
    making: str
    version: int
    change: int

    def __str__(self) -> str:
        return json.dumps(list(self))

    @staticmethod
    def parse(text: object) -> Mark | None:
        """Read what `str` wrote; None if it is something else."""
        try:
            kind, making, version, change = json.loads(text)  # type: ignore[arg-type]
            return Mark(str(kind), str(making), int(version), int(change))
        except (ValueError, TypeError, RecursionError):
            return None


class Found(NamedTuple):
    """What an outer index finds: numbers of chunks, nearest first, with their cosines.

    Attributes:
        mark: How far it had taken in the file before it looked.
    """

    mark: Mark
    numbers: NDArray[np.int64]
    cosines: NDArray[np.float32]


@runtime_checkable
class VectorIndex(Protocol):
    """Embeddings outside of this process's memory, in one part a user, by number of their chunk.

    A part's name stands for a user and tells nothing of them; names are letters, digits and
    dashes. All methods block; they are called in worker threads, several at once.

    Promises, each a test in testing/vector_suite.py:
    1. What was put twice is there once, as it was put last.
    2. Parts never see each other.
    3. `search` gives at most `limit` numbers, each once, nearest first, cosines within 1e-3, and
       misses few: of ten that it should find, one at most. None if there is no such part.
    4. Taking out what is not there does nothing.
    5. The mark is as it was set last, and goes with the part.
    6. `begin` and `drop` leave nothing of the part before; `drop` of none does nothing.
    7. What returned is there after `close` and `open`.
    8. `put`, `delete` and `set_mark` without a part raise `NotFound`; whatever else fails raises
       `BackendError`, `BackendUnavailable` if trying again may help.
    9. `numbers`, `embeddings` and `count` tell what is there.

    Attributes:
        name: What it is called in messages.
        is_shared: Whether several processes may have it open at once.
        outside: What a scan for forgotten bytes cannot read; "" if `files` are all there is.
    """

    name: str
    is_shared: bool
    outside: str

    def open(self) -> None:
        """Make it ready; repeatable."""
        ...

    def close(self) -> None:
        """Let go of everything; repeatable."""
        ...

    def parts(self, prefix: str) -> list[str]:
        """Names of the parts there are that begin with this."""
        ...

    def begin(self, part: str, mark: Mark) -> None:
        """Make an empty part, in place of one that is there."""
        ...

    def drop(self, part: str) -> None:
        """Remove a part."""
        ...

    def mark(self, part: str) -> Mark | None:
        """The mark of a part; None if there is none, or its mark is none of ours."""
        ...

    def set_mark(self, part: str, mark: Mark) -> None:
        """Note how far it has come."""
        ...

    def put(self, part: str, numbers: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Add embeddings of unit length, shape (n, dimension), or replace those that are there."""
        ...

    def delete(self, part: str, numbers: NDArray[np.int64]) -> None:
        """Take embeddings out."""
        ...

    def search(self, part: str, embedding: NDArray[np.float32], limit: int) -> Found | None:
        """The chunks nearest to an embedding of shape (dimension,)."""
        ...

    def count(self, part: str) -> int:
        """How many embeddings there are; 0 without a part."""
        ...

    def numbers(self, part: str) -> NDArray[np.int64]:
        """All numbers there are, ascending."""
        ...

    def embeddings(
        self, part: str, numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Of these numbers those that are there, ascending, and their embeddings."""
        ...

    def files(self, part: str) -> list[Path]:
        """Files of this machine in which something of a part may stand."""
        ...


class IndexRow(NamedTuple):
    """One version of one memory, as the store hands it to an index; times in microseconds UTC.

    `version` strictly increases over all changes of a file and is never used twice. `position` is
    the version number of the memory's first version: its place in the session. `is_read` tells a
    fact that was read from other memories from what was said. `chunks` holds an embedding (float32,
    little endian) and hashed words (uint32, little endian) a chunk.
    """

    version: int
    memory_id: str
    position: int
    session_id: str | None
    role: str
    memory_type: str
    origin: str
    importance: float
    compressed: bool
    is_read: bool
    occurred_at: int | None
    recorded_at: int
    changed_at: int
    superseded_at: int | None
    valid_from: int | None
    valid_to: int | None
    token_count: int
    chunks: tuple[tuple[bytes, bytes], ...]


class IndexChange(NamedTuple):
    """What happened to a version the index may hold: superseded then, or (None) gone."""

    seq: int
    version: int
    superseded_at: int | None


class IndexFeed(Protocol):
    """Where an index reads the truth, within one transaction.

    Promises an index builds on:
    1. Rows come in order of version; none is left out that was committed before a later one.
    2. A version that a change tells of is among the rows, or was before it was gone.
    3. All of it is one moment of the truth, whatever is written meanwhile.
    """

    def generation(self) -> int:
        """Another number than before means: start anew."""
        ...

    def rows_after(self, version: int, limit: int) -> list[IndexRow]:
        """The next versions by number, at most `limit`."""
        ...

    def changes_after(self, seq: int) -> list[IndexChange]:
        """Changes to older rows, in order."""
        ...

    def embeddings(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """The embeddings of some chunks, which must be there; shape (n, dimension)."""
        ...

    def end(self) -> Mark:
        """How far the file goes."""
        ...

    def check(self) -> None:
        """Raise if the unit was told to stop; called between batches."""
        ...


class DenseIndex(Protocol):
    """Embeddings by row number, from 0 in order of adding.

    Promises, each a test in testing/index_suite.py:
    1. `scores` gives the cosine of the query with every row, shape (n,), within 2e-5 of exact
       where embeddings are as long as a model's.
    2. Adding in one batch or in several is the same.
    3. `compact` keeps the chosen rows in order and renumbers them from 0.
    4. `scores_of` and `vectors` agree with `scores` and with what was added, row by row, as nearly.
    5. `distances`, where `has_signs`, counts the places in which a row's sign is not the query's.
    """

    has_signs: bool

    def add(self, embeddings: NDArray[np.float32]) -> None:
        """Append rows; shape (n, dimension), unit length."""
        ...

    def scores(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of every row with a query of shape (dimension,)."""
        ...

    def scores_of(self, rows: NDArray[np.int64], query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of some rows with a query; shape (len(rows),)."""
        ...

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embeddings of some rows; shape (len(rows), dimension)."""
        ...

    def distances(self, query: NDArray[np.float32]) -> NDArray[np.uint16]:
        """In how many places each row has another sign than a query; shape (n,)."""
        ...

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Drop the rows where `keep` is False."""
        ...


class LexicalIndex(Protocol):
    """Hashed words by row number, from 0 in order of adding.

    Promises, each a test in testing/index_suite.py:
    1. `scores` gives BM25 of every visible row, 0 for the others, shape (n,), within 1e-4.
    2. Counts and lengths are taken over the visible rows only.
    3. Adding in one batch or in several is the same.
    4. `compact` keeps the chosen rows in order and renumbers them from 0.
    5. `group_scores` gives BM25 of the visible rows of each group joined to one text.
    6. `coverage` gives the largest share of a query's idf that one visible row holds.
    """

    def add(self, rows: Sequence[NDArray[np.uint32]]) -> None:
        """Append rows of hashed words, in text order, with repeats."""
        ...

    def scores(self, query: NDArray[np.uint32], visible: NDArray[np.bool_]) -> NDArray[np.float32]:
        """BM25 of every row for the distinct words of a query."""
        ...

    def group_scores(
        self, query: NDArray[np.uint32], groups: NDArray[np.int32], visible: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """BM25 of every group; `groups` holds each row's from 0, shape (largest + 1,)."""
        ...

    def coverage(self, query: NDArray[np.uint32], visible: NDArray[np.bool_]) -> float:
        """How much of a query one row says at best, from 0 to 1."""
        ...

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Drop the rows where `keep` is False."""
        ...
