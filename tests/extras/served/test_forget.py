"""The public behaviour of tests/unit/test_forget.py, on a served vault."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.extras.served.running import served
from tests.unit.test_forget import *  # noqa: F403

from memory_vault import MemoryConfig, RemoteVault


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[RemoteVault]:
    async with served(hash_config) as vault:
        yield vault


# These look inside an embedded vault.
del test_derived_memories_go_too_at_any_remove  # noqa: F821
del test_a_selector_reaches_what_was_withdrawn  # noqa: F821
del test_a_session_is_forgotten_with_what_was_withdrawn_there  # noqa: F821
