"""Killed at any moment: what was acknowledged is there, what was not is whole or absent."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path
from typing import Any

import pytest
from tests.faults.children import child

from memory_vault import MemoryConfig, MemoryLayer, Vault

pytestmark = pytest.mark.anyio

ROUNDS = 4
PARTS = 5

SAVER = """\
async def main():
    rounds = rest[0]
    async with Vault(config) as vault:
        async with MemoryLayer("alice", vault=vault) as memory:
            say("open")
            for number in range(1_000_000):
                word = f"w{rounds}x{number}"
                if number % 3:
                    said = await memory.save(f"The word is {word}.")
                else:
                    said = await memory.save(
                        [{"role": "user", "content": f"Part {i} of {word}."} for i in range(5)]
                    )
                say(word, *(m.id for m in said.saved))
                if number % 4 == 0:
                    await memory.update(said.saved[0].id, importance=0.25)

anyio.run(main, backend=backend)
"""


async def _all(memory: MemoryLayer) -> list[Any]:
    page = await memory.list_memories(page_size=1000)
    found = list(page.items)
    while page.next_cursor:
        page = await memory.list_memories(page_size=1000, cursor=page.next_cursor)
        found += page.items
    return found


async def _state(memory: MemoryLayer) -> tuple[Any, ...]:
    return await _all(memory), await memory.stats(), await memory.list_sessions()


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.db")
        if path.is_file()
    }


async def test_a_killed_writer_loses_nothing(anyio_backend: str, hash_config: MemoryConfig) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    acknowledged: dict[str, list[str]] = {}
    for number in range(ROUNDS):
        with child(SAVER, hash_config.data_dir, anyio_backend, str(number)) as saver:
            assert saver.hear() == "open"
            lines = [] if number == 0 else [saver.hear()]
            time.sleep(chance.uniform(0.0, 0.25))
            for line in lines + saver.kill():
                word, *memory_ids = line.split()
                acknowledged[word] = memory_ids
        await _everything_is_there(hash_config, acknowledged)


async def _everything_is_there(config: MemoryConfig, acknowledged: dict[str, list[str]]) -> None:
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        assert (await vault.check()).problems == ()
        held = {m.id: m for m in await _all(memory)}
        assert {one for ids in acknowledged.values() for one in ids} <= set(held)
        parts = [m.content.split()[-1] for m in held.values() if m.content.startswith("Part")]
        assert all(parts.count(word) == PARTS for word in set(parts)), "a conversation is whole"
        for word, memory_ids in list(acknowledged.items())[-6:]:
            found = await memory.recall(f"{word}", top_k=30)
            assert set(memory_ids) & {one.memory.id for one in found.memories}, word
        listed = [one.user_id for one in (await vault.list_users()).items]
        assert listed == ["alice"] or not held
        before = await _state(memory)
    files = _digests(config.data_dir)
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        assert await _state(memory) == before
    assert _digests(config.data_dir) == files


async def test_killed_while_users_appear(anyio_backend: str, hash_config: MemoryConfig) -> None:
    """No half-made file stays in the way: acknowledged users are there, listed ones open."""
    source = """\
async def main():
    async with Vault(config) as vault:
        say("open")
        for number in range(1_000_000):
            async with MemoryLayer(f"user {rest[0]}-{number}", vault=vault) as memory:
                await memory.save("I am new here.")
            say(memory.user_id)

anyio.run(main, backend=backend)
"""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    users: list[str] = []
    for number in range(2):
        with child(source, hash_config.data_dir, anyio_backend, str(number)) as maker:
            assert maker.hear() == "open"
            time.sleep(chance.uniform(0.0, 0.2))
            users += maker.kill()
        async with Vault(hash_config) as vault:
            listed = [one.user_id for one in (await vault.list_users(page_size=1000)).items]
            assert set(users) <= set(listed)
            for user_id in listed:
                async with MemoryLayer(user_id, vault=vault) as memory:
                    held = sum((await memory.stats()).memories.values())
                    assert held or user_id not in users
                    await memory.save("I am here again.")
            assert (await vault.check()).problems == ()
