"""Reading, listing and changing single memories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import anyio
import pytest

from memory_vault import InvalidInput, Memory, MemoryConfig, MemoryLayer, NotFound

pytestmark = pytest.mark.anyio
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
async def memory(hash_config: MemoryConfig) -> AsyncIterator[MemoryLayer]:
    async with MemoryLayer("ada", config=hash_config) as layer:
        yield layer


@pytest.fixture
async def tea(memory: MemoryLayer) -> Memory:
    saved = await memory.save("tea", session_id="s", occurred_at=DAY, metadata={"a": 1})
    return saved.saved[0]


async def test_get_returns_what_was_saved(memory: MemoryLayer, tea: Memory) -> None:
    assert await memory.get(tea.id) == tea
    assert (tea.user_id, tea.role, tea.derived_from, tea.compressed) == ("ada", "user", (), False)
    assert 0 <= tea.importance <= 1
    assert tea.token_count >= 1
    assert "tea" in repr(tea)


async def test_an_unknown_id_is_not_found(memory: MemoryLayer, tea: Memory) -> None:
    for call in (memory.get, memory.history, lambda one: memory.update(one, content="x")):
        with pytest.raises(NotFound, match="mem_none"):
            await call("mem_none")


async def test_times_are_kept_to_the_microsecond_and_given_in_utc(memory: MemoryLayer) -> None:
    when = datetime(1931, 5, 6, 7, 8, 9, 123457, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    saved = (await memory.save("tea", occurred_at=when)).saved[0]
    assert saved.occurred_at == when
    assert saved.occurred_at.tzinfo is UTC
    assert saved.recorded_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "one two three four"),
        ({"memory_type": "semantic"}, "three"),
        ({"memory_type": "working"}, "four"),
        ({"session_id": "s"}, "two three four"),
        ({"session_id": "unknown"}, ""),
        ({"session_id": "s", "memory_type": "episodic"}, "two"),
        ({"since": DAY, "until": DAY + TICK}, "one"),
        ({"until": DAY + timedelta(days=1)}, "one"),
        ({"until": DAY + timedelta(days=1) + TICK}, "one two"),
        ({"since": DAY + TICK}, "two three four"),
    ],
)
async def test_list_memories_shows_what_the_filters_name(
    memory: MemoryLayer, filters: dict[str, Any], expected: str
) -> None:
    await memory.save("one", occurred_at=DAY)
    await memory.save("two", occurred_at=DAY + timedelta(days=1), session_id="s")
    await memory.save("three", memory_type="semantic", session_id="s")
    await memory.save("four", memory_type="working", session_id="s")
    for size in (1, 50):
        seen, cursor = [], None
        for _ in range(5):
            page = await memory.list_memories(**filters, page_size=size, cursor=cursor)
            seen += [one.content for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert (seen, cursor) == (expected.split(), None)


async def test_pages_are_stable_under_concurrent_writes(memory: MemoryLayer) -> None:
    first = (await memory.save([f"note {i}" for i in range(20)])).saved
    is_read = anyio.Event()

    async def write() -> None:
        for number in range(100):
            if is_read.is_set():
                return
            await memory.save(f"more {number}")
            await memory.update(first[number % 20].id, importance=number / 100)

    seen, cursor = [], None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        while len(seen) < 20:
            page = await memory.list_memories(page_size=3, cursor=cursor)
            seen += page.items
            cursor = page.next_cursor
        is_read.set()
    assert [one.id for one in seen[:20]] == [one.id for one in first]
    assert len({one.id for one in seen}) == len(seen)


@pytest.mark.parametrize("cursor", ["", "nonsense", "e30", "WzEsMl0", "é"])
async def test_a_made_up_cursor_is_refused(memory: MemoryLayer, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        await memory.list_memories(cursor=cursor)


@pytest.mark.parametrize("page_size", [0, -1, 1001, True, 2.0])
async def test_a_page_size_out_of_range_is_refused(memory: MemoryLayer, page_size: Any) -> None:
    with pytest.raises(InvalidInput, match="page_size"):
        await memory.list_memories(page_size=page_size)


CHANGES: list[tuple[str, Any]] = [
    ("content", "coffee"),
    ("memory_type", "semantic"),
    ("importance", 1.0),
    ("occurred_at", DAY + timedelta(days=1)),
    ("occurred_at", None),
    ("valid_from", DAY),
    ("valid_to", DAY),
    ("metadata", {"b": [None]}),
    ("metadata", {}),
]


@pytest.mark.parametrize(("field", "value"), CHANGES)
async def test_update_changes_only_what_is_given(
    memory: MemoryLayer, tea: Memory, field: str, value: Any
) -> None:
    changed = await memory.update(tea.id, **{field: value})
    assert getattr(changed, field) == value
    for name in Memory.__dataclass_fields__.keys() - {field, "token_count"}:
        assert getattr(changed, name) == getattr(tea, name), name
    assert await memory.get(tea.id) == changed
    assert [one.fields for one in await memory.history(tea.id)] == [(), (field,)]


async def test_none_clears_a_time(memory: MemoryLayer, tea: Memory) -> None:
    await memory.update(tea.id, valid_from=DAY, valid_to=DAY + TICK)
    cleared = await memory.update(tea.id, occurred_at=None, valid_from=None, valid_to=None)
    assert (cleared.occurred_at, cleared.valid_from, cleared.valid_to) == (None, None, None)


async def test_new_content_is_counted_and_found_in_place_of_the_old(
    memory: MemoryLayer, tea: Memory
) -> None:
    changed = await memory.update(tea.id, content="The zebra picture hides a key. " * 40)
    assert changed.token_count > tea.token_count
    assert (await memory.recall("zebra picture", token_budget=90)).memories[0].memory == changed
    assert "tea" not in (await memory.recall("tea")).prompt_block
    assert (await memory.stats()).versions == 1


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"content": " "},
        {"content": None},
        {"memory_type": None},
        {"memory_type": "odd"},
        {"importance": 1.1},
        {"importance": None},
        {"occurred_at": datetime(2026, 1, 1)},
        {"valid_from": DAY, "valid_to": DAY},
        {"metadata": {"a": object()}},
        {"metadata": [1]},
    ],
)
async def test_an_update_that_is_not_acceptable_changes_nothing(
    memory: MemoryLayer, tea: Memory, change: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        await memory.update(tea.id, **change)
    assert len(await memory.history(tea.id)) == 1


async def test_the_end_of_validity_is_checked_against_the_start_it_has(
    memory: MemoryLayer, tea: Memory
) -> None:
    await memory.update(tea.id, valid_from=DAY)
    with pytest.raises(InvalidInput, match="valid_to"):
        await memory.update(tea.id, valid_to=DAY)
    assert (await memory.update(tea.id, valid_to=DAY, valid_from=DAY - TICK)).valid_to == DAY


async def test_working_memory_needs_a_session(memory: MemoryLayer) -> None:
    saved = (await memory.save("tea")).saved[0]
    with pytest.raises(InvalidInput, match="session"):
        await memory.update(saved.id, memory_type="working")


async def test_history_tells_every_version_and_what_changed(
    memory: MemoryLayer, tea: Memory
) -> None:
    await memory.update(tea.id, content="coffee", importance=0.9)
    last = await memory.update(tea.id, metadata={})
    history = await memory.history(tea.id)
    assert [one.fields for one in history] == [(), ("content", "importance"), ("metadata",)]
    assert [one.memory.content for one in history] == ["tea", "coffee", "coffee"]
    assert (history[0].memory, history[-1].memory) == (tea, last)
    assert [one.superseded_at for one in history] == [
        history[1].recorded_at,
        history[2].recorded_at,
        None,
    ]
    assert history[0].recorded_at == tea.recorded_at < history[1].recorded_at


async def test_an_updated_memory_keeps_its_place_in_the_session(
    memory: MemoryLayer, tea: Memory
) -> None:
    await memory.save("cake", session_id="s")
    await memory.update(tea.id, content="coffee")
    listed = (await memory.list_memories(session_id="s")).items
    assert [one.content for one in listed] == ["coffee", "cake"]
    assert len((await memory.save("cake", session_id="s")).duplicates) == 1
    assert len((await memory.save("coffee", session_id="s")).saved) == 1


async def test_updates_at_once_are_all_kept(memory: MemoryLayer, tea: Memory) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(10):

            async def change(number: int = number) -> None:
                await memory.update(tea.id, content=f"tea {number}")

            tasks.start_soon(change)
    history = await memory.history(tea.id)
    assert {one.memory.content for one in history} == {"tea", *(f"tea {i}" for i in range(10))}
    assert [one.superseded_at for one in history[:-1]] == [one.recorded_at for one in history[1:]]


async def test_an_update_keeps_the_mark_of_a_summary(memory: MemoryLayer, tea: Memory) -> None:
    store = memory._vault.engine.store
    await store.write("ada", lambda user: user.memories.replace(tea.id, {"compressed": True}, None))
    assert (await memory.update(tea.id, importance=0.9)).compressed
    assert (await memory.list_memories()).items == ()
