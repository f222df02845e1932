"""What recall and forget promise holds with ChromaDB: the same tests, another index."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.test_forget import *  # noqa: F403 - the tests, which run here again
from tests.unit.test_recall import *  # noqa: F403

from memory_vault import MemoryConfig
from memory_vault.storage.index import stored
from memory_vault.testing.embedders import HashEmbedder

if importlib.util.find_spec("chromadb") is None:
    pytest.skip("chromadb is missing", allow_module_level=True)

pytestmark = pytest.mark.anyio


for alone in (  # in these a second event loop or process has the vault open
    "test_a_reader_elsewhere_makes_the_receipt_pending",
    "test_a_user_whose_file_is_open_elsewhere_is_forgotten_but_pending",
    "test_writes_of_another_vault_are_recalled_at_once",
):
    del globals()[alone]


@pytest.fixture
def hash_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryConfig:
    monkeypatch.setattr(stored, "FEW_ROWS", 0)
    config = MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder())
    return replace(config, index="chroma")
