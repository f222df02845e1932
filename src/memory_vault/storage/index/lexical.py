"""BM25 over postings in memory: for each hashed word the rows that hold it, and how often.

Rows are gathered in a base, sorted by word, and a tail of what was added since; the tail joins the
base when it has grown to a share of it, so that adding costs little and searching stays flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Column

K1, B = 1.2, 0.75
_TAIL_SHARE, _TAIL_LEAST, _TAIL_PARTS = 0.1, 20_000, 16
_MOST_OFTEN = 65_535

_Triples = tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.uint16]]
"""Words, rows and counts, sorted by word, then row."""


class Postings:
    """Hashed words in order of adding; see `LexicalIndex` for the promises.

    A row scores the sum over the query's distinct words of idf * tf * (k1 + 1) / (tf + k1 * (1 - b
    + b * length / mean length)), with idf = ln(1 + (N - df + 0.5) / (df + 0.5)), N, df and the mean
    length over the visible rows. Source: Robertson and Zaragoza, 2009; the idf is Lucene's, which
    is never negative.
    """

    def __init__(self) -> None:
        self._lengths = Column(np.int32)
        self._base = _triples([], 0)
        self._tail: list[_Triples] = []

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Words of each row, with repeats; shape (n,)."""
        return self._lengths.values

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        return sum(_nbytes(part) for part in (self._base, *self._tail)) + self._lengths.nbytes

    def add(self, rows: Sequence[NDArray[np.uint32]]) -> None:
        """Append rows of hashed words, in text order, with repeats."""
        if not rows:
            return
        self._tail.append(_triples(rows, len(self)))
        self._lengths.append(np.fromiter(map(len, rows), np.int32, len(rows)))
        if sum(len(part[0]) for part in self._tail) > self._most_in_tail():
            self._base, self._tail = _join([self._base, *self._tail]), []
        elif len(self._tail) > _TAIL_PARTS:
            self._tail = [_join(self._tail)]

    def _most_in_tail(self) -> float:
        return max(_TAIL_LEAST, _TAIL_SHARE * len(self._base[0]))

    def scores(self, query: NDArray[np.uint32], visible: NDArray[np.bool_]) -> NDArray[np.float32]:
        """BM25 of every visible row for the distinct words of a query; shape (n,)."""
        found = np.zeros(len(self), np.float32)
        total = int(np.count_nonzero(visible))
        mean = _mean(int(self.lengths.sum(where=visible)), total)
        for rows, counts in self._found(query, visible):
            found[rows] += idf(total, len(rows)) * saturate(counts, self.lengths[rows] / mean)
        return found

    def group_scores(
        self,
        query: NDArray[np.uint32],
        groups: NDArray[np.integer[Any]],
        visible: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """BM25 with all visible rows of a group taken as one text.

        `groups` holds a number from 0 for each row; shape of the result (largest + 1,). A group of
        which nothing is visible scores 0 and does not count.
        """
        count = int(groups.max(initial=-1)) + 1
        found = np.zeros(count, np.float32)
        size = np.bincount(groups, visible, count)
        lengths = np.bincount(groups, self.lengths * visible, count)
        total = int(np.count_nonzero(size))
        relative = lengths / _mean(lengths.sum(), total)
        for rows, counts in self._found(query, visible):
            often = np.bincount(groups[rows], counts, count)
            held = np.flatnonzero(often)
            found[held] += idf(total, len(held)) * saturate(often[held], relative[held])
        return found

    def coverage(self, query: NDArray[np.uint32], visible: NDArray[np.bool_]) -> float:
        """The largest share of the query's idf, over its distinct words, that one row holds.

        Words that no visible row holds count too, and weigh most. 0 for a query without words.
        """
        held = np.zeros(len(self), np.float32)
        total, words = int(np.count_nonzero(visible)), np.unique(query)
        whole = len(words) * idf(total, 0)
        for rows, _ in self._found(words, visible):
            weight = idf(total, len(rows))
            held[rows] += weight
            whole += weight - idf(total, 0)
        return float(held.max(initial=0) / whole) if whole else 0.0

    def _found(
        self, query: NDArray[np.uint32], visible: NDArray[np.bool_]
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """For each distinct word that is there: its visible rows, and how often they hold it."""
        for word in np.unique(query):
            rows, counts = self._postings(word)
            seen = visible[rows]
            if seen.any():
                yield rows[seen], counts[seen].astype(np.float32)

    def _postings(self, word: np.uint32) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        """Rows that hold a word, and how often each does."""
        parts = [_slice(part, word) for part in (self._base, *self._tail)]
        if len(parts) == 1:
            return parts[0]
        rows, counts = zip(*parts, strict=True)
        return np.concatenate(rows), np.concatenate(counts)

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Drop the rows where `keep` is False; the others keep their order."""
        words, rows, counts = _join([self._base, *self._tail])
        kept = keep[rows]
        renumbered = (np.cumsum(keep) - 1).astype(np.int32)
        self._base, self._tail = (words[kept], renumbered[rows[kept]], counts[kept]), []
        self._lengths.compact(keep)


def _triples(texts: Sequence[NDArray[np.uint32]], first: int) -> _Triples:
    """Each distinct pair of word and row with its count; rows are numbered from `first`."""
    words = np.concatenate(texts) if texts else np.zeros(0, np.uint32)
    rows = np.repeat(np.arange(first, first + len(texts), dtype=np.uint64), list(map(len, texts)))
    keys, counts = np.unique(words.astype(np.uint64) << np.uint64(32) | rows, return_counts=True)
    return (
        (keys >> np.uint64(32)).astype(np.uint32),
        (keys & np.uint64(0xFFFFFFFF)).astype(np.int32),
        np.minimum(counts, _MOST_OFTEN).astype(np.uint16),
    )


def _join(parts: Sequence[_Triples]) -> _Triples:
    """Parts whose rows follow each other as one."""
    words, rows, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(words, kind="stable")
    return words[order], rows[order], counts[order]


def _slice(part: _Triples, word: np.uint32) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Rows and counts of one word."""
    words, rows, counts = part
    start, stop = words.searchsorted(word, "left"), words.searchsorted(word, "right")
    return rows[start:stop], counts[start:stop]


def _nbytes(part: _Triples) -> int:
    return sum(array.nbytes for array in part)


def _mean(words: float, total: int) -> float:
    """Mean length of a text, at least one word."""
    return max(words / total, 1.0) if total else 1.0


def idf(total: int, df: int) -> float:
    """Weight of a word that `df` of `total` texts hold."""
    return float(np.log1p((total - df + 0.5) / (df + 0.5)))


def saturate(counts: NDArray[Any], relative: NDArray[Any]) -> NDArray[np.float32]:
    """Worth of how often a word stands in texts of these lengths, relative to the mean."""
    worth = counts * (K1 + 1) / (counts + K1 * (1 - B + B * relative))
    return worth.astype(np.float32)
