"""The indexes that come with the library keep every promise."""

from __future__ import annotations

import numpy as np
import pytest

from memory_vault.storage.index import CHUNKS_PER_VERSION
from memory_vault.storage.index.dense import DenseMatrix, cosines_between
from memory_vault.storage.index.lexical import Postings
from memory_vault.storage.index.rank import Question
from memory_vault.storage.index.user_index import UserIndex
from memory_vault.testing.index_suite import (
    DenseConformance,
    IndexConformance,
    LexicalConformance,
    ListedTruth,
    SignedDenseConformance,
    bm25,
    unit_rows,
    word_rows,
)
from memory_vault.testing.rank_suite import RankConformance
from memory_vault.testing.vector_suite import MARK, VectorIndexConformance
from memory_vault.testing.vectors import MatrixIndex


class TestDenseMatrix(DenseConformance):
    """The matrix in memory keeps the promises of `DenseIndex`."""

    @pytest.fixture
    def index(self) -> DenseMatrix:
        return DenseMatrix(self.dimension)


class TestPackedMatrix(SignedDenseConformance):
    """The matrix keeps them as well when it has many rows."""

    tolerance = 5e-5

    @pytest.fixture
    def index(self) -> DenseMatrix:
        return DenseMatrix(self.dimension, exact_rows=2_000, segment_rows=1_024)


class TestPackedMatrixOfWideRows(SignedDenseConformance):
    """With rows of several words of signs and the usual dimension it is as near as promised."""

    dimension = 384

    @pytest.fixture
    def index(self) -> DenseMatrix:
        return DenseMatrix(self.dimension, exact_rows=10)


@pytest.mark.parametrize(
    ("count", "dimension"), [(0, 8), (1, 8), (60, 384), (49, 5_000), (3, 300_000)]
)
def test_cosines_between_rows_are_those_of_one_product(count: int, dimension: int) -> None:
    rows = unit_rows(count, dimension, seed=1)
    assert cosines_between(rows) == pytest.approx(rows @ rows.T, abs=2e-5)


class TestPostings(LexicalConformance):
    """The postings in memory keep the promises of `LexicalIndex`."""

    @pytest.fixture
    def index(self) -> Postings:
        return Postings()

    def test_some_rows_alone_say_how_common_a_word_is(self, index: Postings) -> None:
        rows = word_rows(60, seed=6)
        index.add(rows)
        visible, groups = np.arange(60) % 5 != 0, np.arange(60) // 4
        counted = visible & (groups % 3 != 0)
        found = index.texts(visible, counted)
        joined = found.joined(groups)
        texts = [row.tolist() for row in rows]
        as_one = [
            [word for at in range(4 * group, 4 * group + 4) if visible[at] for word in texts[at]]
            for group in range(15)
        ]
        for query in ([1, 2, 3], [5, 5, 39], [99]):
            words = np.array(query, np.uint32)
            expected = bm25(texts, query, visible.tolist(), counted.tolist())
            assert found.scores(found.find(words)) == pytest.approx(expected, abs=1e-4)
            assert found.best(np.array(expected, np.float32)) == pytest.approx(
                max(np.array(expected)[counted]) or max(expected), abs=1e-6
            )
            counts = [group % 3 != 0 for group in range(15)]
            expected = bm25(as_one, query, [True] * 15, counts)
            assert joined.scores(joined.find(words)) == pytest.approx(expected, abs=1e-4)


class TestUserIndex(IndexConformance):
    """The index of a user follows the truth."""

    @pytest.fixture
    def index(self) -> UserIndex:
        return UserIndex(self.dimension)


class TestLargeUserIndex(IndexConformance):
    """So does the index of a user with many memories."""

    @pytest.fixture
    def index(self) -> UserIndex:
        return UserIndex(self.dimension, exact_rows=6, segment_rows=4)


class TestRanking(RankConformance):
    """Ranking by signs first finds what ranking exactly finds."""

    @pytest.fixture
    def index(self) -> UserIndex:
        return UserIndex(self.dimension, exact_rows=50, segment_rows=64)


class TestUserIndexWithoutEmbeddings(IndexConformance):
    """So does one that leaves embeddings in the file."""

    @pytest.fixture
    def index(self) -> UserIndex:
        return UserIndex(self.dimension, few_rows=0)


class TestRankingWithAnOuterIndex(RankConformance):
    """Ranking by what an outer index found, which lags, finds what ranking exactly finds."""

    @pytest.fixture
    def index(self) -> UserIndex:
        return UserIndex(self.dimension, few_rows=50)

    def refresh(
        self, index: UserIndex, truth: ListedTruth, question: Question | None = None
    ) -> None:
        outer, end = MatrixIndex(), truth.end()
        outer.begin("part", end._replace(version=end.version - 30))
        for version, row in truth.rows.items():
            if version <= end.version - 30:
                numbers = version * CHUNKS_PER_VERSION + np.arange(len(row.chunks))
                rows = [np.frombuffer(embedding, "<f4") for embedding, _ in row.chunks]
                outer.put("part", numbers, np.array(rows))
        asked = np.ones(self.dimension, np.float32) if question is None else question.embedding
        index.refresh(truth, outer.search("part", asked, 100))


class TestMatrixIndex(VectorIndexConformance):
    """The exact index keeps the promises of an outer one, and misses nothing."""

    may_miss = 0.0

    @pytest.fixture
    def index(self) -> MatrixIndex:
        return MatrixIndex()

    def test_the_mark_can_be_read_again(self) -> None:
        assert MARK.parse(str(MARK)) == MARK
        for text in (None, "", "{}", "[1, 2]", '["a", "b", "c", "d"]'):
            assert MARK.parse(text) is None
