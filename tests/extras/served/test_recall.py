"""The public behaviour of tests/unit/test_recall.py, on a served vault."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.extras.served.running import served
from tests.unit.test_recall import *  # noqa: F403

from memory_vault import MemoryConfig, RemoteVault


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[RemoteVault]:
    async with served(hash_config) as vault:
        yield vault


# These look inside an embedded vault.
del test_the_budget_is_never_exceeded  # noqa: F821
del test_preferences_come_first_and_take_a_quarter_at_most  # noqa: F821
