"""The indexes that come with the library keep every promise."""

from __future__ import annotations

import pytest

from memory_vault.storage.index.dense import DenseMatrix
from memory_vault.storage.index.lexical import Postings
from memory_vault.storage.index.user_index import UserIndex
from memory_vault.testing.index_suite import (
    DenseConformance,
    IndexConformance,
    LexicalConformance,
)


class TestDenseMatrix(DenseConformance):
    """The matrix in memory keeps the promises of `DenseIndex`."""

    @pytest.fixture
    def index(self) -> DenseMatrix:
        return DenseMatrix(self.dimension)


class TestPostings(LexicalConformance):
    """The postings in memory keep the promises of `LexicalIndex`."""

    @pytest.fixture
    def index(self) -> Postings:
        return Postings()


class TestUserIndex(IndexConformance):
    """The index of a user follows the truth."""

    @pytest.fixture
    def index(self) -> UserIndex:
        return UserIndex(self.dimension)
