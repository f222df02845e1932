"""What vaults on one folder share: nothing of it runs on after an open that failed."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio import get_running_tasks

from memory_vault import MemoryConfig, StorageError, Vault
from memory_vault.storage.sqlite.erasure import Erasure

pytestmark = pytest.mark.anyio
WITHIN_S = 10


def names() -> list[str]:
    return sorted(str(task.name) for task in get_running_tasks())


async def test_an_open_that_fails_leaves_no_task(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Erasure) -> None:
        raise StorageError("the disk fails")

    before = names()
    vault = Vault(hash_config)
    with monkeypatch.context() as patched:
        patched.setattr(Erasure, "owed", fail)
        with pytest.raises(StorageError):
            await vault.open()
    with anyio.fail_after(WITHIN_S):
        while names() != before:
            await anyio.sleep(0.001)
    async with vault:
        assert (await vault.health()).is_ok


async def test_who_opens_while_another_open_fails_has_a_whole_vault(
    hash_config: MemoryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    vaults = Vault(hash_config), Vault(hash_config)
    owed, count = Erasure.owed, 0
    failed: list[Vault] = []

    def fail_once(self: Erasure) -> Any:
        nonlocal count
        count += 1
        if count == 1:
            raise StorageError("the disk fails")
        return owed(self)

    monkeypatch.setattr(Erasure, "owed", fail_once)

    async def try_open(vault: Vault) -> None:
        try:
            await vault.open()
        except StorageError:
            failed.append(vault)

    async with anyio.create_task_group() as tasks:
        for vault in vaults:
            tasks.start_soon(try_open, vault)
    (other,) = set(vaults) - set(failed)  # either may come first
    async with other:
        assert other.engine.host._group is not None
        assert (await other.health()).is_ok
