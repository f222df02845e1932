"""Odd users, odd text and arguments that are not acceptable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from memory_vault import (
    InvalidInput,
    MemoryConfig,
    MemoryLayer,
    Vault,
)

pytestmark = pytest.mark.anyio
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def vault(hash_config: MemoryConfig) -> AsyncIterator[Vault]:
    async with Vault(hash_config) as vault:
        yield vault


@pytest.fixture
async def memory(vault: Vault) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", vault=vault) as layer:
        yield layer


def contents(result: Any) -> list[str]:
    return [one.memory.content for one in result.memories]


@pytest.mark.parametrize(
    "user_id", ["../../etc", "a/b", ".", "ADA", "ada", "Ünïcødé", "日本語", "x" * 511]
)
async def test_odd_users_have_files_of_their_own(vault: Vault, user_id: str) -> None:
    async with MemoryLayer(user_id, vault=vault) as memory:
        await memory.save(f"I am {user_id}")
        assert contents(await memory.recall("who")) == [f"I am {user_id}"]
    async with MemoryLayer(user_id + "2", vault=vault) as other:
        assert (await other.stats()).total == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.save(""),
        lambda m: m.save(" \n"),
        lambda m: m.save([]),
        lambda m: m.save("x" * 1_000_001),
        lambda m: m.save("x", role="two\nlines"),
        lambda m: m.save("x", memory_type="odd"),
        lambda m: m.save("x", origin="odd"),
        lambda m: m.save("x", occurred_at=datetime(2026, 1, 1)),
        lambda m: m.save("x", metadata={"a": object()}),
        lambda m: m.save([{"role": "user", "text": "x"}]),
        lambda m: m.save(["fine", " "]),
        lambda m: m.recall(""),
        lambda m: m.recall("x", top_k=0),
        lambda m: m.recall("x", token_budget=-1),
        lambda m: m.recall("x", memory_types=["odd"]),
        lambda m: m.recall("x", roles="user"),
        lambda m: m.recall("x", since=datetime(2026, 1, 1)),
        lambda m: m.list_memories(page_size=0),
        lambda m: m.set_preference(" ", "x"),
        lambda m: m.set_preference("k", "v", confidence=2),
        lambda m: m.forget("x", proof="full"),
    ],
)
async def test_bad_input_is_refused_and_nothing_is_stored(memory: MemoryLayer, call: Any) -> None:
    with pytest.raises(InvalidInput):
        await call(memory)
    assert (await memory.stats()).total == 0


async def test_nul_and_surrogates_are_replaced(memory: MemoryLayer) -> None:
    saved = (await memory.save("a\x00b\ud800c")).saved[0]
    assert saved.content == "a\ufffdb\ufffdc"
    for bad in ("", "x" * 513, "a\x00", "\ud800"):
        with pytest.raises(InvalidInput):
            MemoryLayer(bad)


async def test_a_cursor_of_another_listing_is_refused(vault: Vault, memory: MemoryLayer) -> None:
    await memory.save(["a", "b"], session_id="s")
    await memory.start_session("t")
    async with MemoryLayer("bob", vault=vault) as other:
        await other.save("c")
    cursors = {
        "memories": (await memory.list_memories(page_size=1)).next_cursor,
        "sessions": (await memory.list_sessions(page_size=1)).next_cursor,
        "users": (await vault.list_users(page_size=1)).next_cursor,
    }
    listings: dict[str, Any] = {
        "memories": memory.list_memories,
        "sessions": memory.list_sessions,
        "users": vault.list_users,
    }
    for name, listing in listings.items():
        for other_name, cursor in cursors.items():
            if other_name == name:
                assert (await listing(cursor=cursor)).items
            else:
                with pytest.raises(InvalidInput, match="cursor"):
                    await listing(cursor=cursor)


@pytest.mark.parametrize("role", ["Jean\u00a0Paul", "\U0001f469\u200d\U0001f4bb", "Ünal"])
async def test_any_name_on_one_line_is_a_role(memory: MemoryLayer, role: str) -> None:
    assert (await memory.save("hello", role=role)).saved[0].role == role
