"""What recall promises holds with ChromaDB: the same tests, another index."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.test_recall import *  # noqa: F403 - the tests, which run here again

from memory_vault import MemoryConfig
from memory_vault.storage.index import stored
from memory_vault.testing.embedders import HashEmbedder

if importlib.util.find_spec("chromadb") is None:
    pytest.skip("chromadb is missing", allow_module_level=True)

pytestmark = pytest.mark.anyio


del globals()["test_writes_of_another_vault_are_recalled_at_once"]  # of a second event loop


@pytest.fixture
def hash_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryConfig:
    monkeypatch.setattr(stored, "FEW_ROWS", 0)
    config = MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder())
    return replace(config, index="chroma")
