"""BM25 over postings in memory: for each hashed word the rows that hold it, and how often.

Rows are gathered in a base, sorted by word, and a tail of what was added since; the tail joins the
base when it has grown to a share of it, so that adding costs little and searching stays flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...text.fuse import best_of
from .columns import Column

K1, B = 1.2, 0.75
_TAIL_SHARE, _TAIL_LEAST, _TAIL_PARTS = 0.1, 20_000, 16
_MOST_OFTEN = 65_535

_Pairs = tuple[NDArray[np.int32], NDArray[np.uint16]]
"""Rows that hold a word, ascending, and how often each does."""


class Postings:
    """Hashed words in order of adding; see `LexicalIndex` for the promises.

    A row scores the sum over the query's distinct words of idf * tf * (k1 + 1) / (tf + k1 * (1 - b
    + b * length / mean length)), with idf = ln(1 + (N - df + 0.5) / (df + 0.5)), N, df and the mean
    length over the visible rows. Source: Robertson and Zaragoza, 2009; the idf is Lucene's, which
    is never negative.
    """

    def __init__(self) -> None:
        self._lengths = Column(np.int32)
        self._base = _NOTHING
        self._tail: list[_Part] = []

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Words of each row, with repeats; shape (n,)."""
        return self._lengths.values

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        return sum(part.nbytes for part in (self._base, *self._tail)) + self._lengths.nbytes

    def add(self, rows: Sequence[NDArray[np.uint32]]) -> None:
        """Append rows of hashed words, in text order, with repeats."""
        if not rows:
            return
        self._tail.append(_Part.of(rows, len(self)))
        self._lengths.append(np.fromiter(map(len, rows), np.int32, len(rows)))
        if sum(map(len, self._tail)) > max(_TAIL_LEAST, _TAIL_SHARE * len(self._base)):
            self._base, self._tail = _join([self._base, *self._tail]), []
        elif len(self._tail) > _TAIL_PARTS:
            self._tail = [_join(self._tail)]

    def texts(self, visible: NDArray[np.bool_], counted: NDArray[np.bool_] | None = None) -> Texts:
        """The visible rows as the texts that words are counted in.

        With `counted`, which is true of some visible rows, N, df and the mean length are taken over
        those alone.
        """
        lengths, own = self.lengths, visible if counted is None else counted
        total = int(np.count_nonzero(own))
        seen = None if visible.all() else visible
        words = int((lengths if total == len(self) else lengths[own]).sum())
        by_length = _norms(np.arange(lengths.max(initial=0) + 1), words, total)
        return Texts(self, seen, total, by_length.take(lengths), counted)

    def scores(self, query: NDArray[np.uint32], visible: NDArray[np.bool_]) -> NDArray[np.float32]:
        """BM25 of every visible row for the distinct words of a query; shape (n,)."""
        texts = self.texts(visible)
        return texts.scores(texts.find(query))

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
        texts = self.texts(visible)
        return texts.joined(groups).scores(texts.find(query))

    def coverage(self, query: NDArray[np.uint32], visible: NDArray[np.bool_]) -> float:
        """The largest share of the query's idf, over its distinct words, that one row holds.

        Words that no visible row holds count too, and weigh most. 0 for a query without words.
        """
        texts = self.texts(visible)
        return texts.coverage(texts.find(query))

    def of_word(self, word: np.uint32) -> _Pairs:
        """Rows that hold a word, and how often each does."""
        parts = [part.of_word(word) for part in (self._base, *self._tail)]
        parts = [part for part in parts if len(part[0])] or parts[:1]
        if len(parts) == 1:
            return parts[0]
        rows, counts = zip(*parts, strict=True)
        return np.concatenate(rows), np.concatenate(counts)

    def compact(self, keep: NDArray[np.bool_]) -> None:
        """Drop the rows where `keep` is False; the others keep their order."""
        self._base, self._tail = _join([self._base, *self._tail]).compacted(keep), []
        self._lengths.compact(keep)


