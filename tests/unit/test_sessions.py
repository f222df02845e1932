"""Sessions: their start and end, what becomes of working memory, and how they are listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from memory_vault import InvalidInput, MemoryConfig, MemoryLayer, NotFound, Vault

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[Vault]:
    async with Vault(hash_config) as vault:
        yield vault


@pytest.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", vault=vault) as layer:
        yield layer


async def test_a_started_session_is_the_layers_own_until_it_ends(memory: MemoryLayer) -> None:
    started = await memory.start_session("s", metadata={"topic": "tea"})
    assert (started.id, started.ended_at, started.memory_count) == ("s", None, 0)
    assert started.metadata == {"topic": "tea"}
    assert memory.session_id == "s"
    saved = (await memory.save("tea")).saved[0]
    assert saved.session_id == "s"
    ended = await memory.end_session()
    assert (ended.id, ended.memory_count) == ("s", 1)
    assert ended.started_at <= ended.last_active_at < ended.ended_at
    assert memory.session_id is None
    assert (await memory.save("tea")).saved[0].session_id is None


async def test_a_session_without_a_name_gets_a_new_one(memory: MemoryLayer) -> None:
    first, second = await memory.start_session(), await memory.start_session()
    assert first.id != second.id
    assert memory.session_id == second.id


async def test_starting_again_goes_on_and_replaces_only_given_metadata(memory: MemoryLayer) -> None:
    first = await memory.start_session("s", metadata={"a": 1})
    again = await memory.start_session("s")
    assert (again.started_at, again.metadata) == (first.started_at, {"a": 1})
    assert (await memory.start_session("s", metadata={"b": 2})).metadata == {"b": 2}


async def test_ending_twice_changes_nothing(memory: MemoryLayer) -> None:
    await memory.save("tea", session_id="s")
    assert await memory.end_session("s") == await memory.end_session("s")


async def test_ending_another_session_keeps_the_layers_own(memory: MemoryLayer) -> None:
    await memory.save("tea", session_id="other")
    await memory.start_session("own")
    await memory.end_session("other")
    assert memory.session_id == "own"


async def test_only_a_known_session_can_end(vault: Vault, memory: MemoryLayer) -> None:
    with pytest.raises(InvalidInput, match="session_id"):
        await memory.end_session()
    with pytest.raises(NotFound):
        await memory.end_session("unknown")
    assert (await vault.list_users()).items == ()


async def test_at_the_end_working_memory_worth_keeping_becomes_episodic_and_the_rest_goes(
    memory: MemoryLayer,
) -> None:
    texts = ["The door code is 4711", "One moment", "Said aloud"]
    kept, gone = (await memory.save(texts[:2], memory_type="working", session_id="s")).saved
    said = (await memory.save(texts[2], memory_type="episodic", session_id="s")).saved[0]
    elsewhere = (await memory.save("Later", memory_type="working", session_id="t")).saved[0]
    for one, importance in ((kept, 0.5), (gone, 0.49), (said, 0.0), (elsewhere, 0.0)):
        await memory.update(one.id, importance=importance)
    ended = await memory.end_session("s")
    assert ended.memory_count == 2
    assert (await memory.get(kept.id)).memory_type == "episodic"
    assert (await memory.history(kept.id))[-1].fields == ("memory_type",)
    assert (await memory.get(said.id)).memory_type == "episodic"
    assert (await memory.get(elsewhere.id)).memory_type == "working"
    with pytest.raises(NotFound):
        await memory.get(gone.id)
    found = {one.memory.content for one in (await memory.recall("door code moment")).memories}
    assert found == {texts[0], texts[2]}


async def test_what_is_worth_keeping_is_a_setting(hash_config: MemoryConfig) -> None:
    config = replace(hash_config, keep_importance=0)
    async with MemoryLayer("ada", session_id="s", config=config) as memory:
        await memory.save("ok", memory_type="working")
        assert (await memory.end_session()).memory_count == 1


async def test_an_idle_session_is_ended_by_the_next_open(
    hash_config: MemoryConfig, vault: Vault
) -> None:
    async with MemoryLayer("ada", session_id="s", vault=vault) as memory:
        gone = (await memory.save("ok", memory_type="working")).saved[0]
    async with MemoryLayer("ada", vault=vault) as memory:
        assert [one.ended_at for one in (await memory.list_sessions()).items] == [None]
    await vault.close()
    async with MemoryLayer("ada", config=replace(hash_config, session_idle_hours=0)) as memory:
        (session,) = (await memory.list_sessions()).items
        assert session.ended_at is not None
        with pytest.raises(NotFound):
            await memory.get(gone.id)


async def test_saving_into_an_ended_session_goes_on_with_it(memory: MemoryLayer) -> None:
    await memory.save("tea", session_id="s")
    ended = await memory.end_session("s")
    await memory.save("cake", session_id="s")
    (session,) = (await memory.list_sessions(state="open")).items
    assert (session.id, session.ended_at, session.memory_count) == ("s", None, 2)
    assert session.started_at == ended.started_at
    assert session.last_active_at > ended.last_active_at
    assert (await memory.end_session("s")).ended_at > ended.ended_at


async def test_sessions_are_listed_in_pages_by_state(memory: MemoryLayer) -> None:
    names = ["c", "a", "d", "b", "e"]
    for name in names:
        await memory.save("tea", session_id=name)
    for name in ("a", "b"):
        await memory.end_session(name)
    seen, cursor = [], None
    for _ in range(3):
        page = await memory.list_sessions(page_size=2, cursor=cursor)
        seen += [one.id for one in page.items]
        cursor = page.next_cursor
        await memory.start_session(names[0])
        await memory.start_session(f"new {len(seen)}")
    assert seen[:5] == names
    ended = await memory.list_sessions(state="ended")
    assert [one.id for one in ended.items] == ["a", "b"]
    assert "a" not in [one.id for one in (await memory.list_sessions(state="open")).items]
    with pytest.raises(InvalidInput, match="state"):
        await memory.list_sessions(state="odd")


async def test_the_same_session_name_of_two_users_is_two_sessions(
    vault: Vault, memory: MemoryLayer
) -> None:
    await memory.save("tea", session_id="s")
    async with MemoryLayer("bob", vault=vault) as other:
        with pytest.raises(NotFound):
            await other.end_session("s")
        await other.save("tea", session_id="s")
        await other.end_session("s")
    assert len((await memory.list_sessions(state="open")).items) == 1
