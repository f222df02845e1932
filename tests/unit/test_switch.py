"""Another embedder for a whole vault: in the background, user by user, never mixed, never empty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.embed import Embedder
from memory_vault.storage.sqlite.transaction import Transaction
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
OLD, NEW = HashEmbedder(64, window=64), HashEmbedder(128, window=16)
LONG = " ".join(f"The ship number {i} lay in the harbour that night." for i in range(12))
WITHIN_S = 20


@pytest.fixture
def config(tmp_path: Path) -> MemoryConfig:
    return MemoryConfig(data_dir=tmp_path / "vault", embedder=OLD, job_retry_s=0)


async def fill(vault: Vault, users: Sequence[str] = ("ada", "bob")) -> None:
    for user_id in users:
        async with MemoryLayer(user_id, vault=vault) as memory:
            await memory.save("I moved to Lisbon in May.")
            first = (await memory.save("My dog is called Rex.")).saved[0]
            await memory.update(first.id, importance=0.9)
            await memory.update(first.id, content="My dog is called Max.")
            await memory.save(LONG)


async def found(vault: Vault, user_id: str, query: str) -> list[str]:
    async with MemoryLayer(user_id, vault=vault) as memory:
        return [one.memory.content for one in (await memory.recall(query)).memories]


async def spaces(vault: Vault, users: Sequence[str] = ("ada", "bob")) -> set[str | None]:
    seen = set()
    for user_id in users:
        async with MemoryLayer(user_id, vault=vault) as memory:
            seen.add((await memory.stats()).embedder)
    return seen


async def assert_like_new(vault: Vault, user_id: str, embedder: Embedder) -> None:
    """A user's chunks are those that saving the same with this embedder would have made."""
    from memory_vault.ingest import pieces

    def look(user: Transaction) -> None:
        assert not user.moving.is_under_way()
        for number, content, role in user._db.execute("SELECT seq, content, role FROM memories"):
            chunks = user.memories.chunks(number)
            wanted = pieces(embedder, content, role)
            assert [(c.start, c.stop, c.words) for c in chunks] == [
                (p.start, p.stop, p.words) for p in wanted
            ]
            held = np.array([np.frombuffer(c.embedding, "<f4") for c in chunks])
            fresh = np.array([embedder._embed_one(p.text) for p in wanted])  # type: ignore[attr-defined]
            assert np.allclose(held, fresh, atol=1e-6)

    await vault.engine.store.read(user_id, look)
    assert (await vault.check()).problems == ()


async def test_every_user_is_moved(config: MemoryConfig) -> None:
    async with Vault(config) as vault:
        await fill(vault)
        before = await found(vault, "ada", "Where do I live?")
        job = await vault.switch_embedder(NEW, wait=True)
        assert (job.state, job.kind, job.user_id) == ("done", "switch_embedder", None)
        assert job.done == job.total == 10
        assert job.result["users"] == 2
        assert job.result["chunks"] > 10
        assert await spaces(vault) == {str(NEW.fingerprint)}
        for user_id in ("ada", "bob"):
            await assert_like_new(vault, user_id, NEW)
        assert set(await found(vault, "ada", "Where do I live?")) == set(before)
        await fill(vault, ["cid"])
        assert await spaces(vault, ["cid"]) == {str(NEW.fingerprint)}
        assert (await vault.list_jobs()).items == (job,)
        assert (await vault.health()).is_ok