@dataclass(frozen=True, slots=True)
class Found:
    """The words of a question among some texts.

    Attributes:
        asked: Distinct words that were asked for, there or not.
        pairs: For each one that is there the visible rows that hold it, and how often each does.
    """

    asked: int
    pairs: Sequence[tuple[NDArray[np.int64], NDArray[np.uint16]]]


class Texts:
    """The visible rows, or groups of them, as texts in which words are found and counted.

    It holds for as long as no row is added or dropped.

    Args:
        visible: Which rows count; None for all.
        total: How many texts there are.
        norms: What a count is set against in each text: k1 * (1 - b + b * length / mean length).
        counted: Which texts say how common a word is; None for all.
        groups: The text that each row belongs to; None where each is a text.
    """

    def __init__(
        self,
        postings: Postings,
        visible: NDArray[np.bool_] | None,
        total: int,
        norms: NDArray[np.float64],
        counted: NDArray[np.bool_] | None = None,
        groups: NDArray[np.integer[Any]] | None = None,
    ) -> None:
        self._postings, self._visible, self._total = postings, visible, total
        self._norms, self._counted, self._groups = norms, counted, groups

    def joined(self, groups: NDArray[np.integer[Any]]) -> Texts:
        """The same rows, those of a group as one text; one of which nothing is visible is none.

        A group counts if any row of it does.
        """
        count, visible = int(groups.max(initial=-1)) + 1, self._visible
        lengths = self._postings.lengths
        size = np.bincount(groups, visible if self._counted is None else self._counted, count)
        long = np.bincount(groups, lengths if visible is None else lengths * visible, count)
        total = int(np.count_nonzero(size))
        counted = None if self._counted is None else size > 0
        norms = _norms(long, (long if counted is None else long[counted]).sum(), total)
        return Texts(self._postings, visible, total, norms, counted, groups)

    def find(self, query: NDArray[np.uint32]) -> Found:
        """Where the distinct words of a query stand."""
        words, pairs = np.unique(query), []
        for word in words:
            rows, counts = self._postings.of_word(word)
            if self._visible is not None:
                seen = self._visible[rows]
                rows, counts = rows[seen], counts[seen]
            if len(rows):
                pairs.append((rows.astype(np.int64), counts))
        return Found(len(words), pairs)

    def scores(self, found: Found) -> NDArray[np.float32]:
        """BM25 of each text; shape (n,)."""
        scores = np.zeros(len(self._norms), np.float32)
        for texts, counts in self._counts(found):
            weight = idf(self._total, self._frequency(texts))
            np.add.at(scores, texts, weight * _worth(counts, self._norms[texts]))
        return scores

    def coverage(self, found: Found) -> float:
        """The largest share of the words' idf that one text holds.

        Words that no text holds count too, and weigh most; 0 for no words.
        """
        held = np.zeros(len(self._norms), np.float32)
        whole = found.asked * idf(self._total, 0)
        for texts, _ in self._counts(found):
            weight = idf(self._total, self._frequency(texts))
            np.add.at(held, texts, np.float32(weight))
            whole += weight - idf(self._total, 0)
        return float(held.max(initial=0) / whole) if whole else 0.0

    def best(self, scores: NDArray[np.float32]) -> float:
        """The best score of the texts that count; of any, where none of those has one."""
        if not len(scores):
            return 0.0
        return float(best_of(scores, self._counted)) or float(scores.max())

    def _frequency(self, texts: NDArray[np.int64]) -> int:
        """How many of some texts count."""
        return len(texts) if self._counted is None else int(self._counted[texts].sum())

    def _counts(self, found: Found) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """For each word that is there: the texts that hold it, and how often each does."""
        for rows, counts in found.pairs:
            if self._groups is None:
                yield rows, counts.astype(np.float32)
            else:
                sums = np.bincount(self._groups[rows], counts, len(self._norms))
                held = np.flatnonzero(sums)
                yield held, sums[held]


