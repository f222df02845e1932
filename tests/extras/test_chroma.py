"""ChromaDB keeps every promise of an outer index, embedded and served."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.extras.chroma_server import ChromaServer

from memory_vault.storage.chroma.embedded import EmbeddedChroma
from memory_vault.storage.chroma.served import ServedChroma
from memory_vault.testing.vector_suite import VectorIndexConformance

if importlib.util.find_spec("chromadb") is None:
    pytest.skip("chromadb is missing", allow_module_level=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    with ChromaServer(tmp_path_factory.mktemp("chroma")) as server:
        yield server


class TestEmbedded(VectorIndexConformance):
    """ChromaDB in this process keeps every promise of VectorIndex."""

    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[EmbeddedChroma]:
        index = EmbeddedChroma(tmp_path / "chroma", max_open=3)
        index.open()
        yield index
        index.close()


class TestServed(VectorIndexConformance):
    """A ChromaDB server keeps them."""

    @pytest.fixture
    def index(self, server: ChromaServer) -> Iterator[ServedChroma]:
        index = ServedChroma(server.url)
        index.open()
        for part in index.parts(""):
            index.drop(part)
        yield index
        index.close()
