"""A person over 200 sessions: what is current is right at any moment, whenever it was told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from tests.people import Life, current, differences, live

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.testing.embedders import HashEmbedder

pytestmark = pytest.mark.anyio
ANSWER = " ".join(f"Point {n} of a long answer about nothing in particular." for n in range(30))


@pytest.fixture
def config(tmp_path: Path) -> MemoryConfig:
    return MemoryConfig(data_dir=tmp_path / "vault", embedder=HashEmbedder(), durability="process")


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_current_is_right_at_any_moment(
    config: MemoryConfig, tmp_path: Path, seed: int
) -> None:
    """Also after reopening, after compression, and after an export and an import elsewhere."""
    life = Life(seed)
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        known = await live(memory, life, answer=ANSWER)
        assert await differences(memory, life, known, seed) == []
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        assert await differences(memory, life, known, seed + 1) == []
        job = await memory.compress(wait=True, force=True)
        assert job.state == "done"
        assert job.result["sessions"] > 150
        assert await differences(memory, life, known, seed + 1) == []
        await memory.export(tmp_path / "out")
    elsewhere = replace(config, data_dir=tmp_path / "other")
    async with Vault(elsewhere) as vault, MemoryLayer("eve", vault=vault) as memory:
        await memory.import_(tmp_path / "out")
        assert await differences(memory, life, known, seed + 2) == []


@pytest.mark.parametrize("seed", [3, 4])
async def test_forgetting_is_as_if_it_had_never_been_told(config: MemoryConfig, seed: int) -> None:
    life, chance = Life(seed, count=60, late=5), Random(seed)
    async with Vault(config) as vault, MemoryLayer("ada", vault=vault) as memory:
        await live(memory, life)
        for _ in range(25):
            talk = life.talks.pop(chance.randrange(len(life.talks)))
            await memory.forget(session_id=talk.session_id)
            for at in life.moments(chance, 2):
                found = await current(memory, as_of=at)
                assert found == life.truth(len(life.talks), at), (talk, at)
        await memory.forget(origin="user")
        assert await current(memory, as_of=life.moments(chance, 1)[0]) == set()