class _Part:
    """Postings of some rows by word.

    Args:
        words: Distinct words, ascending.
        starts: Where the rows of each word start, and where the last ones stop.
        rows: Rows by word, ascending within one.
        counts: How often each holds the word.
    """

    def __init__(
        self,
        words: NDArray[np.uint32],
        starts: NDArray[np.int64],
        rows: NDArray[np.int32],
        counts: NDArray[np.uint16],
    ) -> None:
        self._words, self._starts, self.rows, self.counts = words, starts, rows, counts

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        arrays = (self._words, self._starts, self.rows, self.counts)
        return sum(array.nbytes for array in arrays)

    @property
    def words(self) -> NDArray[np.uint32]:
        """The word of each posting."""
        return np.repeat(self._words, np.diff(self._starts))

    @staticmethod
    def of(texts: Sequence[NDArray[np.uint32]], first: int) -> _Part:
        """Each distinct pair of word and row with its count; rows are numbered from `first`."""
        words = np.concatenate(texts) if texts else np.zeros(0, np.uint32)
        numbers = np.arange(first, first + len(texts), dtype=np.uint64)
        rows = np.repeat(numbers, list(map(len, texts)))
        keys = words.astype(np.uint64) << np.uint64(32) | rows
        keys, counts = np.unique(keys, return_counts=True)
        return _Part.by_word(
            (keys >> np.uint64(32)).astype(np.uint32),
            (keys & np.uint64(0xFFFFFFFF)).astype(np.int32),
            np.minimum(counts, _MOST_OFTEN).astype(np.uint16),
        )

    @staticmethod
    def by_word(
        words: NDArray[np.uint32], rows: NDArray[np.int32], counts: NDArray[np.uint16]
    ) -> _Part:
        """From one word, row and count a posting, by word, then by row."""
        starts = np.flatnonzero(np.diff(words, prepend=~words[:1]))
        return _Part(words[starts], np.append(starts, len(words)), rows, counts)

    def of_word(self, word: np.uint32) -> _Pairs:
        """Rows that hold a word, and how often each does."""
        at = int(self._words.searchsorted(word))
        if at == len(self._words) or self._words[at] != word:
            return self.rows[:0], self.counts[:0]
        here = slice(self._starts[at], self._starts[at + 1])
        return self.rows[here], self.counts[here]

    def compacted(self, keep: NDArray[np.bool_]) -> _Part:
        """Without the rows where `keep` is False, the others numbered from 0."""
        kept = keep[self.rows]
        numbers = (np.cumsum(keep) - 1).astype(np.int32)
        return _Part.by_word(self.words[kept], numbers[self.rows[kept]], self.counts[kept])


_NOTHING = _Part.of([], 0)


def _join(parts: Sequence[_Part]) -> _Part:
    """Parts whose rows follow each other as one."""
    words = np.concatenate([part.words for part in parts])
    order = np.argsort(words, kind="stable")
    rows = np.concatenate([part.rows for part in parts])[order]
    counts = np.concatenate([part.counts for part in parts])[order]
    return _Part.by_word(words[order], rows, counts)


def _mean(words: float, total: int) -> float:
    """Mean length of a text, at least one word."""
    return max(words / total, 1.0) if total else 1.0


def idf(total: int, df: int) -> float:
    """Weight of a word that `df` of `total` texts hold."""
    return float(np.log1p((total - df + 0.5) / (df + 0.5)))


def _norms(lengths: NDArray[Any], words: float, total: int) -> NDArray[np.float64]:
    """What counts are set against in texts of these lengths, of which `total` count."""
    norms: NDArray[np.float64] = K1 * (1 - B + B * (lengths / _mean(words, total)))
    return norms


def _worth(counts: NDArray[Any], norms: NDArray[np.float64]) -> NDArray[np.float32]:
    """What it is worth how often a word stands in texts of these norms."""
    worth = counts * (K1 + 1) / (counts + norms)
    return worth.astype(np.float32)
