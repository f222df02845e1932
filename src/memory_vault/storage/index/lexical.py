"""BM25 over postings in memory: for each hashed word the rows that hold it, and how often.

Rows are gathered in a base, sorted by word, and a tail of what was added since; the tail joins the
base when it has grown to a share of it, so that adding costs little and searching stays flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
_TAIL_SHARE, _TAIL_LEAST, _TAIL_PARTS = 0.1, 20_000, 64


class Postings:
    """Hashed words in order of adding; see `LexicalIndex` for the promises.

    A row scores the sum over the query's distinct words of idf * tf * (k1 + 1) / (tf + k1 * (1 - b
    + b * length / mean length)), with idf = ln(1 + (N - df + 0.5) / (df + 0.5)), N, df and the mean
    length over the visible rows. Source: Robertson and Zaragoza, 2009; the idf is Lucene's, which
    is never negative.
    """

    def __init__(self) -> None:
        self._lengths = np.zeros(0, np.int32)
        self._base = _empty()
        self._tail: list[_Triples] = []
        self._tail_size = 0

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Words of each row, with repeats; shape (n,)."""
        return self._lengths

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        return sum(a.nbytes for t in (self._base, *self._tail) for a in t) + self._lengths.nbytes

    def add(self, rows: Sequence[NDArray[np.uint32]]) -> None:
        """Append rows of hashed words, in text order, with repeats."""
        if not rows:
            return
        first = len(self._lengths)
        lengths = np.fromiter(map(len, rows), np.int32, len(rows))
        self._lengths = np.concatenate([self._lengths, lengths])
        self._tail.append(
            _triples(np.concatenate(rows), np.repeat(np.arange(len(rows)) + first, lengths))
        )
        self._tail_size += len(self._tail[-1][0])
        if (
            self._tail_size > max(_TAIL_LEAST, _TAIL_SHARE * len(self._base[0]))
            or len(self._tail) > 64
        ):
            self._join()

    def _join(self) -> None:
        """Make tail and base one, sorted by word, then row."""
        parts = [self._base, *self._tail]
        words, rows, counts = (np.concatenate([part[i] for part in parts]) for i in range(3))
        order = np.argsort(words, kind="stable")
        self._base = words[order], rows[order].astype(np.int32), counts[order].astype(np.uint16)
        self._tail, self._tail_size = [], 0

    def postings(self, word: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Rows that hold a word, and how often each does."""
        rows, counts = [], []
        for words, where, how_often in (self._base, *self._tail):
            start = np.searchsorted(words, np.uint32(word), "left")
            stop = np.searchsorted(words, np.uint32(word), "right")
            rows.append(where[start:stop])
            counts.append(how_often[start:stop])
        return np.concatenate(rows), np.concatenate(counts).astype(np.float32)

    def scores(self, query: NDArray[np.uint32], visible: NDArray[np.bool_]) -> NDArray[np.float32]:
        """BM25 of every visible row for the distinct words of a query; shape (n,)."""
        found = np.zeros(len(self._lengths), np.float32)
        total = int(np.count_nonzero(visible))
        if not total:
            return found
        mean = max(float(self._lengths[visible].mean()), 1.0)
        for word in np.unique(query).tolist():
            rows, counts = self.postings(word)
            seen = visible[rows]
            rows, counts = rows[seen], counts[seen]
            if len(rows):
                found[rows] += idf(total, len(rows)) * saturate(counts, self._lengths[rows] / mean)
        return found

    def group_scores(
        self,
        query: NDArray[np.uint32],
        visible: NDArray[np.bool_],
        groups: NDArray[np.int32],
        count: int,
    ) -> NDArray[np.float32]:
        """BM25 with all visible rows of a group taken as one text; shape (count,)."""
        found = np.zeros(count, np.float32)
        lengths = np.bincount(groups[visible], self._lengths[visible], count)
        total = int(np.count_nonzero(lengths))
        if not total:
            return found
        relative = lengths / max(float(lengths.sum()) / total, 1.0)
        for word in np.unique(query).tolist():
            rows, counts = self.postings(word)
            seen = visible[rows]
            often = np.bincount(groups[rows[seen]], counts[seen], count)
            held = np.flatnonzero(often)
            if len(held):
                found[held] += idf(total, len(held)) * saturate(often[held], relative[held])
        return found

    def weights(self, query: NDArray[np.uint32], visible: NDArray[np.bool_]) -> float:
        """The most that a row of mean length could score: calibrates scores across vaults."""
        total = int(np.count_nonzero(visible))
        best = 0.0
        for word in np.unique(query).tolist():
            df = int(np.count_nonzero(visible[self.postings(word)[0]]))
            best += idf(total, df) if df else 0.0
        return best

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Drop the rows where `keep` is False; the others keep their order."""
        self._join()
        words, rows, counts = self._base
        kept = keep[rows]
        renumbered = (np.cumsum(keep) - 1).astype(np.int32)
        self._base = words[kept], renumbered[rows[kept]], counts[kept]
        self._lengths = self._lengths[keep]


_Triples = tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.uint16]]


def _empty() -> _Triples:
    return np.zeros(0, np.uint32), np.zeros(0, np.int32), np.zeros(0, np.uint16)


def _triples(words: NDArray[np.uint32], rows: NDArray[np.int64]) -> _Triples:
    """Word, row and count of each distinct pair, sorted by word, then row."""
    keys = words.astype(np.uint64) << np.uint64(32) | rows.astype(np.uint64)
    distinct, counts = np.unique(keys, return_counts=True)
    found = (distinct >> np.uint64(32)).astype(np.uint32)
    where = (distinct & np.uint64(0xFFFFFFFF)).astype(np.int32)
    return found, where, np.minimum(counts, 65_535).astype(np.uint16)


def idf(total: int, df: int) -> float:
    """Weight of a word that `df` of `total` rows hold."""
    return float(np.log1p((total - df + 0.5) / (df + 0.5)))


def saturate(counts: NDArray[Any], relative: NDArray[Any]) -> NDArray[np.float32]:
    """Worth of how often a word stands in texts of these lengths, relative to the mean."""
    worth = counts * (K1 + 1) / (counts + K1 * (1 - B + B * relative))
    return worth.astype(np.float32)
