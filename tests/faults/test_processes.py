"""Several processes on one vault: nothing acknowledged is lost, and no lock holds up others."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest
from tests.faults.children import PATIENCE_S, child, locked_by_another

from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault.errors import NotFound, StorageBusy
from memory_vault.storage.sqlite.files import user_path

pytestmark = pytest.mark.anyio

NEW_USERS = 4
SAVES = 12

WRITER = """\
async def main():
    name, new_users, saves = rest[0], int(rest[1]), int(rest[2])
    say("ready")
    heed()
    async with Vault(config) as vault:
        users = [f"new {i}" for i in range(new_users)] + ["shared"] * saves
        for number, user in enumerate(users):
            async with MemoryLayer(user, vault=vault) as memory:
                content = f"Word {name}{number} was said by writer {name}."
                (saved,) = (await memory.save(content)).saved
                say("saved", saved.id, user)
                assert (await memory.get(saved.id)).content == content
                if number % 3 == 0:
                    found = await memory.recall(f"{name}{number}", top_k=10)
                    assert saved.id in {one.memory.id for one in found.memories}, user

anyio.run(main, backend=backend)
"""

READER = """\
async def main():
    say("ready")
    heed()
    async with Vault(config) as vault, MemoryLayer("shared", vault=vault) as memory:
        before = set()
        for _ in range(int(rest[0])):
            now = {m.id for m in (await memory.list_memories(page_size=1000)).items}
            assert before <= now, "what was seen has gone"
            before = now
            found = await memory.recall("Which word was said by writer a?", top_k=5)
            assert len(found.memories) >= min(1, len(before))

anyio.run(main, backend=backend)
"""


async def test_writers_and_readers_at_once(anyio_backend: str, hash_config: MemoryConfig) -> None:
    """On one user, and on users whom all of them create at the same moment."""
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                child(WRITER, hash_config.data_dir, anyio_backend, name, str(NEW_USERS), str(SAVES))
            )
            for name in "abc"
        ]
        readers = [
            stack.enter_context(child(READER, hash_config.data_dir, anyio_backend, "25"))
            for _ in range(2)
        ]
        for one in (*writers, *readers):
            assert one.hear() == "ready"
        for one in (*writers, *readers):
            one.tell("go")
        said = [line.split(maxsplit=2) for one in writers for line in one.finish()]
        for one in readers:
            one.finish()
    assert len(said) == 3 * (NEW_USERS + SAVES)
    async with Vault(hash_config) as vault:
        for user_id in {user for _, _, user in said}:
            async with MemoryLayer(user_id, vault=vault) as memory:
                held = {m.id for m in (await memory.list_memories(page_size=1000)).items}
                assert held == {memory_id for _, memory_id, user in said if user == user_id}
        listed = {one.user_id for one in (await vault.list_users()).items}
        assert listed == {user for _, _, user in said}
        assert (await vault.check()).problems == ()


async def test_a_lock_held_elsewhere_is_waited_out(hash_config: MemoryConfig) -> None:
    """Calls that wait for it hold up no other user, nor this user's readers."""
    async with Vault(hash_config) as vault:
        alice, bob = MemoryLayer("alice", vault=vault), MemoryLayer("bob", vault=vault)
        await alice.open()
        await bob.open()
        await alice.save("The ferry leaves at nine.")
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                with locked_by_another(user_path(vault.config.data_dir, "alice")):
                    for i in range(10):
                        group.start_soon(alice.save, f"Waiting for my turn, number {i}.")
                    await anyio.sleep(0.15)
                    for i in range(5):
                        await bob.save(f"I do not wait, number {i}.")
                        assert (await bob.recall("Who does not wait?")).memories
                    assert (await alice.recall("When does the ferry leave?")).memories
                    assert sum((await alice.stats()).memories.values()) == 1
        assert sum((await alice.stats()).memories.values()) == 11


async def test_a_lock_held_for_too_long_is_storage_busy(hash_config: MemoryConfig) -> None:
    async with Vault(replace(hash_config, lock_timeout_s=0.1)) as vault:
        async with MemoryLayer("alice", vault=vault) as alice:
            await alice.save("The ferry leaves at nine.")
            with locked_by_another(user_path(vault.config.data_dir, "alice")):
                for call in (
                    partial(alice.save, "I moved to Porto."),
                    partial(alice.set_preference, "style", "concise"),
                    partial(alice.forget_all, confirm=True),
                ):
                    with pytest.raises(StorageBusy):
                        await call()
            assert [m.content for m in (await alice.list_memories()).items] == [
                "The ferry leaves at nine."
            ]
            assert (await alice.save("I moved to Porto.")).saved


async def test_a_locked_catalog_holds_up_only_new_users(hash_config: MemoryConfig) -> None:
    """Whoever is in it needs to write nothing there, also in a process that has just started."""
    async with MemoryLayer("alice", config=hash_config) as alice:
        await alice.save("The ferry leaves at nine.")
    async with Vault(replace(hash_config, lock_timeout_s=0.1)) as vault:
        alice, new = MemoryLayer("alice", vault=vault), MemoryLayer("new", vault=vault)
        await alice.open()
        await new.open()
        with locked_by_another(vault.config.data_dir / "catalog.db"):
            assert (await alice.save("I moved to Porto.")).saved
            with pytest.raises(StorageBusy):
                await new.save("I am new here.")
            assert (await alice.save("I moved to Faro.")).saved
        assert (await new.save("I am new here.")).saved


FORGOTTEN_MEANWHILE = """\
async def main():
    async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
        for number in range(int(rest[0])):
            began = time.monotonic_ns()
            (saved,) = (await memory.save(f"Number {number}.")).saved
            say(began, saved.id)

anyio.run(main, backend=backend)
"""


async def test_a_user_is_forgotten_while_another_process_writes(
    anyio_backend: str, hash_config: MemoryConfig
) -> None:
    """What was saved after the removal had returned is there, and its user is listed."""
    folder = hash_config.data_dir
    async with Vault(hash_config) as vault:
        with child(FORGOTTEN_MEANWHILE, folder, anyio_backend, "120") as writer:
            for _ in range(5):
                for _ in range(4):
                    writer.hear()
                with suppress(NotFound):  # what was heard may be older than the last removal
                    await vault.forget_user("alice", confirm=True)
            forgotten_at = time.monotonic_ns()
            said = [line.split() for line in writer.finish()]
        kept = {memory_id for began, memory_id in said if int(began) > forgotten_at}
        assert kept
        async with MemoryLayer("alice", vault=vault) as memory:
            assert kept <= {m.id for m in (await memory.list_memories(page_size=1000)).items}
            recalled = await memory.recall("Number 119.", top_k=20)
            assert "Number 119." in {one.memory.content for one in recalled.memories}
        assert [one.user_id for one in (await vault.list_users()).items] == ["alice"]
        assert (await vault.check()).problems == ()
    async with Vault(hash_config) as vault, MemoryLayer("alice", vault=vault) as memory:
        assert kept <= {m.id for m in (await memory.list_memories(page_size=1000)).items}


def test_children_end_with_the_test(tmp_path: Path) -> None:
    with child("heed()", tmp_path, "asyncio") as one:
        pass
    assert one.process.returncode is not None
