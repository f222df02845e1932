"""What every part of an in-memory index must do: subclass, provide `index`, run pytest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from ..storage.index import DenseIndex, LexicalIndex
from ..storage.index.lexical import K1, B

Rows = list[NDArray[np.uint32]]


def unit_rows(count: int, dimension: int, *, seed: int) -> NDArray[np.float32]:
    """Random embeddings of length 1; shape (count, dimension)."""
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def word_rows(count: int, *, seed: int) -> Rows:
    """Random texts of hashed words, some empty, with repeats."""
    random = np.random.default_rng(seed)
    return [random.integers(0, 40, random.integers(0, 12)).astype(np.uint32) for _ in range(count)]


def bm25(rows: Rows, query: Sequence[int], visible: Sequence[bool]) -> list[float]:
    """The formula word for word, without an index: what every index must agree with."""
    seen = [row.tolist() for row, is_seen in zip(rows, visible, strict=True) if is_seen]
    mean = max(sum(map(len, seen)) / len(seen), 1.0) if seen else 1.0
    scores = []
    for row, is_seen in zip(rows, visible, strict=True):
        counts, score = Counter(row.tolist()), 0.0
        for word in set(query) if is_seen else ():
            df = sum(word in one for one in seen)
            idf = math.log(1 + (len(seen) - df + 0.5) / (df + 0.5))
            tf = counts[word]
            score += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * len(row) / mean))
        scores.append(score)
    return scores


class DenseConformance:
    """The promises of `DenseIndex`."""

    dimension = 8

    @pytest.fixture
    def index(self) -> DenseIndex:
        """An empty index of `dimension`."""
        raise NotImplementedError("provide an empty index")

    def test_scores_are_exact_cosines(self, index: DenseIndex) -> None:
        rows = unit_rows(5_000, self.dimension, seed=1)
        index.add(rows)
        assert index.scores(rows[7]) == pytest.approx(rows @ rows[7], abs=1e-5)

    def test_batches_do_not_matter(self, index: DenseIndex) -> None:
        rows = unit_rows(9_000, self.dimension, seed=2)
        for start, stop in ((0, 1), (1, 4_097), (4_097, 4_097), (4_097, 9_000)):
            index.add(rows[start:stop])
        assert index.scores(rows[0]) == pytest.approx(rows @ rows[0], abs=1e-5)

    def test_compact_keeps_order(self, index: DenseIndex) -> None:
        rows = unit_rows(5_000, self.dimension, seed=3)
        keep = np.arange(5_000) % 3 == 0
        index.add(rows)
        index.compact(keep)
        index.add(rows[:2])
        left = np.concatenate([rows[keep], rows[:2]])
        assert index.scores(rows[5]) == pytest.approx(left @ rows[5], abs=1e-5)


class LexicalConformance:
    """The promises of `LexicalIndex`."""

    @pytest.fixture
    def index(self) -> LexicalIndex:
        """An empty index."""
        raise NotImplementedError("provide an empty index")

    @staticmethod
    def check(index: LexicalIndex, rows: Rows, visible: NDArray[np.bool_]) -> None:
        """Compare with the formula for several questions."""
        for query in ([1, 2, 3], [5, 5, 39], [99], []):
            found = index.scores(np.array(query, np.uint32), visible)
            assert found == pytest.approx(bm25(rows, query, visible.tolist()), abs=1e-4)

    def test_scores_are_bm25(self, index: LexicalIndex) -> None:
        rows = word_rows(60, seed=1)
        index.add(rows)
        self.check(index, rows, np.ones(60, np.bool_))

    def test_only_visible_rows_count(self, index: LexicalIndex) -> None:
        rows = word_rows(60, seed=2)
        index.add(rows)
        self.check(index, rows, np.arange(60) % 4 == 1)
        self.check(index, rows, np.zeros(60, np.bool_))

    def test_batches_do_not_matter(self, index: LexicalIndex) -> None:
        rows = word_rows(150, seed=3)
        for start in range(150):
            index.add(rows[start : start + 1])
        self.check(index, rows, np.ones(150, np.bool_))

    def test_compact_keeps_order(self, index: LexicalIndex) -> None:
        rows = word_rows(80, seed=4)
        keep = np.arange(80) % 3 != 0
        index.add(rows)
        index.compact(keep)
        index.add(rows[:5])
        left = [row for row, is_kept in zip(rows, keep, strict=True) if is_kept] + rows[:5]
        self.check(index, left, np.ones(len(left), np.bool_))
