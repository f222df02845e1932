"""The indexes that come with the library keep every promise."""

from __future__ import annotations

import pytest

from memory_vault.storage.index.dense import DenseMatrix
from memory_vault.storage.index.lexical import Postings
from memory_vault.testing.index_suite import DenseConformance, LexicalConformance


class TestDenseMatrix(DenseConformance):
    @pytest.fixture
    def index(self) -> DenseMatrix:
        return DenseMatrix(self.dimension)


class TestPostings(LexicalConformance):
    @pytest.fixture
    def index(self) -> Postings:
        return Postings()
