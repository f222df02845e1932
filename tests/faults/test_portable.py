"""Cancelled or killed: an export is whole or absent, an import has happened or has not."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import anyio
import pytest
from tests.faults.children import child
from tests.faults.test_cancel import MANY, Way, every_way

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.portable import export as export_module
from memory_vault.portable import import_ as import_module
from memory_vault.storage.sqlite.held import STAGING
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
PATIENCE_S = 30
MANY_MEMORIES = 31


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few memories take several hops."""
    monkeypatch.setattr(export_module, "_PAGE", 12)
    monkeypatch.setattr(import_module, "_PAGE", 12)


@pytest.fixture
def hash_config(tmp_path: Path) -> MemoryConfig:
    """As everywhere, without waiting for the disk."""
    return MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder(), durability="process")


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


async def _export_some(vault: Vault, path: Path) -> bytes:
    async with MemoryLayer("source", vault=vault) as source:
        await source.save("I live in Lisbon.")  # two memories: what was said, and the fact
        await source.save(
            [{"role": "user", "content": f"Number {i}."} for i in range(MANY_MEMORIES - 2)],
            session_id="s",
        )
        await source.set_preference("style", "short")
        await source.export(path)
    return path.read_bytes()


@every_way
async def test_a_cancelled_import_is_whole_or_nothing(
    anyio_backend: str, way: Way, hash_config: MemoryConfig, tmp_path: Path
) -> None:
    outcomes = set()
    async with Vault(hash_config) as vault:
        text = await _export_some(vault, tmp_path / "out")
        for n in range(1, MANY):
            async with MemoryLayer(f"user {n}", vault=vault) as memory:
                with anyio.fail_after(PATIENCE_S):
                    was_cancelled = await way(lambda m=memory: m.import_(tmp_path / "out"), n)
                await _settled(vault)
                total = (await memory.stats()).total
                outcomes.add(total)
                assert total in (0, MANY_MEMORIES), f"half done at {n}"
                if not total:
                    assert was_cancelled
                    if n % 4:
                        continue
                    await memory.import_(tmp_path / "out")
                await memory.export(tmp_path / "again", overwrite=True)
                assert (tmp_path / "again").read_bytes() == text
            if not was_cancelled:
                break
        else:
            pytest.fail("the call never ended")
        assert (await vault.check()).problems == ()
    assert outcomes == {0, MANY_MEMORIES}


@every_way
async def test_a_cancelled_export_is_whole_or_absent(
    anyio_backend: str, way: Way, hash_config: MemoryConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    async with Vault(hash_config) as vault:
        text = await _export_some(vault, tmp_path / "whole")
        async with MemoryLayer("source", vault=vault) as source:
            for n in range(1, MANY):
                path = folder / str(n)
                with anyio.fail_after(PATIENCE_S):
                    was_cancelled = await way(lambda p=path: source.export(p), n)
                await _settled(vault, folder)
                if path.exists():
                    assert path.read_bytes() == text
                else:
                    assert was_cancelled
                if not was_cancelled:
                    break
            else:
                pytest.fail("the call never ended")


IMPORTER = """\
from dataclasses import replace
async def main():
    one = replace(config, durability="process", embedder=HashEmbedder(int(rest[1])))
    async with MemoryLayer("alice", config=one) as memory:
        say("open")
        await memory.import_(rest[0])
        say("done")
        time.sleep(60)

anyio.run(main, backend=backend)
"""


@pytest.mark.parametrize("dimension", [64, 128])
async def test_a_killed_import_is_whole_or_nothing(
    anyio_backend: str, hash_config: MemoryConfig, tmp_path: Path, dimension: int
) -> None:
    async with Vault(hash_config) as vault:
        await _export_some(vault, tmp_path / "out")
    chance = random.Random(f"{anyio_backend} {dimension}")
    config = MemoryConfig(data_dir=tmp_path / "other", embedder=HashEmbedder(dimension))
    source = (IMPORTER, config.data_dir, anyio_backend, str(tmp_path / "out"), str(dimension))
    with child(*source) as importer:
        assert importer.hear() == "open"
        time.sleep(chance.uniform(0.0, 0.4))
        is_done = "done" in importer.kill()
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        total = (await memory.stats()).total
        assert total in ((MANY_MEMORIES,) if is_done else (0, MANY_MEMORIES))
        if not total:
            await memory.import_(tmp_path / "out")
        assert "Lisbon" in (await memory.recall("Where do I live?")).prompt_block
        await memory.export(tmp_path / "again")
        lines = (tmp_path / "again").read_text().splitlines()
        assert json.loads(lines[-1])["memories"] == MANY_MEMORIES
        assert (await vault.check()).problems == ()
