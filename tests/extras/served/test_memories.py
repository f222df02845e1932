"""The public behaviour of tests/unit/test_memories.py, on a served vault."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.extras.served.running import served
from tests.unit.test_memories import *  # noqa: F403

from memory_vault import MemoryConfig, MemoryLayer


@pytest.fixture
async def memory(hash_config: MemoryConfig) -> AsyncIterator[MemoryLayer]:
    async with served(hash_config) as vault, MemoryLayer("ada", vault=vault) as layer:
        yield layer


# These look inside an embedded vault.
del test_an_update_keeps_the_mark_of_a_summary  # noqa: F821
