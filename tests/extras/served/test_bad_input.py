"""The public behaviour of tests/unit/test_bad_input.py, on a served vault."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.extras.served.running import served
from tests.unit.test_bad_input import *  # noqa: F403

from memory_vault import MemoryConfig, RemoteVault


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[RemoteVault]:
    async with served(hash_config) as vault:
        yield vault


# These look inside an embedded vault.
del test_one_damaged_file_harms_no_other_user  # noqa: F821
del test_vaults_on_one_folder_must_agree  # noqa: F821
del test_asking_about_a_stranger_makes_no_file  # noqa: F821
