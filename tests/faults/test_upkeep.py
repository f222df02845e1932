"""Cancelled or killed in the middle of a backup, a restore or a change of the key."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.faults.children import child
from tests.faults.test_cancel import MANY, WAYS, Way, every_way

from memory_vault import MemoryConfig, MemoryLayer, Vault, WrongKey
from memory_vault.storage.sqlite import backup as copies
from memory_vault.storage.sqlite import keys as keys_module
from memory_vault.storage.sqlite.held import STAGING
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
PATIENCE_S = 30
OLD, NEW = b"o" * 32, b"n" * 32
USERS = ("alice", "bob")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small files take several steps, and passphrases cost little."""
    monkeypatch.setattr(copies, "_PAGES", 24)
    monkeypatch.setattr(keys_module, "KDF_ROUNDS", 100)


@pytest.fixture
def config(tmp_path: Path) -> MemoryConfig:
    return MemoryConfig(
        data_dir=tmp_path / "vault",
        embedder=HashEmbedder(),
        durability="process",
        encryption_key=OLD,
    )


async def _fill(vault: Vault) -> None:
    for user_id in USERS:
        async with MemoryLayer(user_id, vault=vault) as memory:
            await memory.save([{"role": "user", "content": f"{user_id} {i}"} for i in range(20)])


async def _totals(vault: Vault) -> list[int]:
    found = []
    for user_id in USERS:
        async with MemoryLayer(user_id, vault=vault) as memory:
            found.append((await memory.stats()).total)
    return found


async def _settled(vault: Vault, folder: Path | None = None) -> None:
    """Wait until the threads of callers who left have ended, and nothing of theirs is left."""
    store = vault.engine.store
    staging = vault.config.data_dir / STAGING
    with anyio.fail_after(PATIENCE_S):
        while (
            store._pool.taken
            or store.long.borrowed_tokens
            or list(staging.glob("*"))
            or (folder is not None and list(folder.glob(".*")))
        ):
            await anyio.sleep(0.001)


