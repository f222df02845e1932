"""The in-memory index of one user: derived from the store, rebuilt whenever it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class IndexRow(NamedTuple):
    """One version of one memory, as the store hands it to an index; times in microseconds UTC.

    `version` strictly increases over all changes of a file and is never used twice. `position` is
    the version number of the memory's first version: its place in the session. `chunks` holds an
    embedding (float32, little endian) and hashed words (uint32, little endian) a chunk.
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
