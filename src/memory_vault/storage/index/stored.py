"""The embeddings of an index that keeps none: those of the file, and hints which are near.

Where an outer index finds what is near, the file is read only at what it found, what words and the
rest bring forward, and what it has not taken in yet. Every score that counts is of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...text.fuse import median
from . import CHUNKS_PER_VERSION, Found, IndexFeed

if TYPE_CHECKING:
    from .user_index import UserIndex

FEW_ROWS = 4_000
"""So many rows or fewer are read from the file sooner than an outer index answers."""
_LEAST_SHARE = 8
"""Of what was found one in so many must be visible: else too few of the near ones are known."""
_SAMPLE = 1_024
_BLOCK = 2_048
"""Embeddings in memory at a time."""

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class StoredEmbeddings:
    """What `DenseMatrix` is to an index, read from the file of whoever refreshed it last.

    Used only between a refresh and the end of its transaction, and only for rows that are alive.

    Args:
        index: Whose rows; its columns tell the numbers of their chunks.
        few_rows: Rows up to which the file is read at all of them.
    """

    reads_rows: bool = True
    sample_rows: int = _SAMPLE
    nbytes: int = 0
    has_signs: bool = False

    def __init__(self, index: UserIndex, *, few_rows: int) -> None:
        self._index, self._few_rows = index, few_rows
        self._feed: IndexFeed | None = None
        self._found: Found | None = None

    def read_from(self, feed: IndexFeed, found: Found | None) -> None:
        """Read there from now on; what was found is used if it is of this file as it is."""
        self._feed, end = feed, feed.end()
        is_fresh = found is not None and (found.mark.kind, found.mark.making) == end[:2]
        self._found = found if is_fresh else None

    def add(self, embeddings: Floats) -> None:
        """Nothing is kept."""

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Nothing is kept."""

    def scores(self, query: Floats) -> Floats:
        """Cosine of every row with a query; shape (n,)."""
        return self.scores_of(np.arange(len(self._index)), query)

    def scores_of(self, rows: Rows, query: Floats) -> Floats:
        """Cosines of some rows with a query; shape (len(rows),)."""
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            np.vecdot(self._read(rows[part]), query, out=found[part])
        return found

    def vectors(self, rows: Rows) -> Floats:
        """Embeddings of some rows; shape (len(rows), dimension)."""
        return self._read(rows) if len(rows) else np.zeros((0, self._index.dimension), np.float32)

    def estimates_pay(self, rows: Rows) -> bool:
        """Whether enough is known of what is near among these rows to leave the others unread."""
        if self._found is None or len(rows) <= self._few_rows:
            return False
        numbers = self._numbers(rows)
        near = int(np.isin(self._found.numbers, numbers, assume_unique=True).sum())
        fresh = len(numbers) - self._taken_in(numbers)
        is_known = bool(near) and near * _LEAST_SHARE >= len(self._found.numbers)
        return is_known and fresh <= self._few_rows

    def estimates(self, query: Floats, rows: Rows, sample: Rows, exact: Floats) -> Floats:
        """Cosines of some rows: as found, of the file where not taken in yet, else typical."""
        assert self._found is not None, "estimates are asked for where they pay"
        numbers = self._numbers(rows)
        found = np.full(len(rows), median(exact), np.float32)
        found[sample] = exact
        places = np.searchsorted(numbers, self._found.numbers)
        is_there = numbers.take(places, mode="clip") == self._found.numbers
        found[places[is_there]] = self._found.cosines[is_there]
        fresh = self._taken_in(numbers)
        found[fresh:] = self.scores_of(rows[fresh:], query)
        return found

    def _taken_in(self, numbers: Rows) -> int:
        """How many of some rows, in order, the outer index had taken in."""
        assert self._found is not None, "asked for where something was found"
        return int(np.searchsorted(numbers, (self._found.mark.version + 1) * CHUNKS_PER_VERSION))

    def _numbers(self, rows: Rows) -> Rows:
        """The numbers of the chunks of some rows; ascending where the rows are."""
        version, chunk = self._index.column("version"), self._index.column("chunk")
        found: Rows = version[rows] * CHUNKS_PER_VERSION + chunk[rows]
        return found

    def _read(self, rows: Rows) -> Floats:
        assert self._feed is not None, "an index is refreshed before it is used"
        return self._feed.embeddings(self._numbers(rows))