@every_way
async def test_a_cancelled_backup_is_whole_or_absent(
    anyio_backend: str, way: Way, config: MemoryConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    async with Vault(config) as vault:
        await _fill(vault)
        for n in range(1, MANY):
            path = folder / str(n)
            with anyio.fail_after(PATIENCE_S):
                was_cancelled = await way(lambda p=path: vault.backup(p), n)
            await _settled(vault, folder)
            if path.exists():
                again = await vault.restore(path, overwrite=True)
                assert again.users == 2
            else:
                assert was_cancelled
            if not was_cancelled:
                break
        else:
            pytest.fail("the call never ended")
        assert await _totals(vault) == [20, 20]


@pytest.mark.parametrize(("anyio_backend", "way"), WAYS[:3])
async def test_a_cancelled_restore_leaves_each_user_whole_or_as_before(
    anyio_backend: str, way: Way, config: MemoryConfig, tmp_path: Path
) -> None:
    async with Vault(config) as vault:
        await _fill(vault)
        await vault.backup(tmp_path / "backup")
        for n in range(1, MANY):
            for user_id in USERS:
                async with MemoryLayer(user_id, vault=vault) as memory:
                    await memory.forget_all(confirm=True)
            with anyio.fail_after(PATIENCE_S):
                was_cancelled = await way(lambda: vault.restore(tmp_path / "backup"), n)
            await _settled(vault)
            totals = await _totals(vault)
            assert set(totals) <= {0, 20}
            if not was_cancelled:
                assert totals == [20, 20]
                break
        else:
            pytest.fail("the call never ended")
        assert (await vault.check()).problems == ()


@every_way
async def test_a_cancelled_change_of_the_key_is_done_or_not(
    anyio_backend: str, way: Way, config: MemoryConfig, tmp_path: Path
) -> None:
    other = replace(config, encryption_key=NEW)
    async with Vault(config) as vault:
        await _fill(vault)
    for n in range(1, MANY):
        async with Vault(config) as vault:
            with anyio.fail_after(PATIENCE_S):
                was_cancelled = await way(lambda v=vault: v.rekey(NEW), n)
            await _settled(vault)
            assert await _totals(vault) == [20, 20]
        try:
            async with Vault(other) as vault:
                assert await _totals(vault) == [20, 20]
            config, other = other, replace(config, encryption_key=OLD)
            break
        except WrongKey:
            assert was_cancelled
            async with Vault(config) as vault:
                assert await _totals(vault) == [20, 20]
    else:
        pytest.fail("the key never changed")


PRELUDE = """\
from dataclasses import replace
from memory_vault.storage.sqlite import backup as copies
copies._PAGES = 24
place, key = Path(rest[0]), bytes.fromhex(rest[1])
config = replace(config, durability="process", encryption_key=key)

async def main():
    async with Vault(config) as vault:
        say("open")
        WORK
        say("done")
        time.sleep(60)

anyio.run(main, backend=backend)
"""


def _killed(
    config: MemoryConfig, backend: str, place: Path, work: str, *, after_s: float
) -> list[str]:
    """Let another process do it, and kill it after a while; what it said."""
    source = PRELUDE.replace("WORK", work)
    assert isinstance(config.encryption_key, bytes)
    key = config.encryption_key.hex()
    with child(source, config.data_dir, backend, str(place), key) as other:
        assert other.hear() == "open"
        time.sleep(after_s)
        return other.kill()


@pytest.fixture
def after_s(anyio_backend: str, request: pytest.FixtureRequest) -> Callable[[float], float]:
    """Random moments, the same in every run."""
    chance = random.Random(request.node.nodeid)
    return lambda most: chance.uniform(0, most)


async def test_a_killed_backup_is_whole_or_absent(
    anyio_backend: str, config: MemoryConfig, tmp_path: Path, after_s: Callable[[float], float]
) -> None:
    async with Vault(config) as vault:
        await _fill(vault)
    place = tmp_path / "one"
    work = "await vault.backup(place)"
    said = _killed(config, anyio_backend, place, work, after_s=after_s(0.15))
    async with Vault(config) as vault:
        assert place.exists() or "done" not in said
        if place.exists():
            assert (await vault.restore(place, overwrite=True)).users == 2
        assert await _totals(vault) == [20, 20]
        assert (await vault.check()).problems == ()


async def test_a_killed_restore_leaves_each_user_whole_or_as_before(
    anyio_backend: str, config: MemoryConfig, tmp_path: Path, after_s: Callable[[float], float]
) -> None:
    async with Vault(config) as vault:
        await _fill(vault)
        await vault.backup(tmp_path / "backup")
    other = replace(config, data_dir=tmp_path / "other", encryption_key=NEW)
    work = f"await vault.restore(place, encryption_key=bytes.fromhex({OLD.hex()!r}))"
    backup = tmp_path / "backup"
    said = _killed(other, anyio_backend, backup, work, after_s=after_s(0.2))
    async with Vault(other) as vault:
        totals = await _totals(vault)
        assert set(totals) <= ({20} if "done" in said else {0, 20})
        await vault.restore(backup, encryption_key=OLD, overwrite=True)
        assert await _totals(vault) == [20, 20]
        assert (await vault.check()).problems == ()


async def test_a_killed_change_of_the_key_leaves_the_old_or_the_new(
    anyio_backend: str, config: MemoryConfig, tmp_path: Path, after_s: Callable[[float], float]
) -> None:
    async with Vault(config) as vault:
        await _fill(vault)
    seen = 0
    work = f"""
        for number in range(100_000):
            await vault.rekey(bytes.fromhex({NEW.hex()!r}) if number % 2 else key)
            if number == 5:
                say("going")
"""
    for _ in range(2):
        _killed(config, anyio_backend, tmp_path, work, after_s=0.1 + after_s(0.2))
        for key in (OLD, NEW):
            try:
                async with Vault(replace(config, encryption_key=key)) as vault:
                    assert await _totals(vault) == [20, 20]
                    config = replace(config, encryption_key=key)
                    seen += 1
            except WrongKey:
                pass
    assert seen == 2, "one key each time: never none, never both"
