"""A user's file that takes the place of another: nobody takes it for the one before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.faults.children import child

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.storage.sqlite.files import user_path
from memory_vault.storage.sqlite.repair import set_aside
from memory_vault.storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.anyio
SAID = ("My bank is in Zug.", "We met Anna in Oslo.", "Dinner was late.")
NEW = ("I like tulips.", "I bought a kayak.", "My name is Alma.", "I own a red bicycle.")

FORGET_AND_SAVE = """
async def main():
    async with Vault(config) as vault:
        await vault.forget_user("ada", confirm=True)
        async with MemoryLayer("ada", vault=vault) as memory:
            for text in rest:
                await memory.save(text)

anyio.run(main, backend=backend)
"""


async def _fill(memory: MemoryLayer) -> None:
    """Save, and have an index in memory."""
    for text in SAID:
        await memory.save(text)
    assert (await memory.recall("bank")).memories


async def _recalled(memory: MemoryLayer, question: str) -> list[str]:
    return [one.memory.content for one in (await memory.recall(question)).memories]


def _damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"garbage" * 3_000)


@pytest.mark.parametrize("new", [NEW[:1], NEW])
async def test_an_index_does_not_outlive_the_file_that_another_process_removed(
    hash_config: MemoryConfig, anyio_backend: str, new: tuple[str, ...]
) -> None:
    """With fewer versions than it has rows, and with more."""
    config = replace(hash_config, max_open_files=1)
    async with (
        Vault(config) as vault,
        MemoryLayer("ada", vault=vault) as memory,
        MemoryLayer("bob", vault=vault) as bob,
    ):
        await _fill(memory)
        await bob.save("hi")  # the connection to the file of ada is closed
        with child(FORGET_AND_SAVE, config.data_dir, anyio_backend, *new) as other:
            other.finish()
        (first, *_) = await _recalled(memory, "tulips")
        assert "tulips" in first
        assert (await vault.check()).problems == ()


async def test_an_index_does_not_outlive_the_file_that_was_set_aside(
    hash_config: MemoryConfig,
) -> None:
    async with Vault(hash_config) as vault, MemoryLayer("ada", vault=vault) as memory:
        await _fill(memory)
        store, path = vault.engine.store, user_path(hash_config.data_dir, "ada")
        await store.checkpoint("ada")
        store._pool.drop(path)
        _damage(path)
        assert len((await vault.check(repair=True)).repaired) == 1
        await memory.save("I like tulips.")
        assert set(await _recalled(memory, "bank")) <= {"I like tulips.", "User likes tulips."}


async def _contents(store: SqliteStore) -> list[str]:
    """What a store reads of ada, in a transaction and in an export."""
    contents = lambda user: [  # noqa: E731
        one.content for one in user.memories.get_many(user.memories.ids_of()).values()
    ]
    read = await store.read("ada", contents)
    copy = store.snapshot("ada")
    try:
        kept = await store.in_thread(lambda: copy.run(lambda rows: rows.is_empty))
    finally:
        await store.in_thread(copy.close)
    assert kept == (not read)
    return read


@pytest.mark.parametrize("has_next", [False, True])
async def test_who_has_a_file_open_that_was_set_aside_reads_the_next_one_or_none(
    hash_config: MemoryConfig, has_next: bool
) -> None:
    """As another process would."""
    folder = hash_config.data_dir.resolve()
    other = SqliteStore(folder, durability="process", lock_timeout_s=5, max_open_files=9, readers=1)
    async with Vault(hash_config) as vault, MemoryLayer("ada", vault=vault) as memory:
        await memory.save("The weather is fine.")
        await other.open()
        assert await _contents(other) == ["The weather is fine."]
        vault.engine.store._pool.drop(user_path(folder, "ada"))
        set_aside(folder, user_path(folder, "ada"), "tried")
        if has_next:
            await memory.save("The weather is bad.")
        assert await _contents(other) == (["The weather is bad."] if has_next else [])
        await other.close()


async def test_no_two_files_have_one_generation(hash_config: MemoryConfig) -> None:
    async with Vault(hash_config) as vault:
        store = vault.engine.store
        found = set[int]()
        for user_id in ("ada", "bob", "ada"):
            async with MemoryLayer(user_id, vault=vault) as memory:
                await memory.save("tea")
                found.add(await store.read(user_id, lambda user: user.generation))
            if user_id == "ada":
                await vault.forget_user("ada", confirm=True)
        assert len(found) == 3
