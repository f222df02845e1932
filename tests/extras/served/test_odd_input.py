"""The public behaviour of tests/unit/test_odd_input.py, on a served vault."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.extras.served.running import served
from tests.unit.test_odd_input import *  # noqa: F403

from memory_vault import MemoryConfig, RemoteVault


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[RemoteVault]:
    async with served(hash_config) as vault:
        yield vault
