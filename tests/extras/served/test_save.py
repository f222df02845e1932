"""The public behaviour of tests/unit/test_save.py, on a served vault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.extras.served.running import served
from tests.unit.test_save import *  # noqa: F403
from tests.unit.test_save import CountingEmbedder

from memory_vault import MemoryConfig, RemoteVault


@pytest.fixture
async def vault(
    hash_config: MemoryConfig, embedder: CountingEmbedder
) -> AsyncIterator[RemoteVault]:
    async with served(replace(hash_config, embedder=embedder)) as vault:
        yield vault
